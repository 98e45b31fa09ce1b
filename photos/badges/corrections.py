"""Corrections by photographers and admins: they give one photo, take it away, or correct a series from a photo on.

Guests are named by the numbers of their badges alone, which their phones show: staff do not learn who is registered.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

import errors
from accounts import queries as account_queries
from audit.log import Action, record
from database import reading, transaction
from events import queries as event_queries
from models import ADMIN, Badge, Event, Photo, User
from photos.badges import codes, queries
from photos.badges.given import queries as given_queries
from photos.badges.given.queries import HAND, TAKEN, PhotoGuest
from photos.badges.marks import queries as mark_queries
from photos.badges.series import SEEN, SET, Gift
from photos.badges.service import Place, refresh
from photos.withheld.service import withhold_new


@dataclass(frozen=True, slots=True)
class PhotoBadges:
    """The guests a photo is given to, the badges it shows, and those that staff set from it on (None: not set)."""

    guests: Sequence[PhotoGuest]
    seen: Sequence[str]
    is_series_set: bool
    series: Sequence[str]


def badges_of(staff: User, photo_id: int) -> PhotoBadges:
    """Return to which badges a photo is given, and why.

    Raises:
        NoSuchPhoto: there is no such photo, or the photographer is not assigned to its event.
    """
    with reading() as session:
        _check(session, staff, session.get(Photo, photo_id))
        seen, series = (mark_queries.numbers_at(session, photo_id, kind) for kind in (SEEN, SET))
        return PhotoBadges(
            given_queries.guests_of(session, photo_id),
            [each for each in seen if each is not None],
            bool(series),
            [each for each in series if each is not None],
        )


def as_read(found: PhotoBadges) -> PhotoBadges:
    """Return the same with numbers as people read them."""
    return PhotoBadges(
        [PhotoGuest(codes.shown_number(each.number), each.is_by_hand) for each in found.guests],
        [codes.shown_number(each) for each in found.seen],
        found.is_series_set,
        [codes.shown_number(each) for each in found.series],
    )


def give(staff: User, photo_id: int, typed: str) -> str:
    """Give a photo to the guest with this badge, by hand; return the badge's number. Idempotent.

    Raises:
        NoSuchPhoto: see `badges_of`. NoBadges: the event does not use badges any more.
        NoSuchBadge: no guest of the event has this badge.
    """
    with _locked(staff, photo_id) as (session, event, photo):
        _check_uses_badges(event)
        badge = _badge(session, event, typed)
        known = given_queries.given(session, badge.user_id, photo.id)
        if known is None or known.given_by != HAND:
            if known is not None:
                given_queries.delete_given(session, [known.id])
            given_queries.add_given(session, event.id, [Gift(photo.id, badge.user_id)], HAND)
            withhold_new(session, [badge.user_id], event.id)
            record(session, Action.PHOTO_GIVEN, subject_id=badge.user_id, event_id=event.id, photo=photo.id)
        return badge.number


def take(staff: User, photo_id: int, typed: str) -> None:
    """Take a photo from the guest with this badge: no badge gives it again. Idempotent.

    Also where badges have been switched off, since what was given before stays.

    Raises:
        NoSuchPhoto, NoSuchBadge: see `give`.
    """
    with _locked(staff, photo_id) as (session, event, photo):
        badge = _badge(session, event, typed)
        known = given_queries.given(session, badge.user_id, photo.id)
        if known is not None and known.given_by == TAKEN:
            return
        if known is not None:
            given_queries.delete_given(session, [known.id])
        given_queries.add_given(session, event.id, [Gift(photo.id, badge.user_id)], TAKEN)
        given_queries.unhide(session, [Gift(photo.id, badge.user_id)])
        record(session, Action.PHOTO_TAKEN, subject_id=badge.user_id, event_id=event.id, photo=photo.id)


def set_series(staff: User, photo_id: int, typed: Collection[str]) -> None:
    """Give the photos of the camera from this one on to the guests with these badges; with none, the series ends.

    Raises:
        NoSuchPhoto, NoBadges: see `give`.
        NoSuchBadge: no guest of the event has one of these badges; nothing is changed then.
    """
    with _locked(staff, photo_id) as (session, event, photo):
        _check_uses_badges(event)
        badge_ids = sorted({_badge(session, event, each).id for each in typed})
        mark_queries.replace_marks(session, photo, SET, badge_ids or [None])
        _follow(session, event, photo)
        record(session, Action.BADGE_SERIES_SET, event_id=event.id, photo=photo.id, badges=len(badge_ids))


def unset_series(staff: User, photo_id: int) -> None:
    """Remove the correction of `set_series`: the badges that the photo shows count again. Idempotent.

    Raises:
        NoSuchPhoto, NoBadges: see `give`.
    """
    with _locked(staff, photo_id) as (session, event, photo):
        _check_uses_badges(event)
        mark_queries.replace_marks(session, photo, SET, [])
        _follow(session, event, photo)
        record(session, Action.BADGE_SERIES_SET, event_id=event.id, photo=photo.id)


def _follow(session: Session, event: Event, photo: Photo) -> None:
    mark_queries.withhold_badge(session, photo)
    refresh(session, event, photo, [Place.of(photo)])


@contextmanager
def _locked(staff: User, photo_id: int) -> Iterator[tuple[Session, Event, Photo]]:
    """Open a transaction with the photo's event locked."""
    with transaction() as session:
        event = event_queries.lock_event_of_photo(session, photo_id)
        photo = session.get(Photo, photo_id)
        if event is None or photo is None:
            raise errors.NoSuchPhoto
        _check(session, staff, photo)
        yield session, event, photo


def _check(session: Session, staff: User, photo: Photo | None) -> None:
    if photo is None:
        raise errors.NoSuchPhoto
    if staff.user_type != ADMIN and not account_queries.assigned(session, staff.id, photo.event_id):
        raise errors.NoSuchPhoto


def _check_uses_badges(event: Event) -> None:
    if not event.badges:
        raise errors.NoBadges


def _badge(session: Session, event: Event, typed: str) -> Badge:
    found = queries.by_numbers(session, event.id, [codes.typed_number(typed)])
    if not found:
        raise errors.NoSuchBadge
    return found[0]
