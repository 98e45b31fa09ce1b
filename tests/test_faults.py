"""When database, storage or server fail: clear answers, no lost data, and recovery without an operator."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import obstore
import pytest

from api.sessions import SESSION_COOKIE
from testkit.builders import Service, people
from testkit.passwords import PASSWORD
from testkit.postgres import PostgresServer
from testkit.servers import Api, Launcher, create_event, wait_until
from tests.conftest import run_folder

AWAY_SECONDS = (2.0, pytest.param(20.0, marks=pytest.mark.long))


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server that this test may stop and start."""
    server = PostgresServer(run_folder() / "own-pg")
    server.start()
    yield server
    server.stop()


@pytest.mark.server
@pytest.mark.parametrize("away_seconds", AWAY_SECONDS)
@pytest.mark.long
def test_a_database_that_goes_away_and_comes_back(
    own_postgres: PostgresServer, tmp_path: Path, away_seconds: float
) -> None:
    quick = {"DB_POOL_TIMEOUT": "1", "JOB_LEASE_SECONDS": "4", "JOB_HEARTBEAT_SECONDS": "1"}
    launcher = Launcher(tmp_path, own_postgres.new_database(), FACE_RECOGNIZER_PROVIDER="fake", **quick)
    try:
        server = launcher.start()
        event = create_event(server)
        with Api(server) as anyone:
            token = anyone.call("POST", "/api/login", json={"username": "lea", "password": PASSWORD})["access_token"]
        photos = []
        for number in range(15):
            photos.append(tmp_path / f"{number}.jpg")
            photos[-1].write_bytes(people(number, block=300))
        event.photographer.upload(event.id, photos)
        own_postgres.stop()
        began, answers = time.monotonic(), []
        while time.monotonic() - began < away_seconds:
            answers.append(
                httpx2.post(f"{server.url}/api/login", json={"username": "lea", "password": PASSWORD}, timeout=20)
            )
            time.sleep(0.3)
        assert {answer.status_code for answer in answers} == {503}
        assert all(answer.headers["retry-after"] for answer in answers)
        assert httpx2.get(f"{server.url}/livez").status_code == 200
        page = httpx2.get(f"{server.url}/studio", headers={"Accept": "text/html"}, cookies={SESSION_COOKIE: token})
        assert (page.status_code, "Un instant" in page.text) == (503, True)
        assert httpx2.get(f"{server.url}/readyz", timeout=20).status_code == 503
        own_postgres.start()

        def all_done() -> bool:
            found = event.photographer.call("GET", f"/api/photographer/events/{event.id}/photos")
            return len(found) == 15 and all(photo["processing_status"] == "done" for photo in found)

        wait_until(lambda: httpx2.get(f"{server.url}/readyz", timeout=20).status_code == 200, 20, "readiness")
        wait_until(all_done, 60, "the photos")
    finally:
        launcher.kill()


def failing(problem: Exception) -> Any:
    def put(*_: Any, **__: Any) -> None:
        raise problem

    return put


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (OSError(28, "No space left on device"), 507),
        (OSError(30, "Read-only file system"), 503),
    ],
)
def test_storage_that_takes_nothing_leaves_no_row(
    service: Service, monkeypatch: pytest.MonkeyPatch, problem: Exception, status: int
) -> None:
    event = service.event()
    guest = service.guest(event)
    before = service.files()
    with monkeypatch.context() as patch:
        patch.setattr(obstore, "put", failing(problem))
        answer = service.send_selfie(guest, people(1))
        assert answer.status_code == status
        assert answer.json()["error"] in ("StorageFull", "ServiceUnavailable")
        path = f"/api/photographer/events/{event.id}/upload-photos"
        files = {"files": ("a.jpg", people(1), "image/jpeg")}
        assert service.post(path, event.photographer, files=files).status_code == status
        assert service.get("/readyz").status_code == 503
    assert service.status(guest)["status"] == "idle"
    assert service.process_photos(event) == []
    assert service.files() == before
    assert service.send_selfie(guest, people(1)).status_code == 200


def test_storage_that_fails_during_a_job_is_only_a_delay(service: Service) -> None:
    event = service.event()
    # A file where the folder of the renditions belongs: nothing can be stored there.
    obstacle = service.storage / "photos" / str(event.id) / "web"
    obstacle.parent.mkdir(parents=True)
    obstacle.write_bytes(b"")
    service.upload(event, people(7))

    def tried() -> bool:
        (photo,) = service.get(f"/api/photographer/events/{event.id}/photos", event.photographer).json()
        return bool(photo["error"])

    wait_until(tried, 20, "the first attempt")
    obstacle.unlink()
    (photo,) = service.process_photos(event)
    assert photo["processing_status"] == "done"


@pytest.mark.server
@pytest.mark.long
def test_a_stop_lets_the_job_in_hand_end_and_leaves_the_rest_waiting(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, FACE_RECOGNIZER_PROVIDER="fake", GUNICORN_WORKERS="1")
    try:
        server = launcher.start()
        event = create_event(server)
        photos = []
        for number in range(16):
            photos.append(tmp_path / f"{number}.jpg")
            photos[-1].write_bytes(people(number, block=900))
        event.photographer.upload(event.id, photos)
        began = time.monotonic()
        launcher.stop()
        assert time.monotonic() - began < 15
        server = launcher.start()
        with Api(server) as anyone:
            admin = anyone.logged_in(server.admin, server.password)
        # No job waits for its lease to expire, and no attempt was counted.
        wait_until(lambda: admin.call("GET", "/api/admin/jobs")["kinds"]["photos"]["done"] == 16, 20, "the photos")
        os.kill(server.pid, signal.SIGHUP)
        time.sleep(1)
        wait_until(lambda: httpx2.get(f"{server.url}/readyz").status_code == 200, 20, "the reload")
    finally:
        launcher.kill()
