"""The thread that does the jobs: it puts back what it cannot end, and no fault of others ends it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

import storage
from decoding.decoder import InThisProcess
from events import service as events
from events.service import NewEvent
from faces.engine import EngineUnavailable
from faces.fake import FakeEngine
from guests import removal
from jobs import kinds as job_kinds
from jobs import queue as job_queue
from jobs import sweep as orphans
from jobs.inference import InferenceThread
from models import Event, Photo
from settings import get_settings
from tests.conftest import JOB_ENGINES, fresh_database, wait_until
from tests.jobs.rows import claim, row, send_photo

Begin = Callable[[Callable[[], FakeEngine]], InferenceThread]


@pytest.fixture(scope="module", params=JOB_ENGINES)
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("thread"), JOB_POLL_SECONDS="0.02"):
        yield


@pytest.fixture
def event(_database: None) -> Iterator[Event]:
    """An event; deleted with all its jobs afterwards."""
    made = events.create(NewEvent("Thread"))
    yield made
    removal.remove_event(made.id)


@pytest.fixture
def begin(event: Event) -> Iterator[Begin]:
    """A function that starts a thread with that engine; the thread is stopped afterwards."""
    with ExitStack() as stack:

        def start(make_engine: Callable[[], FakeEngine]) -> InferenceThread:
            thread = InferenceThread(
                InThisProcess(make_engine),
                sample=lambda: None,
                report=lambda: None,
                sweep=orphans.PeriodicSweep().tick,
            )
            thread.start()
            stack.callback(thread.stop, 20)
            return thread

        yield start


class Gate(FakeEngine):
    """Looks at a photo until the test lets it go on."""

    def __init__(self) -> None:
        self.entered, self.go_on = threading.Event(), threading.Event()

    def detect(self, image: Any, **scales: Any) -> Any:
        """Wait, then find the faces."""
        self.entered.set()
        assert self.go_on.wait(20)
        return super().detect(image, **scales)


def database_is_away(*_: object) -> None:
    raise OperationalError("UPDATE", None, Exception("the server closed the connection"))


def is_done(photo_id: int) -> bool:
    return bool(row(Photo, photo_id).status == "done")


def test_a_job_that_does_not_end_in_time_is_put_back_unblamed(event: Event, begin: Begin) -> None:
    photo_id, gate = send_photo(event, 1), Gate()
    thread = begin(lambda: gate)
    assert gate.entered.wait(10)
    thread.stop(0)
    photo = row(Photo, photo_id)
    assert (photo.status, photo.attempts, photo.lease_until, photo.error) == ("pending", 0, None, None)
    gate.go_on.set()
    thread.stop(20)
    assert (row(Photo, photo_id).status, row(Photo, photo_id).attempts) == ("pending", 0)
    assert claim().attempt == 1


def test_a_stop_waits_for_the_job_in_hand_and_claims_no_further_one(event: Event, begin: Begin) -> None:
    in_hand, waiting = send_photo(event, 1), send_photo(event, 2)
    gate = Gate()
    thread = begin(lambda: gate)
    assert gate.entered.wait(10)
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(thread.stop, 20)
        assert thread._stopping.wait(10)
        gate.go_on.set()
        stopping.result(20)
    assert is_done(in_hand)
    assert (row(Photo, waiting).status, row(Photo, waiting).attempts) == ("pending", 0)


def test_a_stop_while_the_database_is_away_leaves_the_job_to_its_lease(
    event: Event, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo_id, gate = send_photo(event, 1), Gate()
    thread = begin(lambda: gate)
    assert gate.entered.wait(10)
    with monkeypatch.context() as patch:
        patch.setattr(job_queue, "release", database_is_away)
        thread.stop(0)
    assert row(Photo, photo_id).status == "processing"
    gate.go_on.set()


def test_a_database_that_is_away_for_a_while_does_not_end_the_thread(
    event: Event, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = job_queue.claim_next, list[int]()

    def away_at_first(*kinds: job_kinds.JobRow) -> job_queue.Claim | None:
        if len(failures) < 3:
            failures.append(1)
            database_is_away()
        return real(*kinds)

    monkeypatch.setattr(job_queue, "claim_next", away_at_first)
    photo_id = send_photo(event, 1)
    begin(FakeEngine)
    wait_until(lambda: is_done(photo_id), 10)
    assert len(failures) == 3


def test_an_engine_that_comes_late_is_told_and_then_used(event: Event, begin: Begin) -> None:
    weights_are_there = threading.Event()

    def make_engine() -> FakeEngine:
        if not weights_are_there.is_set():
            raise EngineUnavailable("no weights")
        return FakeEngine()

    photo_id = send_photo(event, 1)
    thread = begin(make_engine)
    assert thread.problem
    wait_until(lambda: thread.problem == "no weights", 10)
    weights_are_there.set()
    wait_until(lambda: is_done(photo_id), 10)
    assert thread.problem is None


def test_files_that_no_row_knows_are_swept_once_in_a_while(
    event: Event, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "orphan_grace_seconds", 0)
    rounds, sweeps = list[int](), list[timedelta]()
    tick, sweep = orphans.PeriodicSweep.tick, orphans.sweep_orphans

    def counted(sweeper: orphans.PeriodicSweep) -> None:
        rounds.append(1)
        tick(sweeper)

    def noted(grace: timedelta) -> int:
        sweeps.append(grace)
        return sweep(grace)

    monkeypatch.setattr(orphans.PeriodicSweep, "tick", counted)
    monkeypatch.setattr(orphans, "sweep_orphans", noted)
    # The database knows this one, so the storage is its own.
    send_photo(event, 1)
    storage.put("selfies/nobody.jpg", b"x")
    begin(FakeEngine)
    wait_until(lambda: len(rounds) >= 5, 10)
    assert sweeps == [timedelta(0)]
    with pytest.raises(storage.MissingObject):
        storage.get("selfies/nobody.jpg")


def test_storage_that_is_away_does_not_end_the_thread(
    event: Event, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept = threading.Event()

    def away(_: timedelta) -> int:
        swept.set()
        raise storage.StorageError("the share is not mounted")

    monkeypatch.setattr(orphans, "sweep_orphans", away)
    thread = begin(FakeEngine)
    assert swept.wait(10)
    photo_id = send_photo(event, 1)
    thread.wake()
    wait_until(lambda: is_done(photo_id), 10)


def test_a_thread_that_is_woken_does_not_wait_for_its_next_look(
    event: Event, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "job_poll_seconds", 60)
    first = send_photo(event, 1)
    thread = begin(FakeEngine)
    wait_until(lambda: is_done(first), 10)
    second = send_photo(event, 2)
    thread.wake()
    wait_until(lambda: is_done(second), 10)


def test_a_stop_does_not_wait_for_the_next_look(event: Event, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "job_poll_seconds", 60)
    photo_id = send_photo(event, 1)
    thread = begin(FakeEngine)
    wait_until(lambda: is_done(photo_id), 10)
    thread.stop(5)
    assert "inference" not in [each.name for each in threading.enumerate()]
