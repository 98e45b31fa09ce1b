"""A guest's consent to be searched for in an event's photos: given, kept as evidence, withdrawn.

Withdrawing erases the guest's embeddings, candidates, confirmations and matches for that event, ends the messages
about new photos and marks the membership, so that later matching leaves the guest out until they consent again.
Guests who joined before consents were recorded have none on record; they can withdraw too.
"""

from collections.abc import Sequence

from sqlalchemy import Row
from sqlalchemy.orm import Session

import errors
from accounts import queries
from database import reading, transaction
from events import queries as event_queries
from events.rematching import queries as rematch_queries
from matching import queries as matching_queries
from matching.claims import queries as claim_queries
from models import Consent, UserEvent, utcnow
from notifications.service import end_all
from selfies import queries as selfie_queries
from tracing import current_request_id

# The version of the consent text that guests agree to now: the month it was written. A new text gets a new version.
CURRENT = "2026-11.2"


def record(session: Session, user_id: int, event_id: int, version: str | None, locale: str) -> None:
    """Record in the open transaction that a guest agreed to this version of the text; `None` records nothing."""
    if version is not None and not queries.consents(session, user_id, event_id, version):
        session.add(Consent(user_id=user_id, event_id=event_id, version=version, locale=locale))
        session.flush()


def give(user_id: int, event_id: int, version: str, locale: str) -> None:
    """Record a guest's consent; after a withdrawal the guest is matched again, in the background.

    Raises:
        NotInEvent: the guest is not a member of the event.
    """
    with transaction() as session:
        membership = _lock_membership(session, user_id, event_id)
        record(session, user_id, event_id, version, locale)
        if membership.withdrawn_at is None:
            return
        membership.withdrawn_at = None
        if selfie_queries.current(session, user_id) is not None:
            membership.requeue(requested_at=utcnow(), request_id=current_request_id())


def withdraw(user_id: int, event_id: int) -> None:
    """End a guest's consent in an event: erase embeddings and matches there; none are made until they consent again.

    Raises:
        NotInEvent: the guest is not a member of the event.
    """
    with transaction() as session:
        membership = _lock_membership(session, user_id, event_id)
        now = utcnow()
        for consent in queries.consents(session, user_id, event_id):
            consent.withdrawn_at = now
        membership.withdrawn_at = membership.withdrawn_at or now
        session.flush()
        rematch_queries.request_rematch_of_rivals(session, user_id, event_id)
        selfie_queries.delete_embeddings_in(session, user_id, event_id)
        selfie_queries.delete_evaluations(session, user_id, event_id)
        matching_queries.delete_matches_in(session, user_id, event_id)
        claim_queries.forget(session, user_id, event_id)
        end_all(session, user_id, event_id)


def was_given(user_id: int, event_id: int) -> bool:
    """Return whether the guest ever consented in the event, also if that was withdrawn since."""
    return any(each.event_id == event_id for each, _ in all_of(user_id))


def all_of(user_id: int) -> Sequence[Row[Consent, str]]:
    """Return every consent a guest gave, withdrawn ones included, with the event's name, newest first."""
    with reading() as session:
        return queries.all_consents(session, user_id)


def _lock_membership(session: Session, user_id: int, event_id: int) -> UserEvent:
    """Lock the event, the membership and the account, so that no matching is under way; return the membership."""
    if event_queries.joined_event(session, user_id, event_id) is None:
        raise errors.NotInEvent
    event_queries.lock_event(session, event_id)
    membership = event_queries.lock_membership(session, user_id, event_id)
    if membership is None or queries.lock_user(session, user_id) is None:
        raise errors.NotInEvent
    return membership
