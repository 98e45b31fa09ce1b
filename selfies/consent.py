"""When a selfie is the consent of its guest: sent by an app, after the app's own notice, where the event allows it.

Such a consent is recorded with what it rests on, never as agreement to words of ours. A withdrawal, or getting in
without consent, is undone by an explicit consent only.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

import errors
from accounts import queries as account_queries
from database import reading
from events import queries as event_queries
from events.consents import queries
from models import SELFIE, Consent, Event, User, utcnow
from settings import get_settings

# What the column `version` says where no wording of ours was shown.
NO_VERSION = "selfie"


def counts_in(event: Event) -> bool:
    """Return whether a selfie that an app sends is the consent in the event, unless the guest has withdrawn one."""
    return event.selfie_is_consent and not get_settings().require_consent


def check_possible(user_id: int, *, is_consent: bool) -> None:
    """Check that a selfie of the guest would be looked for in one event at least, before its body is read.

    `is_consent`: it comes from an app, not from our own pages.

    Raises:
        ConsentWithdrawn: the guest has withdrawn the consent in all of their events, or got in without.
        ConsentRequired: no consent is in force, and the selfie would be none.
    """
    with reading() as session:
        if not (is_consent and _awaited(session, user_id)):
            check_in_force(session, user_id)


def check_in_force(session: Session, user_id: int) -> None:
    """Check that a consent of the guest suffices in one event at least; a guest without events passes.

    Raises:
        ConsentWithdrawn, ConsentRequired: see `check_possible`.
    """
    joined = event_queries.events_of_guest(session, user_id)
    if not joined or queries.suffices_anywhere(session, user_id):
        return
    if all(each.withdrawn_at is not None for each in joined):
        raise errors.ConsentWithdrawn
    raise errors.ConsentRequired


def keep_awaited_events(session: Session, user_id: int) -> None:
    """Keep the events there in which a selfie would be the consent; call before the account's row is locked."""
    for event_id in _awaited(session, user_id):
        event_queries.is_kept(session, event_id)


def _awaited(session: Session, user_id: int) -> Sequence[int]:
    """Return the events in which a selfie would be the consent: see `counts_in`."""
    return () if get_settings().require_consent else queries.awaiting_selfie(session, user_id)


def record(session: Session, user: User, language: str) -> None:
    """Record the selfie that the guest sends now as the consent where it is one; the account's row is locked."""
    for event_id in _awaited(session, user.id):
        session.add(_consent(user.id, event_id, language))
    session.flush()


def record_for(session: Session, user: User, event: Event, language: str) -> None:
    """Record the selfie that the guest has sent before as the consent in an event that an app joins now."""
    if counts_in(event):
        session.add(_consent(user.id, event.id, language))
        session.flush()


def take_over(session: Session, user_id: int) -> None:
    """Record the selfie of a guest who comes from another system as the consent, dated by the selfie."""
    sent_at = queries.newest_selfie_at(session, user_id)
    user = account_queries.user(session, user_id)
    if sent_at is None or user is None:
        return
    for event in queries.unasked_events(session, user_id):
        session.add(_consent(user_id, event.id, user.locale, given_at=sent_at, taken_over=True))
    session.flush()


def _consent(
    user_id: int, event_id: int, locale: str, *, given_at: datetime | None = None, taken_over: bool = False
) -> Consent:
    return Consent(
        user_id=user_id,
        event_id=event_id,
        version=NO_VERSION,
        locale=locale,
        basis=SELFIE,
        given_at=given_at or utcnow(),
        taken_over=taken_over,
    )
