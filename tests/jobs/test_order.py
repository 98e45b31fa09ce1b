"""Which job is claimed next: selfies before joins before photos, lost ones first, none during its pause."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from database import transaction
from events import service as events
from events.service import NewEvent
from guests import removal
from jobs import kinds as job_kinds
from jobs import queue as job_queue
from jobs import work
from models import PROCESSING, Event, Photo, Reembedding, Selfie, UserEvent, utcnow
from settings import get_settings
from tests.conftest import DATABASES, fresh_database
from tests.jobs.rows import claim, guest_of, membership_of, row, send_photo, send_selfie, set_columns


@pytest.fixture(scope="module", params=DATABASES)
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("order"), JOB_BACKOFF_SECONDS="0"):
        yield


@pytest.fixture
def event(_database: None) -> Iterator[Event]:
    """An event; deleted with all its jobs afterwards."""
    made = events.create(NewEvent("Order"))
    yield made
    removal.remove_event(made.id)


def test_a_lost_job_goes_before_a_waiting_one_and_each_kind_has_its_turn(event: Event) -> None:
    photos = [send_photo(event, number) for number in (1, 2)]
    guests = [guest_of(event, name) for name in ("amy", "ben")]
    events.request_rematch(event.id)
    memberships = [membership_of(guest, event) for guest in guests]
    selfies = [send_selfie(guest, 1) for guest in guests]
    wanted: list[tuple[job_kinds.JobRow, int]] = []
    for kind, (waiting, lost) in ((Selfie, selfies), (UserEvent, memberships), (Photo, photos)):
        set_columns(kind, lost, status=PROCESSING, attempts=1, lease_until=utcnow() - timedelta(seconds=1))
        wanted += [(kind, lost), (kind, waiting)]
    assert [(held.kind, held.id) for held in iter(job_queue.claim_next, None)] == wanted


def test_a_lost_job_says_that_its_process_died_and_a_waiting_one_does_not(event: Event) -> None:
    lost, waiting = (send_photo(event, number) for number in (1, 2))
    set_columns(Photo, lost, status=PROCESSING, attempts=1, lease_until=utcnow() - timedelta(seconds=1))
    assert [held.id for held in (claim(), claim())] == [lost, waiting]
    assert row(Photo, lost).error.startswith(job_queue.CRASHED)
    assert row(Photo, waiting).error is None


def test_the_oldest_job_goes_first_however_lately_it_failed(event: Event) -> None:
    selfies = [send_selfie(guest_of(event, name), 1) for name in ("amy", "ben", "cleo")]
    for _ in selfies[:2]:
        job_queue.retry_later(claim(), "the disk was away")
    for selfie_id, seconds in zip(selfies[:2], (1, 10), strict=True):
        set_columns(Selfie, selfie_id, lease_until=utcnow() - timedelta(seconds=seconds))
    assert [claim().id for _ in selfies] == selfies


def test_a_job_in_hand_or_ended_is_not_claimed(event: Event) -> None:
    for number in range(3):
        send_photo(event, number)
    held = [claim() for _ in range(3)]
    job_queue.fail(held[0], "no picture")
    set_columns(Photo, held[1].id, status="done", lease_until=utcnow() - timedelta(seconds=1))
    assert job_queue.claim_next() is None


def test_a_claim_lasts_for_the_lease(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "job_lease_seconds", 100)
    send_photo(event, 1)
    before = utcnow()
    held = claim()
    lease = row(Photo, held.id).lease_until - before
    assert timedelta(seconds=100) <= lease < timedelta(seconds=110)


def test_the_pause_after_a_failure_doubles_up_to_its_bound(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = get_settings()
    for name, value in (("seconds", 100), ("max_seconds", 350)):
        monkeypatch.setattr(settings, f"job_backoff_{name}", value)
    photo_id = send_photo(event, 1)
    pauses = []
    for _ in range(settings.job_max_attempts - 1):
        held, before = claim(), utcnow()
        job_queue.retry_later(held, "the disk was away")
        pauses.append((row(Photo, photo_id).lease_until - before).total_seconds())
        assert job_queue.claim_next() is None
        set_columns(Photo, photo_id, lease_until=utcnow())
    assert pauses == pytest.approx([100, 200, 350, 350], abs=5)
    job_queue.retry_later(claim(), "the disk was away")
    assert row(Photo, photo_id).status == "failed"


def test_a_claim_that_another_process_was_quicker_at_takes_the_next_job(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo_id = send_photo(event, 1)
    selfie_id = send_selfie(guest_of(event), 1)
    snatched: list[job_queue.Claim] = []

    def after_the_look() -> AbstractContextManager[Session]:
        monkeypatch.setattr(job_queue, "transaction", transaction)
        snatched.append(claim())
        return transaction()

    monkeypatch.setattr(job_queue, "transaction", after_the_look)
    assert claim().id == photo_id
    assert [(held.kind, held.id) for held in snatched] == [(Selfie, selfie_id)]


def test_photos_of_an_event_that_are_lost_go_before_those_of_the_others(event: Event) -> None:
    other = events.create(NewEvent("Other"))
    try:
        waiting, lost = send_photo(event, 1), send_photo(other, 2)
        set_columns(Photo, lost, status=PROCESSING, attempts=1, lease_until=utcnow() - timedelta(seconds=1))
        assert [claim().id, claim().id] == [lost, waiting]
    finally:
        removal.remove_event(other.id)


def test_photos_to_look_at_again_come_last_the_newest_open_event_first(event: Event) -> None:
    made = [event, events.create(NewEvent("Newer")), events.create(NewEvent("Over", expires_at=utcnow()))]
    try:
        photos = {each.id: [send_photo(each, number) for number in (1, 2)] for each in made}
        claimed = [claim().id for _ in range(6)]
        for photo_id in claimed[1:]:
            set_columns(Photo, photo_id, status="done", engine_id="another engine")
        work.change_engines()
        set_columns(Photo, claimed[0], status="pending", lease_until=None)
        held = [claim() for _ in range(6)]
        assert (held[0].kind, held[0].id) == (Photo, claimed[0])
        assert {each.kind for each in held[1:]} == {Reembedding}
        again = [row(Reembedding, each.id).photo_id for each in held[1:]]
        newer, over = photos[made[1].id], photos[made[2].id]
        assert again == [*newer, *(each for each in photos[event.id] if each != claimed[0]), *over]
    finally:
        for each in made[1:]:
            removal.remove_event(each.id)


def test_a_guest_without_a_selfie_has_no_job(event: Event) -> None:
    guest_of(event)
    assert job_queue.claim_next() is None
