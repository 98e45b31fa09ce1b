"""SQL about the sections of events."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from models import EventSection


def of_event(session: Session, event_id: int) -> Sequence[EventSection]:
    """Return the sections of an event in the order in which they begin."""
    return session.scalars(
        select(EventSection).where(EventSection.event_id == event_id).order_by(EventSection.starts_at)
    ).all()


def replace(session: Session, event_id: int, sections: Iterable[tuple[str, datetime]]) -> None:
    """Replace the sections of an event by these titles and starts. The caller has locked the event's row."""
    session.execute(delete(EventSection).where(EventSection.event_id == event_id))
    rows = [{"event_id": event_id, "title": title, "starts_at": starts_at} for title, starts_at in sections]
    if rows:
        session.execute(insert(EventSection), rows)
