"""The settings name another engine for an event of 500 photos, and every process is killed in the middle."""

import itertools
import logging
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testkit.builders import people
from testkit.passwords import PASSWORD
from testkit.servers import Api, Launcher, create_event, wait_until
from tests.conftest import DATABASES, UNLIMITED

# Shown with `-o log_cli=true -o log_cli_level=INFO`.
log = logging.getLogger("tests")
PHOTOS, GUESTS, PEOPLE = 500, 40, 60
SETTINGS = {**UNLIMITED, "GUNICORN_WORKERS": "2", "JOB_POLL_SECONDS": "0.5", "JOB_LEASE_SECONDS": "10"}
SECONDS = 300.0

pytestmark = [pytest.mark.long, pytest.mark.server, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    """Photos by name: each of up to four of sixty people, no two of the same ones."""
    dice = random.Random(11)
    groups = itertools.chain.from_iterable(itertools.combinations(range(PEOPLE), number) for number in (1, 2, 3, 4))
    chosen = dice.sample(list(groups), PHOTOS)
    return {f"{number:03}.jpg": people(*group) for number, group in enumerate(chosen)}


@pytest.fixture(params=DATABASES)
def address(request: pytest.FixtureRequest) -> Callable[[], str | None]:
    """Return the address of a new database; None is a file in the server's folder."""
    if request.param == "sqlite":
        return lambda: None
    new: Callable[[str], str] = request.getfixturevalue("postgres")
    return lambda: new("psycopg")


class Run:
    """A server with an event, its photos and its guests."""

    def __init__(self, folder: Path, address: str | None, provider: str) -> None:
        folder.mkdir()
        self.launcher = Launcher(folder, address, FACE_RECOGNIZER_PROVIDER=provider, **SETTINGS)
        self.server = self.launcher.start()
        self.event = create_event(self.server, password=PASSWORD)
        self._tokens = dict[int, str]()

    def fill(self, pictures: dict[str, bytes]) -> float:
        """Send portraits and photos and wait for their end; return the seconds from the last upload on."""
        with Api(self.server) as anyone:
            for number in range(GUESTS):
                who = {"username": f"guest{number}", "email": f"guest{number}@example.org", "password": PASSWORD}
                body = {"user_data": who, "event_code": self.event.code}
                anyone.call("POST", "/api/register-with-event-code", json=body)
                with anyone.logged_in(f"guest{number}", PASSWORD, self.event.code) as guest:
                    guest.call("POST", "/api/upload-selfie", files={"file": ("me.jpg", people(number))})
                    self._tokens[number] = guest.token
        for start in range(0, PHOTOS, 50):
            parts = [("files", each) for each in list(pictures.items())[start : start + 50]]
            path = f"/api/photographer/events/{self.event.id}/upload-photos"
            self.event.photographer.call("POST", path, files=parts)
        began = time.monotonic()
        self.wait("the first matching")
        return time.monotonic() - began

    def restart(self, provider: str) -> None:
        """Start the processes again with this provider."""
        self.launcher.environment["FACE_RECOGNIZER_PROVIDER"] = provider
        self.server = self.launcher.start()

    def wait(self, what: str) -> None:
        """Wait until no event changes and no job is left."""
        wait_until(lambda: not self.changes() and not self._open(), SECONDS, what)

    def changes(self) -> list[dict[str, Any]]:
        """What the admin is told of the changes."""
        found: list[dict[str, Any]] = self.event.admin.call("GET", "/api/admin/provider")["changes"]
        return found

    def _open(self) -> int:
        jobs = self.event.admin.call("GET", "/api/stats")["jobs"]
        return sum(each["pending"] + each["processing"] + each["failed"] for each in jobs.values())

    def matches(self) -> set[tuple[int, str, float]]:
        """Every match, by the guest's number, the photo's name and the score."""
        found = set()
        for number, token in self._tokens.items():
            with Api(self.server, token) as guest:
                assert guest.call("GET", "/api/rematch-status")["status"] == "done"
                found |= {
                    (number, each["original_filename"], each["confidence_score"])
                    for each in guest.call("GET", "/api/my-photos")
                }
        return found


@pytest.fixture
def run(tmp_path: Path, address: Callable[[], str | None]) -> Iterator[Callable[[str], Run]]:
    runs = list[Run]()

    def started(provider: str) -> Run:
        runs.append(Run(tmp_path / f"run{len(runs)}", address(), provider))
        return runs[-1]

    yield started
    for each in runs:
        each.launcher.stop()


def test_a_change_that_is_killed_in_the_middle_is_completed_and_equals_a_fresh_event(
    run: Callable[[str], Run], pictures: dict[str, bytes]
) -> None:
    changed = run("fake")
    first = changed.fill(pictures)
    old = changed.matches()
    changed.launcher.stop()
    changed.restart("other-fake")
    began = time.monotonic()
    wait_until(lambda: changed.changes()[0]["done"] >= PHOTOS // 3, SECONDS, "a third of the photos")
    changed.launcher.kill()
    changed.restart("other-fake")
    (progress,) = changed.changes()
    assert PHOTOS // 3 <= progress["done"] < PHOTOS, "the kill came too late"
    assert changed.matches() == old
    changed.wait("the change")
    seconds = time.monotonic() - began
    fresh = run("other-fake")
    fresh.fill(pictures)
    assert changed.matches() == fresh.matches()
    assert {each[:2] for each in old} <= {each[:2] for each in changed.matches()}
    log.info(
        "%d photos, %d guests, %d matches: first in %.1f s; killed at %d, changed in %.1f s with the restart",
        *(PHOTOS, GUESTS, len(old), first, progress["done"], seconds),
    )
