"""SQL about who may see a photo: the conditions, and single photos by them."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from models import Event, EventCover, EventPhotographer, FaceMatch, Photo, UserEvent


def shown_to_all() -> ColumnElement[bool]:
    """Return the condition that all guests see the photo: it is for everyone, the cover, or the event shows all."""
    all_shown = exists().where(Event.id == Photo.event_id, Event.guests_see_all_photos)
    cover = exists().where(EventCover.photo_id == Photo.id)
    return or_(Photo.for_everyone, *(each.correlate(Photo) for each in (all_shown, cover)))


def is_shown_as_mine() -> ColumnElement[bool]:
    """Return the condition that the match is by similarity, or declared in a photo that all guests see."""
    return or_(FaceMatch.declared.is_(False), shown_to_all())


def shown_to(user_id: int) -> ColumnElement[bool]:
    """Return the condition that the guest is in the photo by similarity, or that all guests see the photo."""
    matched = exists().where(
        FaceMatch.photo_id == Photo.id, FaceMatch.user_id == user_id, FaceMatch.declared.is_(False)
    )
    return or_(matched.correlate(Photo), shown_to_all())


def _is(photo: int | str) -> ColumnElement[bool]:
    return Photo.id == photo if isinstance(photo, int) else Photo.filename == photo


def visible_to_admin(session: Session, photo: int | str) -> Photo | None:
    """Return a photo by its id or stored name; admins see all photos."""
    return session.scalar(select(Photo).where(_is(photo)))


def visible_to_photographer(session: Session, photo: int | str, user_id: int) -> Photo | None:
    """Return the photo if the photographer uploaded it or is assigned to its event."""
    assigned = exists().where(
        EventPhotographer.event_id == Photo.event_id, EventPhotographer.photographer_id == user_id
    )
    return session.scalar(select(Photo).where(_is(photo), or_(Photo.photographer_id == user_id, assigned)))


def visible_to_guest(session: Session, photo: int | str, user_id: int) -> Photo | None:
    """Return the photo if the guest is a member of its event and may see it."""
    member = exists().where(UserEvent.event_id == Photo.event_id, UserEvent.user_id == user_id)
    return session.scalar(select(Photo).where(_is(photo), member, shown_to(user_id)))


def visible_among(session: Session, user_id: int, photo_ids: Sequence[int]) -> set[int]:
    """Return those of these photos, of events the guest is a member of, that the guest may see."""
    return set(session.scalars(select(Photo.id).where(Photo.id.in_(photo_ids), shown_to(user_id))))


def is_for_all_guests(session: Session, photo_id: int) -> bool:
    """Return whether all guests of its event see the photo."""
    return session.scalar(select(Photo.id).where(Photo.id == photo_id, shown_to_all())) is not None
