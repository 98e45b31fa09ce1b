"""SQL about consents: which are in force, and in which events a selfie of the guest would be one."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Exists, Row, and_, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import REJECTED, UNKNOWN, Consent, Event, Selfie, UserEvent

# The index of consents in force has this predicate.
_NOT_WITHDRAWN = Consent.withdrawn_at.is_(None)
_IN_FORCE = (_NOT_WITHDRAWN, Consent.basis != UNKNOWN)
Column = InstrumentedAttribute[int]


def has_consent(user_id: Column | int = UserEvent.user_id, event_id: Column | int = UserEvent.event_id) -> Exists:
    """Return the condition that a consent of the guest is in force in the event: those of the row of a membership."""
    return exists().where(Consent.user_id == user_id, Consent.event_id == event_id, *_IN_FORCE)


def is_looked_for(
    user_id: Column | int = UserEvent.user_id, event_id: Column | int = UserEvent.event_id
) -> ColumnElement[bool]:
    """Return the condition that templates of the guest may be in the event: by consent, and faces are compared."""
    return and_(has_consent(user_id, event_id), exists().where(Event.id == event_id, Event.faces_ended_at.is_(None)))


def may_be_found(session: Session, user_id: int, event_id: int) -> bool:
    """Return whether templates of the guest may be in the event."""
    return bool(session.scalar(select(is_looked_for(user_id, event_id))))


def is_in_force(session: Session, user_id: int, event_id: int) -> bool:
    """Return whether a consent of the guest is in force in the event."""
    return bool(session.scalar(select(has_consent(user_id, event_id))))


def is_in_force_anywhere(session: Session, user_id: int) -> bool:
    """Return whether a consent of the guest is in force in any event of which the guest is a member."""
    return bool(session.scalar(select(exists().where(UserEvent.user_id == user_id, has_consent()))))


def given(session: Session, user_id: int, event_id: int, version: str | None = None) -> Sequence[Consent]:
    """Return the guest's consents in the event that are not withdrawn, only those to `version` if it is given."""
    wanted = select(Consent).where(Consent.user_id == user_id, Consent.event_id == event_id, _NOT_WITHDRAWN)
    return session.scalars(wanted.where(Consent.version == version) if version is not None else wanted).all()


def all_of(session: Session, user_id: int) -> Sequence[Row[Consent, str]]:
    """Return every consent the guest gave, withdrawn ones included, with the event's name, newest first."""
    return session.execute(
        select(Consent, Event.name)
        .join(Event, Event.id == Consent.event_id)
        .where(Consent.user_id == user_id)
        .order_by(Consent.id.desc())
    ).all()


def unasked_events(session: Session, user_id: int) -> Sequence[Event]:
    """Return the guest's events in which no consent is in force and none was withdrawn or denied, by id."""
    return session.scalars(
        select(Event)
        .join(UserEvent, UserEvent.event_id == Event.id)
        .where(UserEvent.user_id == user_id, UserEvent.withdrawn_at.is_(None), ~has_consent())
        .order_by(Event.id)
    ).all()


def newest_selfie_at(session: Session, user_id: int) -> datetime | None:
    """Return when the guest sent the newest selfie that was not rejected."""
    found = select(Selfie.created_at).where(Selfie.user_id == user_id, Selfie.status != REJECTED)
    return session.scalar(found.order_by(Selfie.id.desc()).limit(1))
