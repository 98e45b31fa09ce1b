"""What every engine of jobs promises: order, turns, pauses, attempts, cancelling, and nothing left behind."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from database import reading
from decoding.decoder import InThisProcess
from events import service as events
from events.service import NewEvent
from faces.fake import FakeEngine
from guests import removal
from jobs import control, work
from jobs import queue as job_queue
from jobs.inference import InferenceThread
from jobs.kinds import JobRow
from jobs.queue import Claim
from jobs.state import backlog
from models import PROCESSING, Event, Photo, Selfie, UserEvent, utcnow
from tests.conftest import fresh_database, wait_until
from tests.jobs.rows import guest_of, membership_of, row, send_photo, send_selfie, set_columns

Start = Callable[[], InferenceThread]


# The embedded queue is the same code on both databases.
@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long), "procrastinate"]
)
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    extra = {"JOB_POLL_SECONDS": "0.05", "JOB_BACKOFF_SECONDS": "0.2", "JOB_MAX_ATTEMPTS": "3"}
    with fresh_database(request, tmp_path_factory.mktemp("promises"), **extra):
        yield


@pytest.fixture
def made(_database: None) -> Iterator[list[Event]]:
    """Two events; deleted with all their jobs afterwards."""
    found = [events.create(NewEvent(name)) for name in ("One", "Two")]
    yield found
    for each in found:
        removal.remove_event(each.id)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[tuple[JobRow, int]]:
    """The jobs that were begun, in order."""
    found, real = list[tuple[JobRow, int]](), work.run

    def run(claim: Claim, *others: Any) -> None:
        found.append((claim.kind, claim.id))
        real(claim, *others)

    monkeypatch.setattr(work, "run", run)
    return found


@pytest.fixture
def start(made: list[Event]) -> Iterator[Start]:
    """A function that starts a thread with the fake engine; stopped afterwards."""
    with ExitStack() as stack:

        def begin() -> InferenceThread:
            thread = InferenceThread(
                InThisProcess(FakeEngine), sample=lambda: None, report=lambda: None, sweep=lambda: None
            )
            thread.start()
            stack.callback(thread.stop, 60)
            return thread

        yield begin


def is_empty() -> bool:
    return backlog()[0] == 0


def test_selfies_go_before_matchings_and_those_before_photos(
    made: list[Event], start: Start, done: list[tuple[JobRow, int]]
) -> None:
    photos = [send_photo(made[0], number) for number in (1, 2)]
    matched, guest = guest_of(made[0], "amy"), guest_of(made[0], "ben")
    events.request_rematch(made[0].id)
    membership = membership_of(matched, made[0])
    set_columns(UserEvent, membership, status="pending")
    selfie = send_selfie(guest, 1)
    start()
    wait_until(is_empty, 60)
    kinds = [kind for kind, _ in done]
    assert done[0] == (Selfie, selfie)
    assert sorted(kinds, key=(Selfie, UserEvent, Photo).index) == kinds
    assert [found for kind, found in done if kind is Photo] == photos


def test_photos_of_two_events_take_turns(made: list[Event], start: Start, done: list[tuple[JobRow, int]]) -> None:
    first = [send_photo(made[0], number) for number in range(3)]
    second = [send_photo(made[1], number) for number in range(3)]
    start()
    wait_until(is_empty, 60)
    turns = [found in second for _, found in done]
    assert sorted(found for _, found in done) == sorted(first + second)
    assert all(one != other for one, other in pairwise(turns))


def test_a_fault_is_tried_again_after_a_pause_and_the_last_one_is_kept(
    made: list[Event], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = list[Any]()

    def broken(*_: Any, **__: Any) -> None:
        times.append(utcnow())
        raise RuntimeError("the lens cap was on")

    monkeypatch.setitem(work.WORK, Photo, broken)
    photo_id = send_photo(made[0], 1)
    start()
    wait_until(lambda: bool(row(Photo, photo_id).status == "failed"), 60)
    assert "the lens cap was on" in row(Photo, photo_id).error
    pauses = [(later - sooner).total_seconds() for sooner, later in pairwise(times)]
    assert len(pauses) == 2
    assert pauses[0] >= 0.2
    assert pauses[1] >= 0.4


def test_a_failed_job_that_an_admin_retries_is_done(
    made: list[Event], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo_id = send_photo(made[0], 1)
    with monkeypatch.context() as patch:

        def fail(claim: Claim, *_: Any) -> None:
            job_queue.fail(claim, "no picture")

        patch.setitem(work.WORK, Photo, fail)
        start()
        wait_until(lambda: bool(row(Photo, photo_id).status == "failed"), 60)
    assert control.retry(Photo, photo_id) == 1
    wait_until(lambda: bool(row(Photo, photo_id).status == "done"), 60)


def test_a_cancelled_job_is_not_begun(made: list[Event], start: Start, done: list[tuple[JobRow, int]]) -> None:
    cancelled, wanted = (send_photo(made[0], number) for number in (1, 2))
    assert control.cancel(Photo, cancelled)
    start()
    wait_until(is_empty, 60)
    assert done == [(Photo, wanted)]
    assert row(Photo, cancelled).error == control.CANCELLED


def test_a_job_whose_process_died_is_done_by_another(made: list[Event], start: Start) -> None:
    photo_id = send_photo(made[0], 1)
    assert job_queue.claim_next() is not None
    set_columns(Photo, photo_id, lease_until=utcnow() - timedelta(seconds=1))
    start()
    wait_until(lambda: bool(row(Photo, photo_id).status == "done"), 60)
    assert row(Photo, photo_id).attempts == 2


def test_a_job_that_a_living_process_holds_is_left_to_it(made: list[Event], start: Start) -> None:
    held = send_photo(made[0], 1)
    assert job_queue.claim_next() is not None
    free = send_photo(made[0], 2)
    start()
    wait_until(lambda: bool(row(Photo, free).status == "done"), 60)
    assert (row(Photo, held).status, row(Photo, held).attempts) == (PROCESSING, 1)


def test_two_threads_do_each_job_once(made: list[Event], start: Start, done: list[tuple[JobRow, int]]) -> None:
    wanted = {(Photo, send_photo(made[number % 2], number)) for number in range(8)}
    start()
    start()
    wait_until(is_empty, 60)
    assert sorted(found for _, found in done) == sorted(found for _, found in wanted)


def test_jobs_that_come_while_others_are_done_are_done_too(made: list[Event], start: Start) -> None:
    start()
    sent = threading.Thread(target=lambda: [send_photo(made[number % 2], number) for number in range(8)])
    sent.start()
    sent.join()
    wait_until(is_empty, 60)


def test_a_stop_leaves_nothing_in_hand(made: list[Event], start: Start) -> None:
    for number in range(6):
        send_photo(made[0], number)
    thread = start()
    wait_until(lambda: backlog()[0] < 6, 60)
    thread.stop(20)
    left = backlog()[0]
    assert all(row(Photo, each.id).status != PROCESSING for each in _photos())
    assert backlog()[0] == left
    start()
    wait_until(is_empty, 60)


def _photos() -> list[Photo]:
    with reading() as session:
        return session.query(Photo).all()
