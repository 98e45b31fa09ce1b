"""SQL about photos that a guest has chosen."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models import Favourite, Photo, PhotoChoice
from photos.visible.queries import shown_to


def choice(session: Session, user_id: int, event_id: int, choice_id: int) -> PhotoChoice | None:
    """Return a choice of the guest's in the event."""
    return session.scalar(
        select(PhotoChoice).where(
            PhotoChoice.id == choice_id, PhotoChoice.user_id == user_id, PhotoChoice.event_id == event_id
        )
    )


def delete_choices_before(session: Session, before: datetime) -> None:
    """Delete all guests' choices that were made before that time."""
    session.execute(delete(PhotoChoice).where(PhotoChoice.created_at < before))


def delete_older_choices(session: Session, user_id: int, kept: int) -> None:
    """Delete the guest's choices but the `kept` newest ones."""
    newest = select(PhotoChoice.id).where(PhotoChoice.user_id == user_id).order_by(PhotoChoice.id.desc()).limit(kept)
    ids = session.scalars(newest).all()
    session.execute(delete(PhotoChoice).where(PhotoChoice.user_id == user_id, PhotoChoice.id.not_in(ids)))


def seen_of_event(session: Session, user_id: int, event_id: int, photo_ids: Sequence[int]) -> Sequence[int]:
    """Return the ids of those of these photos of the event that the guest may see."""
    wanted = select(Photo.id).where(Photo.event_id == event_id, Photo.id.in_(photo_ids), shown_to(user_id))
    return session.scalars(wanted).all()


def add_favourites(session: Session, user_id: int, photo_ids: Sequence[int], now: datetime) -> None:
    """Make those of these photos that are still there favourites of the guest's, if they are none yet."""
    rows = select(literal(user_id), Photo.id, literal(now, Favourite.created_at.type)).where(Photo.id.in_(photo_ids))
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(Favourite).from_select(["user_id", "photo_id", "created_at"], rows)
    session.execute(statement.on_conflict_do_nothing())


def delete_favourites(session: Session, user_id: int, photo_ids: Sequence[int]) -> None:
    """Remove these photos from the guest's favourites."""
    session.execute(delete(Favourite).where(Favourite.user_id == user_id, Favourite.photo_id.in_(photo_ids)))
