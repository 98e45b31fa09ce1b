"""SQL about consents: which are in force, which suffice for new templates, and where a selfie would be one.

A consent that rests on a selfie stays in force when the event, or the installation, asks for words from now on: what
was found stays until an admin ends it (`guests/selfie_consents.py`). But nothing new may rest on it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Exists, Row, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import REJECTED, SELFIE, UNKNOWN, WORDS, Consent, Event, Selfie, UserEvent
from settings import get_settings

# The index of consents in force has this predicate.
_NOT_WITHDRAWN = Consent.withdrawn_at.is_(None)
_IN_FORCE = (_NOT_WITHDRAWN, Consent.basis != UNKNOWN)
Column = InstrumentedAttribute[int] | BindParameter[int]
# Conditions are built once for each pair of columns: building one takes longer than its query.
_USER, _EVENT = bindparam("of_user", type_=Consent.user_id.type), bindparam("in_event", type_=Consent.event_id.type)
# Made once: an alias of the mapped class costs more than the rest of these conditions.
_OF_CONSENT = Event.__table__.alias("of_consent")


@cache
def has_consent(user_id: Column = UserEvent.user_id, event_id: Column = UserEvent.event_id) -> Exists:
    """Return the condition that a consent of the guest is in force in the event: those of the row of a membership."""
    return exists().where(Consent.user_id == user_id, Consent.event_id == event_id, *_IN_FORCE)


def has_sufficient_consent(user_id: Column = UserEvent.user_id, event_id: Column = UserEvent.event_id) -> Exists:
    """Return the condition that a consent allows new templates: in words, or by a selfie where that counts."""
    return _has_sufficient_consent(user_id, event_id, only_words=get_settings().require_consent)


@cache
def _has_sufficient_consent(user_id: Column, event_id: Column, *, only_words: bool) -> Exists:
    given = exists().where(Consent.user_id == user_id, Consent.event_id == event_id, _NOT_WITHDRAWN)
    if only_words:
        return given.where(Consent.basis == WORDS)
    by_selfie = and_(Consent.basis == SELFIE, _OF_CONSENT.c.selfie_is_consent)
    return given.where(_OF_CONSENT.c.id == Consent.event_id, or_(Consent.basis == WORDS, by_selfie))


def is_looked_for(user_id: Column = UserEvent.user_id, event_id: Column = UserEvent.event_id) -> ColumnElement[bool]:
    """Return the condition that templates of the guest may be made: by consent, and faces are compared."""
    return _is_looked_for(user_id, event_id, only_words=get_settings().require_consent)


@cache
def _is_looked_for(user_id: Column, event_id: Column, *, only_words: bool) -> ColumnElement[bool]:
    sufficient = _has_sufficient_consent(user_id, event_id, only_words=only_words)
    return and_(sufficient, exists().where(Event.id == event_id, Event.faces_ended_at.is_(None)))


def may_be_found(session: Session, user_id: int, event_id: int) -> bool:
    """Return whether templates of the guest may be made in the event."""
    return _holds(session, is_looked_for, user_id, event_id)


def is_in_force(session: Session, user_id: int, event_id: int) -> bool:
    """Return whether a consent of the guest is in force in the event."""
    return _holds(session, has_consent, user_id, event_id)


def suffices(session: Session, user_id: int, event_id: int) -> bool:
    """Return whether a consent of the guest suffices for new templates in the event."""
    return _holds(session, has_sufficient_consent, user_id, event_id)


def _holds(
    session: Session, condition: Callable[[Column, Column], ColumnElement[bool]], user_id: int, event_id: int
) -> bool:
    asked: Select[Any] = select(condition(_USER, _EVENT))
    return bool(session.scalar(asked, {_USER.key: user_id, _EVENT.key: event_id}))


def suffices_anywhere(session: Session, user_id: int) -> bool:
    """Return whether a consent of the guest suffices in any event of which the guest is a member."""
    asked = _suffices_anywhere(only_words=get_settings().require_consent)
    return bool(session.scalar(asked, {_USER.key: user_id}))


@cache
def _suffices_anywhere(*, only_words: bool) -> Select[bool]:
    sufficient = _has_sufficient_consent(UserEvent.user_id, UserEvent.event_id, only_words=only_words)
    return select(exists().where(UserEvent.user_id == _USER, sufficient))


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


_AWAITING = (
    select(Event.id)
    .join(UserEvent, UserEvent.event_id == Event.id)
    .where(UserEvent.user_id == bindparam("user_id"), UserEvent.withdrawn_at.is_(None), ~has_consent())
    .where(Event.selfie_is_consent)
    .order_by(Event.id)
)


def awaiting_selfie(session: Session, user_id: int) -> Sequence[int]:
    """Return the ids of the events among `unasked_events` that say that a selfie is the consent."""
    return session.scalars(_AWAITING, {"user_id": user_id}).all()


def newest_selfie_at(session: Session, user_id: int) -> datetime | None:
    """Return when the guest sent the newest selfie that was not rejected."""
    found = select(Selfie.created_at).where(Selfie.user_id == user_id, Selfie.status != REJECTED)
    return session.scalar(found.order_by(Selfie.id.desc()).limit(1))


# --- consents by a selfie that suffice no more ------------------------------------------------------


class Resting(NamedTuple):
    """An event, how many guests are in it by a selfie that suffices no more, and of how many the end is announced."""

    event_id: int
    name: str
    guests: int
    announced: int


def _only_by_selfie() -> tuple[ColumnElement[bool], ...]:
    insufficient = ~has_sufficient_consent(Consent.user_id, Consent.event_id)
    return (_NOT_WITHDRAWN, Consent.basis == SELFIE, insufficient)


def resting_on_selfies(session: Session) -> list[Resting]:
    """Return the events with guests whose consent rests on a selfie that suffices no more, by id."""
    found = (
        select(Event.id, Event.name, func.count(Consent.id), func.count(Consent.ends_at))
        .join(Consent, Consent.event_id == Event.id)
        .where(*_only_by_selfie())
        .group_by(Event.id, Event.name)
        .order_by(Event.id)
    )
    return [Resting(*row) for row in session.execute(found)]


def lock_unannounced(session: Session, event_id: int) -> Sequence[Consent]:
    """Return the event's consents by a selfie that suffice no more and whose end is not announced, locked."""
    found = select(Consent).where(Consent.event_id == event_id, Consent.ends_at.is_(None), *_only_by_selfie())
    return session.scalars(found.order_by(Consent.id).with_for_update()).all()


def by_selfie(session: Session, user_id: int, event_id: int) -> Consent | None:
    """Return the consent of the guest in the event that rests on a selfie, if it is in force."""
    own = select(Consent).where(Consent.user_id == user_id, Consent.event_id == event_id)
    return session.scalar(own.where(_NOT_WITHDRAWN, Consent.basis == SELFIE))


def due(session: Session, now: datetime, limit: int) -> Sequence[Consent]:
    """Return at most `limit` consents in force whose announced end has come, by id."""
    found = select(Consent).where(_NOT_WITHDRAWN, Consent.ends_at.is_not(None), Consent.ends_at <= now)
    return session.scalars(found.order_by(Consent.id).limit(limit)).all()
