"""SQL about links to photos. A link shows the photos that its maker may see when it is opened."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, exists, func, insert, literal, select, update
from sqlalchemy.orm import Session

from models import FAILED, REJECTED, Event, LinkedPhoto, Photo, PhotoLink, User, UserEvent
from photos.visible.queries import shown_to, shows_badge


class LinkRow(NamedTuple):
    """A link, its event, and the account that made it."""

    link: PhotoLink
    event: Event
    user: User


def of_user(session: Session, user_id: int) -> list[tuple[LinkRow, int]]:
    """Return the guest's links in all events, newest first, each with the number of photos it shows now."""
    shown = (
        select(func.count())
        .select_from(LinkedPhoto)
        .join(Photo, Photo.id == LinkedPhoto.photo_id)
        .where(LinkedPhoto.link_id == PhotoLink.id, *_shown(user_id))
        .correlate(PhotoLink)
        .scalar_subquery()
    )
    found = session.execute(
        select(PhotoLink, Event, User, shown)
        .join(Event, Event.id == PhotoLink.event_id)
        .join(User, User.id == PhotoLink.user_id)
        .where(PhotoLink.user_id == user_id)
        .order_by(PhotoLink.id.desc())
    )
    return [(LinkRow(link, event, user), number) for link, event, user, number in found]


def count(session: Session, user_id: int, event_id: int) -> int:
    """Return how many links the guest has in the event, those that have expired too."""
    where = (PhotoLink.user_id == user_id, PhotoLink.event_id == event_id)
    return session.scalar(select(func.count()).select_from(PhotoLink).where(*where)) or 0


def add_photos(session: Session, link: PhotoLink, photo_ids: Sequence[int]) -> int:
    """Put those of these photos of the link's event behind it that its maker may see; return how many."""
    chosen = select(literal(link.id), Photo.id).where(
        Photo.id.in_(photo_ids), Photo.event_id == link.event_id, *_shown(link.user_id)
    )
    return len(
        session.scalars(
            insert(LinkedPhoto).from_select(["link_id", "photo_id"], chosen).returning(LinkedPhoto.photo_id)
        ).all()
    )


def by_key(session: Session, link_key: str) -> LinkRow | None:
    """Return a link whose account is open and still a member of the event."""
    member = exists().where(UserEvent.user_id == PhotoLink.user_id, UserEvent.event_id == PhotoLink.event_id)
    row = session.execute(
        select(PhotoLink, Event, User)
        .join(Event, Event.id == PhotoLink.event_id)
        .join(User, User.id == PhotoLink.user_id)
        .where(PhotoLink.link_key == link_key, User.is_active, member)
    ).first()
    return LinkRow(*row) if row is not None else None


def photos_of(session: Session, link: PhotoLink, photo_id: int | None = None) -> Sequence[Photo]:
    """Return the photos that the link shows now, as they were taken; with `photo_id`, that one if it is shown."""
    statement = (
        select(Photo)
        .join(LinkedPhoto, LinkedPhoto.photo_id == Photo.id)
        .where(LinkedPhoto.link_id == link.id, Photo.event_id == link.event_id, *_shown(link.user_id))
        .order_by(func.coalesce(Photo.taken_at, Photo.uploaded_at), Photo.id)
    )
    if photo_id is not None:
        statement = statement.where(Photo.id == photo_id)
    return session.scalars(statement).all()


def _shown(user_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that the guest may see the photo and that there is a picture, or will be."""
    return Photo.status.not_in((FAILED, REJECTED)), shown_to(user_id), ~shows_badge()


def count_visit(session: Session, link_id: int) -> None:
    """Count that the link has been opened."""
    session.execute(update(PhotoLink).where(PhotoLink.id == link_id).values(opened=PhotoLink.opened + 1))


def delete_link(session: Session, user_id: int, link_id: int) -> int | None:
    """Delete a link of the guest's; return its event, or None if there is no such link."""
    where = (PhotoLink.id == link_id, PhotoLink.user_id == user_id)
    return session.scalar(delete(PhotoLink).where(*where).returning(PhotoLink.event_id))


def delete_expired(session: Session, before: datetime) -> None:
    """Delete the links that expired before that time."""
    session.execute(delete(PhotoLink).where(PhotoLink.expires_at < before))
