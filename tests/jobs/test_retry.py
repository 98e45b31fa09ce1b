"""A job that is tried again begins at its first attempt; and what is counted of jobs is what happened."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from database import transaction
from events import service as events
from events.service import NewEvent
from guests import consent, joining, removal, wordings
from jobs import control as job_control
from jobs import listing as job_list
from jobs import queue as job_queue
from jobs import state as job_state
from models import DONE, FAILED, PROCESSING, Event, Photo, Selfie, UserEvent, utcnow
from photos import receiving
from tests.conftest import DATABASES, fresh_database
from tests.jobs.rows import (
    claim,
    columns,
    guest_of,
    lose,
    membership_of,
    row,
    send_photo,
    send_selfie,
    set_columns,
    work,
)


@pytest.fixture(scope="module", params=DATABASES)
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("retry"), JOB_BACKOFF_SECONDS="0", JOB_MAX_ATTEMPTS="3"):
        yield


@pytest.fixture
def event(_database: None) -> Iterator[Event]:
    """An event; deleted with all its jobs afterwards."""
    made = events.create(NewEvent("Retry"))
    yield made
    removal.remove_event(made.id)


def use_up_all_attempts() -> job_queue.Claim:
    """Let a job crash its process in all three attempts."""
    for _ in range(3):
        held = claim()
        lose(held)
    lost = claim()
    job_queue.fail(lost, f"{job_queue.CRASHED} in every attempt")
    return lost


def _one(_: Event, photo_id: int) -> None:
    assert job_control.retry(Photo, photo_id) == 1


def _all(_: Event, __: int) -> None:
    assert job_control.retry(Photo, None) == 1


def _of_event(event: Event, _: int) -> None:
    assert job_control.retry_photos(event.id) == 1


def _sent_again(event: Event, photo_id: int) -> None:
    assert send_photo(event, 1) == photo_id


@pytest.mark.parametrize("again", [_one, _all, _of_event, _sent_again])
def test_a_photo_that_used_all_attempts_begins_at_the_first(
    event: Event, again: Callable[[Event, int], None]
) -> None:
    photo_id = send_photo(event, 1)
    use_up_all_attempts()
    again(event, photo_id)
    photo = row(Photo, photo_id)
    assert (photo.status, photo.error, photo.finished_at) == ("pending", None, None)
    held = claim()
    assert held.attempt == 1


def _consent_again(guest_id: int, event_id: int) -> None:
    consent.withdraw(guest_id, event_id)
    consent.give(guest_id, event_id, wordings.shown("fr"))


@pytest.mark.parametrize("again", [lambda _, event_id: events.request_rematch(event_id), _consent_again])
def test_a_membership_that_used_all_attempts_begins_at_the_first(
    event: Event, again: Callable[[int, int], object]
) -> None:
    guest = guest_of(event)
    # With the last consent the selfie would be erased.
    joining.join(guest.id, events.create(NewEvent("Elsewhere")).event_code, wordings.shown("fr"))
    send_selfie(guest, 1)
    work()
    events.request_rematch(event.id)
    assert use_up_all_attempts().kind is UserEvent
    again(guest.id, event.id)
    membership = row(UserEvent, membership_of(guest, event))
    assert (membership.status, membership.error, membership.lease_until) == ("pending", None, None)
    held = claim()
    assert held.attempt == 1


def test_only_what_was_asked_for_is_tried_again(event: Event) -> None:
    other = events.create(NewEvent("Other"))
    try:
        elsewhere = send_photo(other, 1)
        failed = [send_photo(event, number) for number in (1, 2)]
        done, in_hand, waiting = (send_photo(event, number) for number in (3, 4, 5))
        selfie_id = send_selfie(guest_of(event), 1)
        for kind, row_id in ((Photo, elsewhere), (Photo, failed[0]), (Photo, failed[1]), (Selfie, selfie_id)):
            set_columns(kind, row_id, status=FAILED, attempts=3)
        set_columns(Photo, done, status=DONE, attempts=1)
        set_columns(Photo, in_hand, status=PROCESSING, attempts=2, lease_until=utcnow() + timedelta(hours=1))
        before = {row_id: columns(Photo, row_id) for row_id in (done, in_hand, waiting)}
        assert job_control.retry(Photo, failed[0]) == 1
        assert job_control.retry(Photo, done) == 0
        assert [row(Photo, row_id).status for row_id in (*failed, elsewhere)] == ["pending", "failed", "failed"]
        assert job_control.retry_photos(event.id) == 1
        assert [row(Photo, row_id).status for row_id in (*failed, elsewhere)] == ["pending", "pending", "failed"]
        assert job_control.retry(Photo, None) == 1
        assert row(Selfie, selfie_id).status == "failed"
        assert {row_id: columns(Photo, row_id) for row_id in before} == before
    finally:
        removal.remove_event(other.id)


def test_a_photo_that_is_done_and_sent_again_stays_done(event: Event) -> None:
    photo_id = send_photo(event, 1)
    work()
    before = columns(Photo, photo_id)
    assert send_photo(event, 1) == photo_id
    assert columns(Photo, photo_id) == before


def test_a_failed_photo_that_is_sent_again_while_it_is_retried_is_not_disturbed(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo_id = send_photo(event, 1)
    job_queue.fail(claim(), "the disk was away")
    before: list[dict[str, Any]] = []

    def after_the_look() -> AbstractContextManager[Session]:
        assert job_control.retry(Photo, photo_id) == 1
        assert claim().id == photo_id
        before.append(columns(Photo, photo_id))
        return transaction()

    monkeypatch.setattr(receiving, "transaction", after_the_look)
    assert send_photo(event, 1) == photo_id
    assert [columns(Photo, photo_id)] == before


# --- what is counted -------------------------------------------------------------------------------


def test_only_jobs_done_within_the_last_minute_count_as_lately_done(event: Event) -> None:
    photo_ids = [send_photo(event, number) for number in range(4)]
    now = utcnow()
    for photo_id, status, seconds in zip(photo_ids, (DONE, DONE, DONE, FAILED), (50, 70, 120, 5), strict=True):
        set_columns(Photo, photo_id, status=status, finished_at=now - timedelta(seconds=seconds))
    state = job_state.state_of(Photo)
    assert (state.done_last_minute, state.done, state.failed) == (1, 3, 1)
    assert (state.pending, state.processing, state.oldest_seconds) == (0, 0, None)


def test_the_oldest_job_is_the_oldest_that_is_not_ended(event: Event) -> None:
    ended, failed, waiting, young = (send_photo(event, number) for number in range(4))
    now = utcnow()
    for photo_id, minutes in ((ended, 50), (failed, 40), (waiting, 30)):
        set_columns(Photo, photo_id, uploaded_at=now - timedelta(minutes=minutes))
    set_columns(Photo, ended, status=DONE)
    set_columns(Photo, failed, status=FAILED)
    assert job_state.oldest_age(Photo) == pytest.approx(1800, abs=10)
    assert claim().id == waiting
    assert job_state.oldest_age(Photo) == pytest.approx(1800, abs=10), "a job in hand is not ended"
    assert job_state.counts()["photos"] == {"pending": 1, "processing": 1, "failed": 1}
    assert row(Photo, young).status == "pending"


def test_a_rematch_waits_since_it_was_asked_for_not_since_the_guest_joined(event: Event) -> None:
    guest = guest_of(event)
    set_columns(UserEvent, membership_of(guest, event), joined_at=utcnow() - timedelta(days=9))
    events.request_rematch(event.id)
    age = job_state.oldest_age(UserEvent)
    assert age is not None
    assert age < 60


def test_failed_jobs_are_told_newest_first_and_at_most_so_many_of_each_kind(event: Event) -> None:
    photo_ids = [send_photo(event, number) for number in range(3)]
    selfie_id = send_selfie(guest_of(event), 1)
    for _ in range(4):
        job_queue.fail(claim(), "no picture")
    told = [(job.kind, job.id, job.error, job.attempts) for job in job_list.list_failed(2)]
    assert told == [
        ("selfies", selfie_id, "no picture", 1),
        ("photos", photo_ids[2], "no picture", 1),
        ("photos", photo_ids[1], "no picture", 1),
    ]
