"""SQL about the copies that guests download."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, exists, select, update
from sqlalchemy.orm import Session

from models import Event, GuestCopy, Photo


class CopyRow(NamedTuple):
    """A photo, whether its event keeps capture details, and its copy for such an event; None if it is not planned."""

    photo: Photo
    detailed: bool
    copy: GuestCopy | None


def is_of(detailed: bool | ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a copy is of the photo's original as it is now, and with these details."""
    return and_(GuestCopy.photo_id == Photo.id, GuestCopy.filename == Photo.filename, GuestCopy.detailed == detailed)


def of_photo(session: Session, photo_id: int) -> CopyRow | None:
    """Return a photo with its copy; None if the photo is deleted."""
    statement = (
        select(Photo, Event.keep_capture_details, GuestCopy)
        .join(Event, Event.id == Photo.event_id)
        .outerjoin(GuestCopy, is_of(Event.keep_capture_details.expression))
        .where(Photo.id == photo_id)
    )
    row = session.execute(statement).one_or_none()
    return CopyRow(*row) if row is not None else None


def is_known_unstrippable(session: Session, photo_id: int) -> bool:
    """Tell whether it is recorded that the photo's original cannot be stripped."""
    found = exists().where(is_of(False), Photo.id == photo_id, GuestCopy.size.is_(None))
    return bool(session.scalar(select(found)))


def replace(session: Session, photo_id: int, copies: Sequence[GuestCopy]) -> None:
    """Put these copies in the place of those that the photo has."""
    session.execute(delete(GuestCopy).where(GuestCopy.photo_id == photo_id))
    session.add_all(copies)
    session.flush()


def record_crc32(session: Session, photo_id: int, filename: str, *, detailed: bool, crc32: int) -> None:
    """Record the CRC-32 of a copy, if it is still there."""
    session.execute(
        update(GuestCopy)
        .where(GuestCopy.photo_id == photo_id, GuestCopy.detailed == detailed, GuestCopy.filename == filename)
        .values(crc32=crc32)
    )


def unplanned(session: Session, after_id: int, kinds: Sequence[str], limit: int) -> Sequence[Photo]:
    """Return photos of these content types, with higher ids, whose copies are not planned, by id."""
    planned = exists().where(is_of(False)).correlate(Photo)
    statement = select(Photo).where(Photo.id > after_id, Photo.content_type.in_(kinds), ~planned)
    return session.scalars(statement.order_by(Photo.id).limit(limit)).all()
