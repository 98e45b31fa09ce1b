"""The whole journeys of the two load-test clients of earlier releases, over HTTP against a server.

They are written as those clients work: they read a field where it used to be, and know nothing that came later.
"""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from testkit.builders import people
from testkit.passwords import PASSWORD
from testkit.servers import TLS, NewEvent, Server, create_event, run_server

pytestmark = pytest.mark.server
PHOTOS = 24
# Every fourth photo shows the guest.
SHOWN = [number for number in range(PHOTOS) if number % 4 == 0]
GUEST = 1
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Stage:
    """A server with an event whose guests see all photos, as they always did."""

    server: Server
    event: NewEvent


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("older")
    settings = {"FACE_RECOGNIZER_PROVIDER": "fake", "GUNICORN_WORKERS": "1", "JOB_POLL_SECONDS": "0.2"}
    with run_server(folder, **settings) as server:
        event = create_event(server, name="Mariage", event_code="M01", guests_see_all_photos=True)
        path = f"/api/photographer/events/{event.id}"
        shots = [people(GUEST if number in SHOWN else 2, 3 + number) for number in range(PHOTOS)]
        files = [("files", (f"{number}.jpg", data, "image/jpeg")) for number, data in enumerate(shots)]
        event.photographer.call("POST", f"{path}/upload-photos", files=files)
        _poll(lambda: event.photographer.call("GET", f"{path}/progress")["done"] == PHOTOS)
        yield Stage(server, event)


def _poll(done: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


class OlderClient:
    """Sends requests with the token of the login, and fails on any answer but 200."""

    def __init__(self, server: Server) -> None:
        self._http = httpx2.Client(base_url=server.url, timeout=60, verify=TLS)
        self.name = f"user_{next(_numbers)}"
        self.account = {"username": self.name, "email": f"{self.name}@example.org"}

    def __enter__(self) -> "OlderClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        answer = self._http.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:200]}"
        return answer.json() if "json" in answer.headers["content-type"] else answer.content

    def post(self, path: str, **body: Any) -> Any:
        answer = self._http.post(path, **body)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:200]}"
        return answer.json()

    def log_in(self) -> None:
        token = self.post("/api/login", json={"username": self.name, "password": PASSWORD})["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def send_selfie(self, path: str) -> Any:
        return self.post(path, files={"file": ("selfie.jpg", people(GUEST), "image/jpeg")})


def test_the_shorter_client_finds_its_photos(stage: Stage) -> None:
    """Register without a selfie, log in, send the selfie, read profile and lists, load pictures by name, poll."""
    with OlderClient(stage.server) as client:
        assert client.post("/api/check-event-code", json={"event_code": "M01"}) == {"valid": True}
        data = {**client.account, "password": PASSWORD, "user_type": "user"}
        user = client.post("/api/register-invite", json={"user_data": data, "event_code": "M01"})
        assert (user["username"], user["selfie_path"]) == (client.name, None)
        client.log_in()
        assert client.send_selfie("/api/upload-selfie?strict=false")["status"] == "processing"
        profile = client.get("/api/profile")
        assert (profile["user"]["id"], profile["total_photos"]) == (user["id"], PHOTOS)
        assert profile["photos_with_face"] <= len(SHOWN)
        all_photos = client.get("/api/all-photos")
        assert len(all_photos) == PHOTOS
        assert {photo["event_name"] for photo in all_photos} == {"Mariage"}
        for photo in all_photos[:5]:
            assert client.get(f"/api/image/{photo['filename']}")[:2] == b"\xff\xd8"
            assert {photo["user_id"], photo["file_path"]} == {None}
        seen: list[Any] = []
        while not seen or seen[-1]["status"] in ("queued", "running"):
            seen.append(client.get("/api/rematch-status"))
            assert seen[-1].get("scheduled", False) == (seen[-1]["status"] == "queued")
            time.sleep(0.1)
        assert (seen[-1]["status"], seen[-1]["matched"]) == ("done", len(SHOWN))
        mine = client.get("/api/my-photos")
        assert {photo["original_filename"] for photo in mine} == {f"{number}.jpg" for number in SHOWN}
        assert client.get("/api/profile")["photos_with_face"] == len(SHOWN)
        faces = client.get(f"/api/photo/{mine[0]['id']}/faces")
        assert [box["matched"] for box in faces["boxes"]] == [True, False]


def test_the_longer_client_finds_its_photos(stage: Stage) -> None:
    """As a recorded session of a phone: checks twice, a trial of the selfie, lists three times, forty pictures."""
    with OlderClient(stage.server) as client:
        code = {"event_code": "M01"}
        for step in range(2):
            assert client.post("/api/check-event-code", json=code) == {"valid": True}
            free = client.post("/api/check-user-availability", json={**client.account, **code})
            assert free == {"username_taken": False, "email_taken": False}
            if step == 0:
                assert client.send_selfie("/api/validate-selfie") == {"valid": True}
        data = {**client.account, "password": PASSWORD, "user_type": "user"}
        client.post("/api/register-with-event-code", json={"user_data": data, **code})
        client.log_in()
        assert client.send_selfie("/api/upload-selfie")["message"].startswith("Selfie uploadé avec succès")
        assert isinstance(client.get("/api/my-photos"), list)
        _poll(lambda: len(client.get("/api/my-photos")) == len(SHOWN))
        assert client.get("/api/me")["event_code"] == "M01"
        mine = client.get(f"/api/my-photos?cb={int(time.time() * 1000)}")
        everything = client.get("/api/all-photos")
        ids = list(dict.fromkeys(photo["id"] for photo in (*mine, *everything)))
        assert len(ids) == PHOTOS
        for number in range(40):
            assert client.get(f"/api/photo/{ids[number % PHOTOS]}")[:2] == b"\xff\xd8"
            if number % 10 == 0:
                expiry = client.get("/api/user/event-expiration")
                assert (expiry["expired"], expiry["photos_count"]) == (False, PHOTOS)
                assert expiry["seconds_remaining"] > 0


@pytest.mark.long
def test_both_clients_at_the_same_time(stage: Stage) -> None:
    """As in a load test: four of each."""
    plays = (test_the_shorter_client_finds_its_photos, test_the_longer_client_finds_its_photos) * 4
    with ThreadPoolExecutor(len(plays)) as pool:
        for played in [pool.submit(play, stage) for play in plays]:
            played.result()
