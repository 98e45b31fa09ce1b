"""SQL that walks through the rows that may have been erased since a backup was taken, some at a time."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from models import Consent, Event, Photo, Selfie, TrashedPhoto, User, UserEvent


def events_after(session: Session, after: int, limit: int) -> Sequence[Row[int, datetime]]:
    """Return id and time of making of the events with an id above `after`, by id."""
    return session.execute(
        select(Event.id, Event.created_at).where(Event.id > after).order_by(Event.id).limit(limit)
    ).all()


def accounts_after(session: Session, after: int, limit: int) -> Sequence[Row[int, datetime]]:
    """Return id and time of making of the accounts with an id above `after`, by id."""
    return session.execute(
        select(User.id, User.created_at).where(User.id > after).order_by(User.id).limit(limit)
    ).all()


def uploads_after(session: Session, after: int, limit: int) -> Sequence[Row[int, datetime]]:
    """Return id and time of upload of the photos with an id above `after`, by id."""
    return session.execute(
        select(Photo.id, Photo.uploaded_at).where(Photo.id > after).order_by(Photo.id).limit(limit)
    ).all()


def trashed_after(session: Session, after: int, limit: int) -> Sequence[Row[int, datetime]]:
    """Return id and time of upload that photos in the trash had, of those with an id above `after`, by id."""
    wanted = select(TrashedPhoto.photo_id, TrashedPhoto.uploaded_at).where(TrashedPhoto.photo_id > after)
    return session.execute(wanted.order_by(TrashedPhoto.photo_id).limit(limit)).all()


def selfies_after(session: Session, after: int, limit: int) -> Sequence[Row[int, datetime, int]]:
    """Return id, time of making and guest of the selfies with an id above `after`, by id."""
    wanted = select(Selfie.id, Selfie.created_at, Selfie.user_id).where(Selfie.id > after)
    return session.execute(wanted.order_by(Selfie.id).limit(limit)).all()


def memberships_after(
    session: Session, after: int, limit: int
) -> Sequence[Row[int, int, datetime, int, datetime, datetime | None]]:
    """Return membership, guest and event with the times of their making, and when the newest consent was given.

    Those with an id above `after` that are not withdrawn, by id.
    """
    newest = (
        select(func.max(Consent.given_at))
        .where(
            Consent.user_id == UserEvent.user_id,
            Consent.event_id == UserEvent.event_id,
            Consent.withdrawn_at.is_(None),
        )
        .correlate(UserEvent)
        .scalar_subquery()
    )
    return session.execute(
        select(UserEvent.id, User.id, User.created_at, Event.id, Event.created_at, newest)
        .join(User, User.id == UserEvent.user_id)
        .join(Event, Event.id == UserEvent.event_id)
        .where(UserEvent.id > after, UserEvent.withdrawn_at.is_(None))
        .order_by(UserEvent.id)
        .limit(limit)
    ).all()
