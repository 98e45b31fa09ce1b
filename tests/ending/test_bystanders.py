"""Templates of faces that are no guest's go when they are due, in steps, without notice, and with a receipt."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from database import transaction
from ending import bystanders, receipts, service
from events import service as events
from jobs.sweep import PeriodicSweep
from matching import matrices
from models import (
    KEEP,
    NEVER,
    UNTIL_EXPIRY,
    EndReceipt,
    Event,
    FaceCandidate,
    FaceMatch,
    UserEvent,
    utcnow,
)
from tests.matching.scenes import PERSON, stranger
from tests.matching.strangers import Strangers, searched_at_once, strangers_in

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def no_pause(quiet_database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave no receipt to the next test, and nothing that is due."""
    yield from searched_at_once(monkeypatch)
    with transaction() as session:
        session.query(EndReceipt).delete()
        session.query(Event).update({Event.bystanders: KEEP})


def told(scene: Strangers) -> list[tuple[str, dict[str, int], bool]]:
    """Return the receipts of the event: kind, counts, and whether the erasure has ended."""
    found = receipts.newest(10, event_id=scene.event.id).rows[::-1]
    return [(each.kind, each.counts, each.ended_at is not None) for each in found]


def crowd(scene: Strangers, photos: int = 3) -> tuple[int, list[int]]:
    """Return a guest, and photos of the guest among two strangers."""
    guest = scene.guest_with_selfie()
    return guest, [scene.photo(PERSON, stranger(60), stranger(61)) for _ in range(photos)]


def test_at_the_expiry_those_of_strangers_go_and_those_of_guests_stay() -> None:
    scene = strangers_in(UNTIL_EXPIRY)
    guest, photo_ids = crowd(scene)
    before, expiry = scene.rows(guest), scene.event.expires_at
    assert service.sweep(expiry - DAY) == 0
    assert (scene.stored(), told(scene)) == (9, [])
    assert [service.sweep(expiry) for _ in range(2)] == [0, 0], "nothing is announced"
    assert (scene.stored(), scene.unstored(), scene.rows(guest)) == (3, 6, before)
    assert told(scene) == [("bystanders", {"faces": 6}, True)]
    # Every process drops them, and counts them.
    with transaction() as session:
        event = session.get_one(Event, scene.event.id)
        faces = matrices.faces_of(session, event.id, event.version, event.active_engine_id)
    assert (faces.size, faces.found) == (3, 9)
    # Photos that come later store none.
    scene.change(expires_at=utcnow() - DAY)
    assert scene.photo(PERSON, stranger(62)) in scene.rows(guest)
    assert (scene.stored(), scene.unstored()) == (4, 7)
    assert len(photo_ids) == 3


def test_some_days_after_the_upload_they_go_before_the_expiry() -> None:
    scene = strangers_in(UNTIL_EXPIRY, days=7)
    guest, (old, _, _) = crowd(scene)
    scene.uploaded(old, 8)
    service.sweep(utcnow())
    assert (scene.stored(), scene.unstored()) == (7, 2)
    assert len(scene.listed(guest)) == 3


@pytest.mark.parametrize("mode", [NEVER, UNTIL_EXPIRY])
def test_a_setting_that_is_changed_erases_with_the_next_sweep(mode: str) -> None:
    scene = strangers_in(KEEP)
    guest, _ = crowd(scene)
    scene.change(expires_at=utcnow() - DAY)
    service.sweep(utcnow())
    assert scene.stored() == 9
    events.update(scene.event.id, {"bystanders": mode})
    service.sweep(utcnow())
    assert (scene.stored(), len(scene.listed(guest))) == (3, 3)


def test_a_face_goes_soon_after_its_guest_where_none_are_kept() -> None:
    scene = strangers_in(NEVER)
    guest, _ = crowd(scene)
    assert scene.stored() == 3
    with transaction() as session:
        session.query(FaceCandidate).filter(FaceCandidate.user_id == guest).delete()
        for each in session.query(UserEvent).filter(UserEvent.user_id == guest):
            session.delete(each)
        session.query(FaceMatch).filter(FaceMatch.user_id == guest).delete()
    sweep = PeriodicSweep()
    # Only what a tick does every half minute.
    sweep._next = sweep._next_ending = float("inf")
    sweep.tick()
    assert (scene.stored(), scene.unstored()) == (0, 9)


def test_a_date_that_is_moved_stops_what_is_not_erased_and_a_crash_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bystanders, "AT_ONCE", 2)
    scene = strangers_in(UNTIL_EXPIRY)
    guest, _ = crowd(scene)
    now = scene.event.expires_at
    # The process ends after its first step.
    after = bystanders.erase_some(scene.event.id, now)
    assert after is not None
    assert (scene.stored(), scene.unstored()) == (7, 2)
    assert told(scene) == [("bystanders", {"faces": 2}, False)]
    scene.change(expires_at=now + 5 * DAY)
    assert bystanders.erase_some(scene.event.id, now, after) is None
    service.sweep(now)
    assert (scene.stored(), told(scene)) == (7, [("bystanders", {"faces": 2}, True)])
    service.sweep(now + 5 * DAY)
    assert (scene.stored(), scene.unstored()) == (3, 6)
    assert told(scene)[1:] == [("bystanders", {"faces": 4}, True)]
    assert len(scene.listed(guest)) == 3


def test_a_clock_that_jumped_costs_a_search_and_no_photo() -> None:
    scene = strangers_in(UNTIL_EXPIRY)
    _, photo_ids = crowd(scene)
    service.sweep(scene.event.expires_at + 100 * DAY)
    assert scene.unstored() == 6
    late = scene.guest()
    scene.selfie(late, stranger(60))
    scene.search(calm=True)
    assert scene.listed(late) == sorted(photo_ids, reverse=True)
    # Not due, by the right clock: all of what a search finds may be stored.
    assert (scene.stored(), scene.unstored()) == (9, 0)
