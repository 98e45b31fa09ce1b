"""A running service whose key Azure refuses: it serves all the same, and says what it waits for."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from faces.fake import FakeEngine
from testkit.azure_face_server import FaceServer, face_server
from testkit.passwords import PASSWORD
from testkit.sample_pictures import sample_file
from testkit.servers import TLS, Api, Server, create_event, run_server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.long]


@pytest.fixture(scope="module")
def azure() -> Iterator[FaceServer]:
    """The recogniser; it does not know the key that the service has."""
    with face_server(FakeEngine(), key="another-key") as server:
        yield server


@pytest.fixture(scope="module")
def server(azure: FaceServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service."""
    settings = {**azure.settings, "AZURE_FACE_KEY": "a-wrong-key", "JOB_POLL_SECONDS": "0.2"}
    with run_server(tmp_path_factory.mktemp("azure"), GUNICORN_WORKERS="1", **settings) as running:
        yield running


def readyz(server: Server) -> Any:
    return httpx2.get(f"{server.url}/readyz", verify=TLS)


def as_browser(server: Server, user: Api) -> httpx2.Client:
    """Return a client that reads pages as this user."""
    return httpx2.Client(base_url=server.url, verify=TLS, headers={"Authorization": f"Bearer {user.token}"})


def test_with_a_wrong_key_people_are_served_and_operators_told_why(server: Server, azure: FaceServer) -> None:
    wait_until(lambda: "AZURE_FACE_KEY" in readyz(server).json()["face_engine"], 20, "the key is refused")
    assert readyz(server).status_code == 200
    event = create_event(server, guests_see_all_photos=True)
    provider = event.admin.call("GET", "/api/admin/provider")
    assert (provider["provider"], provider["ready"]) == ("azure", False)
    assert "AZURE_FACE_KEY" in provider["problem"]
    with as_browser(server, event.admin) as admin:
        assert "AZURE_FACE_KEY" in admin.get("/admin/jobs").text
        assert "AZURE_FACE_KEY" in admin.get("/api/admin/jobs").json()["problem"]
    selfie = ("me.png", sample_file("skimage", "data/astronaut.png").read_bytes(), "image/png")
    with Api(server) as anyone:
        body = {"username": "amy", "email": "amy@example.org", "password": PASSWORD, "event_code": event.code}
        assert anyone.call("POST", "/api/validate-selfie", files={"file": selfie})["valid"]
        anyone.call("POST", "/api/register-invite-with-selfie", data=body, files={"file": selfie})
        with anyone.logged_in("amy", PASSWORD, event.code) as amy:
            assert amy.call("GET", "/api/rematch-status")["status"] in ("queued", "running")
            photographer = event.photographer
            photographer.upload(event.id, [sample_file("skimage", "data/astronaut.png")])
            with as_browser(server, photographer) as studio, as_browser(server, amy) as guest:
                photos, gallery = f"/studio/{event.id}/photos", f"/photos?event={event.id}&show=all"
                wait_until(lambda: "size=thumb" in studio.get(photos).text, 30, "the photo waits with its thumbnail")
                assert 'data-state="done"' not in studio.get(photos).text
                (shown,) = re.findall(r"{[^{}]*astronaut[^{}]*}", guest.get(gallery).text)
                assert "waiting" not in shown
    assert azure.state.faults.told.keys() == {"401"}
