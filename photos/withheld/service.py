"""Withholds photos from guests, and shows them again.

`photos/visible/` leaves out what is withheld wherever guests see photos. Every change locks the event's row first, as
the matching does, so that a photo found at the same moment is withheld too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

import errors
from audit.log import Action, record
from database import reading, transaction
from events import queries as event_queries
from photos.withheld import queries
from photos.withheld.queries import BY_GUEST, BY_STAFF, UNAPPROVED, Withheld

# So many photos of each kind are listed at a time.
MOST = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """Photos of an event that are withheld for one reason, the oldest request first, and how many there are."""

    photos: Sequence[Withheld]
    total: int


# --- guests --------------------------------------------------------------------------------------


def hide_photos_of(user_id: int, event_id: int) -> int:
    """Hide from all other guests of an event the photos that show this guest, now and later; return how many more.

    Raises:
        NotInEvent: the guest is not a member of the event.
    """
    with transaction() as session:
        _lock(session, user_id, event_id)
        number = hide_in(session, user_id, event_id)
        record(session, Action.PHOTOS_HIDDEN, subject_id=user_id, event_id=event_id, number=number)
    return number


def show_photos_of(user_id: int, event_id: int) -> None:
    """Take that back, for all photos of the event.

    Raises:
        NotInEvent: the guest is not a member of the event.
    """
    with transaction() as session:
        _lock(session, user_id, event_id)
        queries.set_wish(session, user_id, event_id, hides=False)
        queries.show_photos_of(session, user_id, event_id)
        queries.look_for_news(session, event_id)
        record(session, Action.PHOTOS_UNHIDDEN, subject_id=user_id, event_id=event_id)


def _lock(session: Session, user_id: int, event_id: int) -> None:
    event_queries.lock_event(session, event_id)
    if event_queries.lock_membership(session, user_id, event_id) is None:
        raise errors.NotInEvent


def hide_in(session: Session, user_id: int, event_id: int) -> int:
    """Hide the photos of the guest in one event; the caller has locked its row. Return how many more."""
    queries.set_wish(session, user_id, event_id, hides=True)
    return queries.withhold_photos_of(session, [user_id], event_id)


def withhold_new(session: Session, user_ids: Collection[int], event_id: int) -> None:
    """Hide the photos that were just found to show these guests, of those who wish so. The event's row is locked."""
    if user_ids and queries.hides_any(session, user_ids):
        queries.withhold_photos_of(session, user_ids, event_id)


def hides_in(user_id: int) -> set[int]:
    """Return the events in which the guest hides the photos of them."""
    with reading() as session:
        return queries.hides_in(session, user_id)


# --- photographers and admins ----------------------------------------------------------------------


def withheld_of(event_id: int) -> dict[str, Listed]:
    """Return the photos of an event that are withheld from guests, by reason."""
    with reading() as session:
        totals = queries.counts(session, event_id)
        return {
            reason: Listed(queries.withheld_in(session, event_id, reason, MOST), totals.get(reason, 0))
            for reason in (UNAPPROVED, BY_GUEST, BY_STAFF)
        }


def marks_of(photo_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return why guests do not see these photos, where they do not, and `reported` for those with an open report."""
    with reading() as session:
        return queries.marks_of(session, photo_ids)


def hide(event_id: int, photo_ids: Sequence[int]) -> int:
    """Hide photos of an event from all guests, all of them or none; return how many were not hidden.

    Raises:
        NoSuchPhoto: one of them is not a photo of the event.
    """
    with transaction() as session:
        _check_photos(session, event_id, photo_ids)
        number = queries.withhold(session, photo_ids, event_id, BY_STAFF)
        record(session, Action.PHOTOS_HIDDEN, event_id=event_id, number=number)
    return number


def show(event_id: int, photo_ids: Sequence[int]) -> int:
    """Show photos that staff have hidden; return how many. What a guest asked for stays.

    Raises:
        NoSuchPhoto: one of them is not a photo of the event.
    """
    with transaction() as session:
        _check_photos(session, event_id, photo_ids)
        number = queries.release(session, event_id, BY_STAFF, photo_ids)
        queries.look_for_news(session, event_id)
        record(session, Action.PHOTOS_UNHIDDEN, event_id=event_id, number=number)
    return number


def approve(event_id: int, photo_ids: Sequence[int] | None) -> int:
    """Approve photos of an event, or all that wait for it; return how many waited.

    Raises:
        NoSuchEvent: the event has just been deleted. NoSuchPhoto: one of them is not a photo of the event.
    """
    with transaction() as session:
        _check_photos(session, event_id, photo_ids or [])
        number = queries.release(session, event_id, UNAPPROVED, photo_ids)
        queries.look_for_news(session, event_id)
        record(session, Action.PHOTOS_APPROVED, event_id=event_id, number=number)
    return number


def _check_photos(session: Session, event_id: int, photo_ids: Sequence[int]) -> None:
    if event_queries.lock_event(session, event_id) is None:
        raise errors.NoSuchEvent
    if not event_queries.has_photos(session, event_id, photo_ids):
        raise errors.NoSuchPhoto
