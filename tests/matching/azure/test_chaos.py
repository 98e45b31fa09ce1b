"""Azure fails in every way while guests and photos arrive: in the end everything is as after a calm day."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from azure_face.shared import face_service
from database import reading
from events import service as events
from events.service import NewEvent
from faces.fake import FakeEngine
from guests import removal
from models import FaceMatch, Photo, RemoteDoubt, User
from testkit.azure_face_server import FaceServer, face_server
from tests.conftest import fresh_database
from tests.jobs.rows import guest_of, send_photo
from tests.matching.azure.test_matching import in_fifteen_minutes, send_selfie
from tests.matching.azure.work import erase, unfinished, workers

Found = dict[str, dict[str, float]]


class Day:
    """An event with its guests and photos: who is in which photo is drawn, and the same each time."""

    def __init__(self, guests: int, photos: int) -> None:
        drawn = random.Random(11)
        self.event = events.create(NewEvent("Chaos"))
        self.people = list(range(1, guests + 1))
        # The same bytes twice are one photo.
        different = dict.fromkeys(
            tuple(drawn.sample(range(1, guests + 6), drawn.choice((1, 2, 2, 3)))) for _ in range(4 * photos)
        )
        self.shown = list(different)[:photos]
        self.guests: dict[int, User] = {}
        self.photos: dict[int, int] = {}

    def arrive(self, pause: float) -> None:
        """Let guests and photos come, mixed."""
        coming = [("guest", each) for each in self.people] + [("photo", each) for each in range(len(self.shown))]
        random.Random(5).shuffle(coming)
        for what, number in coming:
            if what == "guest":
                self.guests[number] = guest_of(self.event, f"chaos{self.event.id}-{number}")
                send_selfie(self.guests[number], number)
            else:
                self.photos[send_photo(self.event, *self.shown[number])] = number
            time.sleep(pause)

    def finish(self, seconds: float) -> None:
        """Wait until all jobs are done."""
        end = time.monotonic() + seconds
        while unfinished():
            assert time.monotonic() < end, f"{unfinished()} jobs are not done"
            time.sleep(0.1)

    def found(self) -> dict[int, dict[int, float]]:
        """Return, for each guest's number, the photos' numbers with their scores."""
        with reading() as session:
            return {
                number: {
                    self.photos[each.photo_id]: each.confidence_score
                    for each in session.query(FaceMatch).filter(FaceMatch.user_id == guest.id)
                }
                for number, guest in self.guests.items()
            }

    def expected(self) -> dict[int, set[int]]:
        """Return which photos show which guest."""
        return {each: {n for n, who in enumerate(self.shown) if each in who} for each in self.people}


def erased(day: Day, server: FaceServer) -> None:
    """Remove the event, and check that nothing of it is left at the server."""
    in_fifteen_minutes()
    erase()
    with reading() as session:
        photos = session.query(Photo).filter(Photo.event_id == day.event.id).count()
        assert session.query(RemoteDoubt).count() == 0
    assert photos == len(day.shown)
    # Every face once: that of each portrait and each face of each photo.
    assert len(server.state.held()) == len(day.people) + sum(len(each) for each in day.shown)
    removal.remove_event(day.event.id)
    erase()
    assert (server.state.held(), server.state.lists) == ([], {})


def compare(server: FaceServer, guests: int, photos: int, fail: "Failing", seconds: float) -> None:
    """Run a calm day and one with failures, and compare what the guests find."""
    calm = Day(guests, photos)
    with workers(3):
        calm.arrive(0)
        calm.finish(seconds)
    wanted = calm.found()
    assert {number: set(each) for number, each in wanted.items()} == calm.expected()
    erased(calm, server)
    wild = Day(guests, photos)
    fail.begin(server)
    with workers(3):
        wild.arrive(fail.arrival_pause)
        wild.finish(seconds)
    told = server.state.faults.told
    assert {"429", "500", "hung", "away"} <= told.keys(), told
    server.state.recover()
    face_service.cache_clear()
    assert wild.found() == wanted
    erased(wild, server)


class Failing:
    """A third of the calls is throttled, a tenth fails; one hangs, and the server is away for a while."""

    def __init__(
        self, *, hang: float, away: float, away_after: float, arrival_pause: float, retry_after: int
    ) -> None:
        self.hang, self.away, self.away_after = hang, away, away_after
        self.arrival_pause, self.retry_after = arrival_pause, retry_after

    def begin(self, server: FaceServer) -> None:
        """Begin to fail."""
        faults = server.state.faults
        faults.throttle_share, faults.error_share, faults.hang_once = 1 / 3, 1 / 10, self.hang
        faults.retry_after = self.retry_after

        def go_away() -> None:
            faults.away_until = time.monotonic() + self.away

        threading.Timer(self.away_after, go_away).start()


@contextmanager
def quick_service(
    server: FaceServer, request: pytest.FixtureRequest, folder: Path, **environment: str
) -> Iterator[None]:
    settings = {**server.settings, "JOB_POLL_SECONDS": "0.2", **environment}
    with fresh_database(request, folder, settings.pop("FACE_RECOGNIZER_PROVIDER"), **settings):
        yield


@pytest.fixture(params=["sqlite"])
def quick(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FaceServer]:
    """A service and a server that take no real time."""
    with (
        face_server(FakeEngine(), training_seconds=0.02) as server,
        quick_service(server, request, tmp_path, AZURE_FACE_GATHER_SECONDS="0.1", AZURE_FACE_TIMEOUT_SECONDS="0.5"),
    ):
        yield server


@pytest.mark.long
def test_a_small_day_with_failures_ends_as_a_calm_one(quick: FaceServer) -> None:
    failing = Failing(hang=1.5, away=1.0, away_after=1.5, arrival_pause=0.1, retry_after=0)
    compare(quick, guests=6, photos=12, fail=failing, seconds=100)


@pytest.fixture(params=["sqlite", "postgresql"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FaceServer]:
    """A service with the times that it has in production, and a server that trains for half a second."""
    with face_server(FakeEngine(), training_seconds=0.5) as server, quick_service(server, request, tmp_path):
        yield server


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_forty_guests_and_two_hundred_photos_while_azure_fails(real: FaceServer) -> None:
    failing = Failing(hang=60.0, away=120.0, away_after=60.0, arrival_pause=0.25, retry_after=1)
    compare(real, guests=40, photos=200, fail=failing, seconds=1400)
