"""SQL about the events that are on now, and the one that comes next."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session

from models import Event, Photo


def near(session: Session, first: date, last: date, active_since: datetime) -> Sequence[Row[Event, datetime | None]]:
    """Return the events of these days and those with a photo since `active_since`, with that photo's time."""
    # The newest photo of each event, by index.
    newest = (
        select(Photo.uploaded_at)
        .where(Photo.event_id == Event.id)
        .order_by(Photo.uploaded_at.desc())
        .limit(1)
        .correlate(Event)
        .scalar_subquery()
    )
    wanted = or_(Event.date.between(first, last), newest > active_since)
    return session.execute(select(Event, newest).where(wanted).order_by(Event.id)).all()


def count_dated(session: Session, first: date, last: date) -> int:
    """Return how many events these days have."""
    return session.scalar(select(func.count()).select_from(Event).where(Event.date.between(first, last))) or 0


def next_after(session: Session, day: date) -> Event | None:
    """Return the first event of a later day."""
    later = select(Event).where(Event.date > day).order_by(Event.date, Event.id).limit(1)
    return session.scalar(later)
