"""SQL about the guests of an event that is deleted."""

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models import GUEST, Photo, Selfie, User, UserEvent


def lock_guests_of(session: Session, event_id: int) -> Sequence[User]:
    """Return the accounts made in that event, with their rows locked."""
    return session.scalars(
        select(User).where(User.event_id == event_id, User.user_type == GUEST).with_for_update()
    ).all()


def other_homes(session: Session, user_id: int, event_id: int) -> Sequence[int]:
    """Return the other events a guest has joined, oldest membership first."""
    return session.scalars(
        select(UserEvent.event_id)
        .where(UserEvent.user_id == user_id, UserEvent.event_id != event_id)
        .order_by(UserEvent.joined_at, UserEvent.id)
    ).all()


def has_namesake(session: Session, user: User, event_id: int | None) -> bool:
    """Tell whether another account of that event (or of none) has the user's name or address."""
    scope = User.event_id.is_(None) if event_id is None else User.event_id == event_id
    same = (User.username_key == user.username_key) | (User.email_key == user.email_key)
    return bool(session.scalar(select(exists().where(scope, same, User.id != user.id))))


def photo_filenames(session: Session, event_id: int) -> Sequence[str]:
    """Return the stored names of the event's photos."""
    return session.scalars(select(Photo.filename).where(Photo.event_id == event_id)).all()


def selfie_keys_of_home(session: Session, event_id: int) -> Sequence[str]:
    """Return the storage keys of the selfies of the accounts whose home event is this one."""
    return [
        key
        for key in session.scalars(
            select(Selfie.storage_key)
            .join(User, User.id == Selfie.user_id)
            .where(User.event_id == event_id, User.user_type == GUEST)
        )
        if key is not None
    ]
