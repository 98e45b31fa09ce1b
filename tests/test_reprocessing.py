"""Stored photos are processed again by the command, and every process is killed in the middle, three times."""

import itertools
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from testkit.builders import people
from testkit.passwords import PASSWORD
from testkit.servers import Api, Launcher, NewEvent, create_event, wait_until
from tests.conftest import DATABASES, UNLIMITED

PHOTOS, GUESTS, PEOPLE = 60, 8, 8
SETTINGS = {
    **UNLIMITED,
    "FACE_RECOGNIZER_PROVIDER": "fake",
    "GUNICORN_WORKERS": "2",
    "JOB_POLL_SECONDS": "0.5",
    "JOB_LEASE_SECONDS": "5",
    "JOB_HEARTBEAT_SECONDS": "1",
    "ORPHAN_GRACE_SECONDS": "0",
}

pytestmark = [pytest.mark.long, pytest.mark.server, pytest.mark.timeout(600)]


@pytest.fixture(params=DATABASES)
def address(request: pytest.FixtureRequest) -> str | None:
    """Return the address of a new database; None is a file in the server's folder."""
    if request.param == "sqlite":
        return None
    new: Callable[[str], str] = request.getfixturevalue("postgres")
    return new("psycopg")


def fill(event: NewEvent, server: Any) -> dict[int, str]:
    """Send portraits and photos, and wait until they are done; return the guests' tokens."""
    tokens = dict[int, str]()
    groups = list(itertools.combinations(range(PEOPLE), 2)) + list(itertools.combinations(range(PEOPLE), 3))
    pictures = [
        ("files", (f"{number:02}.jpg", people(*who, block=500))) for number, who in enumerate(groups[:PHOTOS])
    ]
    with Api(server) as anyone:
        for number in range(GUESTS):
            who = {"username": f"guest{number}", "email": f"guest{number}@example.org", "password": PASSWORD}
            body = {"user_data": who, "event_code": event.code}
            anyone.call("POST", "/api/register-with-event-code", json=body)
            with anyone.logged_in(f"guest{number}", PASSWORD, event.code) as guest:
                guest.call("POST", "/api/upload-selfie", files={"file": ("me.jpg", people(number))})
                tokens[number] = guest.token
    event.photographer.call("POST", f"/api/photographer/events/{event.id}/upload-photos", files=pictures)
    wait_until(lambda: not unfinished(event), 120, "the first matching")
    return tokens


def unfinished(event: NewEvent) -> int:
    jobs = event.admin.call("GET", "/api/stats")["jobs"]
    return sum(each["pending"] + each["processing"] + each["failed"] for each in jobs.values())


def matches(server: Any, tokens: dict[int, str]) -> set[tuple[int, str, float]]:
    """Every match, by the guest's number, the photo's name and the score."""
    found = set()
    for number, token in tokens.items():
        with Api(server, token) as guest:
            for each in guest.call("GET", "/api/my-photos"):
                assert len(guest.picture(each["url"])) > 100, "no picture is ever missing"
                found.add((number, each["original_filename"], each["confidence_score"]))
    return found


def test_every_process_is_killed_in_the_middle_and_the_end_equals_the_beginning(
    tmp_path: Path, address: str | None
) -> None:
    launcher = Launcher(tmp_path, address, **SETTINGS)
    server = launcher.start()
    try:
        event = create_event(server, password=PASSWORD)
        tokens = fill(event, server)
        fresh = matches(server, tokens)
        forget_faces(launcher.environment["DATABASE_URL"])
        aged = matches(server, tokens)
        assert aged < fresh
        told = command(launcher, "--event", event.code)
        assert f"Planned: {PHOTOS} photos of 1 event." in told
        for part in (0.1, 0.3, 0.5):
            wait_until(lambda at=part: done(event) >= at * PHOTOS, 120, "a part of the photos")  # type: ignore[misc]
            launcher.kill()
            assert 0 < made(launcher.environment["DATABASE_URL"]) < PHOTOS, "the kill came too late"
            server = launcher.start()
            assert aged <= matches(server, tokens)
        wait_until(lambda: not unfinished(event), 120, "the run")
        assert f"{PHOTOS} of {PHOTOS} photos done" in command(launcher, "--status")
        assert matches(server, tokens) == fresh
        files = {str(each) for each in (tmp_path / "storage" / "photos").rglob("*.jpg")}
        made_anew = {each for each in files if "-" in Path(each).stem}
        assert len(made_anew) == 3 * PHOTOS, "no file of an attempt that died is left"
    finally:
        launcher.stop()


def forget_faces(url: str) -> None:
    """Leave every third photo as a release made it that did not find its first face."""
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(sqlalchemy.text("PRAGMA foreign_keys = ON"))
        first = "DELETE FROM faces WHERE id IN (SELECT min(id) FROM faces WHERE photo_id % 3 = 0 GROUP BY photo_id)"
        connection.execute(sqlalchemy.text(first))
        connection.execute(sqlalchemy.text("UPDATE events SET version = version + 1"))
    engine.dispose()


def made(url: str) -> int:
    """Return how many photos have new renditions, from the database."""
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(
            sqlalchemy.text("SELECT count(*) FROM photos WHERE rendition_set > 0")
        ).scalar_one()
    engine.dispose()
    return int(found)


def done(event: NewEvent) -> int:
    """Return how many photos are processed again, as the admin is told; all once nothing is told any more."""
    found = event.admin.call("GET", "/api/admin/provider")["reprocessing"]
    return int(found[0]["done"]) if found else PHOTOS


def command(launcher: Launcher, *arguments: str) -> str:
    """Run the command with the settings of the service and return what it prints."""
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "photos.reprocess", *arguments],
        env=launcher.environment,
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert time.monotonic() - began < 30
    return ended.stdout
