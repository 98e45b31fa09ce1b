"""A service that starts with another master key: what needs no key is served, the rest waits, one line says why."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from testkit.builders import people
from testkit.passwords import PASSWORD
from testkit.servers import Api, create_event, run_server, wait_until

pytestmark = pytest.mark.server
SELFIE = {"file": ("me.jpg", people(1), "image/jpeg")}


def test_photos_are_served_and_portraits_wait_for_the_master_key(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "FACE_RECOGNIZER_PROVIDER": "fake",
        "GUNICORN_WORKERS": "1",
        "SECRET_KEY": "k" * 40,
        "JOB_POLL_SECONDS": "0.2",
    }
    picture = tmp_path / "1.jpg"
    picture.write_bytes(people(1, 2))
    with run_server(tmp_path, **given) as server, Api(server) as anyone:
        event = create_event(server)
        who = {"username": "amy", "email": "amy@example.org", "password": PASSWORD, "consent_given": True}
        body = {"user_data": who, "event_code": event.code}
        anyone.call("POST", "/api/register-with-event-code", json=body)
        token = anyone.logged_in("amy", PASSWORD, event.code).token
        guest = Api(server, token)
        guest.call("POST", "/api/upload-selfie", files=SELFIE)
        event.photographer.upload(event.id, [picture])
        wait_until(lambda: len(guest.call("GET", "/api/my-photos")) == 1, 20, "the match")
    log = tmp_path / "server.log"
    before = log.read_text()
    with run_server(tmp_path, **given, MASTER_KEY="another master key, forty characters....") as server:
        guest = Api(server, token)
        photographer = Api(server).logged_in("lea", PASSWORD)
        (photo,) = guest.call("GET", "/api/my-photos")
        assert guest.picture(server.url + photo["thumbnail_url"]).startswith(b"\xff\xd8")
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        user_id = guest.call("GET", "/api/me")["id"]
        for method, path in (
            ("POST", "/api/upload-selfie"),
            ("GET", f"/api/selfie/{user_id}"),
            ("GET", "/api/me/export"),
        ):
            files = SELFIE if method == "POST" else None
            answer = httpx2.request(method, server.url + path, headers=headers, files=files)
            assert (answer.status_code, answer.json()["error"]) == (503, "ServiceUnavailable"), path
            assert "try again" in answer.json()["detail"]
        picture.write_bytes(people(1, 3))
        photographer.upload(event.id, [picture])
        ready = httpx2.get(f"{server.url}/readyz").json()
        assert "keys are not available: the master key is another one" in str(ready)
        lines = log.read_text().removeprefix(before).splitlines()
        assert len([each for each in lines if "Keys are not available" in each]) == 1
        assert not [each for each in lines if "Traceback" in each]
    with run_server(tmp_path, **given) as server:
        guest = Api(server, token)
        wait_until(lambda: len(guest.call("GET", "/api/my-photos")) == 2, 20, "the photo that waited")
