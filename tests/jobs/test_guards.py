"""Only the attempt that holds a job changes it: a stale holder, or one whose job was cancelled, changes nothing."""

from collections.abc import Callable, Iterator

import pytest

import storage
from database import reading, transaction
from events import service as events
from events.service import NewEvent
from guests import removal
from jobs import control as job_control
from jobs import kinds as job_kinds
from jobs import queue as job_queue
from jobs import work as jobs
from models import Event, Photo, Selfie, UserEvent
from photos.keys import RENDITIONS, storage_key
from selfies import queries as selfie_queries
from tests.conftest import DATABASES, fresh_database
from tests.jobs.rows import (
    DECODER,
    KINDS,
    claim,
    columns,
    embeddings_of,
    found_by,
    guest_of,
    lose,
    matches_of,
    row,
    send_photo,
    send_selfie,
    set_columns,
    waiting_job,
)


@pytest.fixture(scope="module", params=DATABASES)
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("guards"), JOB_BACKOFF_SECONDS="0", JOB_MAX_ATTEMPTS="3"):
        yield


@pytest.fixture
def event(_database: None) -> Iterator[Event]:
    """An event; deleted with all its jobs afterwards."""
    made = events.create(NewEvent("Guards"))
    yield made
    removal.remove_event(made.id)


# --- steps of the queue ----------------------------------------------------------------------------


def _claimed_by_another(held: job_queue.Claim) -> None:
    lose(held)
    assert claim().attempt == held.attempt + 1


def _cancelled(held: job_queue.Claim) -> None:
    assert job_control.cancel(held.kind, held.id)


def _done(held: job_queue.Claim) -> None:
    jobs.attempt(held, DECODER)


def _given_back(held: job_queue.Claim) -> None:
    job_queue.retry_later(held, "the disk was away")


STEPS: dict[str, Callable[[job_queue.Claim], None]] = {
    "extend_lease": job_queue.extend_lease,
    "retry_later": lambda held: job_queue.retry_later(held, "too late"),
    "fail": lambda held: job_queue.fail(held, "too late"),
    "release": job_queue.release,
}


@pytest.mark.parametrize("lost", [_claimed_by_another, _cancelled, _done, _given_back])
@pytest.mark.parametrize("step", STEPS)
def test_a_stale_holder_changes_nothing(event: Event, step: str, lost: Callable[[job_queue.Claim], None]) -> None:
    photo_id = send_photo(event, 1)
    held = claim()
    lost(held)
    before = columns(Photo, photo_id)
    STEPS[step](held)
    assert columns(Photo, photo_id) == before


def test_a_step_changes_the_job_of_its_own_kind_and_number_alone(event: Event) -> None:
    guest = guest_of(event)
    send_selfie(guest, 1)
    photo_ids = [send_photo(event, number) for number in (1, 2)]
    held = [claim() for _ in range(3)]
    before = [columns(each.kind, each.id) for each in held]
    job_queue.fail(held[1], "alone")
    after = [columns(each.kind, each.id) for each in held]
    assert (after[0], after[2]) == (before[0], before[2])
    assert row(Photo, photo_ids[0]).status == "failed"


def test_a_released_job_loses_only_the_attempt_that_was_released(event: Event) -> None:
    photo_id = send_photo(event, 1)
    job_queue.retry_later(claim(), "the disk was away")
    job_queue.release(claim())
    photo = row(Photo, photo_id)
    assert (photo.status, photo.attempts, photo.lease_until) == ("pending", 1, None)
    assert claim().attempt == 2


def test_a_failed_job_has_its_end_and_a_reason_that_fits(event: Event) -> None:
    photo_id = send_photo(event, 1)
    job_queue.fail(claim(), "x" * 10_000)
    photo = row(Photo, photo_id)
    assert photo.error == "x" * job_queue.MAX_ERROR
    assert photo.finished_at is not None
    assert photo.lease_until is None


# --- what a job records ----------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [_claimed_by_another, _cancelled])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stale_holder_records_nothing(
    event: Event, kind: job_kinds.JobRow, lost: Callable[[job_queue.Claim], None]
) -> None:
    row_id, guest = waiting_job(kind, event)
    held = claim()
    assert (held.kind, held.id) == (kind, row_id)
    lost(held)
    before = columns(kind, row_id), embeddings_of(guest)
    jobs.attempt(held, DECODER)
    assert (columns(kind, row_id), embeddings_of(guest)) == before
    assert matches_of(guest) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_holder_records_and_leaves_no_trace_of_the_fault(event: Event, kind: job_kinds.JobRow) -> None:
    row_id, guest = waiting_job(kind, event)
    lose(claim())
    second = claim()
    assert row(kind, row_id).error
    jobs.attempt(second, DECODER)
    found = row(kind, row_id)
    assert (found.status, found.error, found.lease_until) == ("done", None, None)
    assert found.finished_at is not None
    assert len(found_by(guest)) == 1


def test_a_stale_holder_rejects_no_selfie(event: Event) -> None:
    guest = guest_of(event)
    selfie_id = send_selfie(guest)
    held = claim()
    _claimed_by_another(held)
    before = columns(Selfie, selfie_id)
    jobs.attempt(held, DECODER)
    assert columns(Selfie, selfie_id) == before
    assert storage.get(before["storage_key"])


def test_a_late_holder_leaves_the_renditions_of_the_second_one(event: Event) -> None:
    photo_id = send_photo(event, 1)
    first = claim()
    lose(first)
    jobs.attempt(claim(), DECODER)
    jobs.attempt(first, DECODER)
    photo = row(Photo, photo_id)
    assert photo.status == "done"
    for size in RENDITIONS:
        assert storage.get(storage_key(event.id, photo.filename, size))


def test_faces_that_are_replaced_are_dropped_by_every_process(event: Event) -> None:
    photo_id = send_photo(event, 1)
    versions = []
    for _ in range(2):
        jobs.attempt(claim(), DECODER)
        with reading() as session:
            versions.append(session.get_one(Event, event.id).version)
        set_columns(Photo, photo_id, status="pending")
    assert versions[0] == event.version, "new faces alone make no process read all again"
    assert versions[1] > event.version


# --- cancelled -------------------------------------------------------------------------------------


def test_only_the_named_job_is_cancelled(event: Event) -> None:
    first, second = (send_photo(event, number) for number in (1, 2))
    assert job_control.cancel(Photo, first)
    assert not job_control.cancel(Photo, first)
    assert (row(Photo, first).status, row(Photo, first).error) == ("failed", job_control.CANCELLED)
    assert claim().id == second
    assert job_queue.claim_next() is None


def test_a_cancelled_job_in_hand_is_not_claimed_when_its_lease_would_have_run_out(event: Event) -> None:
    send_photo(event, 1)
    held = claim()
    _cancelled(held)
    assert row(Photo, held.id).lease_until is None
    assert job_queue.claim_next() is None


# --- jobs without their data -----------------------------------------------------------------------


def test_a_photo_without_its_original_fails_at_once(event: Event) -> None:
    photo_id = send_photo(event, 1)
    storage.delete([storage_key(event.id, row(Photo, photo_id).filename, "original")])
    jobs.attempt(claim(), DECODER)
    photo = row(Photo, photo_id)
    assert (photo.status, photo.attempts) == ("failed", 1)
    assert "MissingObject" in photo.error


def test_a_membership_is_matched_though_the_engine_never_saw_the_selfie(event: Event) -> None:
    row_id, guest = waiting_job(UserEvent, event)
    with transaction() as session:
        selfie_queries.delete_embeddings_in(session, guest.id, event.id)
    jobs.attempt(claim(), DECODER)
    assert row(UserEvent, row_id).status == "done"
    assert (embeddings_of(guest), len(found_by(guest))) == (1, 1)
