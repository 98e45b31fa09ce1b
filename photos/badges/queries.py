"""SQL about guests' badges."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session

from models import Badge, BadgeMark, Event, UserEvent

UNSYNCHRONISED = {"synchronize_session": False}


def badge_of(session: Session, user_id: int, event_id: int) -> Badge | None:
    """Return the guest's first badge in the event."""
    own = select(Badge).where(Badge.user_id == user_id, Badge.event_id == event_id)
    return session.scalar(own.order_by(Badge.id).limit(1))


def add_badge(session: Session, user_id: int, event_id: int, number: str) -> Badge:
    """Insert a badge."""
    badge = Badge(user_id=user_id, event_id=event_id, number=number)
    session.add(badge)
    session.flush()
    return badge


def by_numbers(session: Session, event_id: int, numbers: Collection[str]) -> Sequence[Badge]:
    """Return the event's badges with these numbers."""
    return session.scalars(select(Badge).where(Badge.event_id == event_id, Badge.number.in_(numbers))).all()


def hand_over_badges(session: Session, old: int, new: int) -> None:
    """Give the badges of one account to another one, in the events that the other one is in."""
    joined = select(UserEvent.event_id).where(UserEvent.user_id == new)
    session.execute(
        update(Badge).where(Badge.user_id == old, Badge.event_id.in_(joined)).values(user_id=new),
        execution_options=UNSYNCHRONISED,
    )


def has_any(session: Session, event_id: int) -> bool:
    """Return whether the event has a badge or a mark."""
    there = (exists().where(table.event_id == event_id) for table in (Badge, BadgeMark))
    return bool(session.scalar(select(or_(*there))))


def delete_of_event(session: Session, event_id: int) -> None:
    """Delete the badges of an event and what series followed from: its photos are erased."""
    session.execute(delete(BadgeMark).where(BadgeMark.event_id == event_id), execution_options=UNSYNCHRONISED)
    session.execute(delete(Badge).where(Badge.event_id == event_id), execution_options=UNSYNCHRONISED)


def have_used_badges(session: Session, event_ids: Collection[int]) -> set[int]:
    """Return those of these events that use badges, or have used them."""
    return set(session.scalars(select(Event.id).where(Event.id.in_(event_ids), Event.badges_used)))
