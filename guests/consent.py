"""A guest's consent to be searched for in an event's photos: given in words, kept as evidence, withdrawn.

Templates of a guest exist in an event only while a consent is in force there. What else may be a consent than
agreement to our words: `selfies/consent.py`.

Withdrawing erases the guest's embeddings, candidates, confirmations and matches for that event, ends the messages
about new photos and marks the membership, so that later matching leaves the guest out until they consent again. When
no consent is left in any event, the guest's selfies and their files are erased too.
"""

from collections.abc import Sequence

from sqlalchemy import Row
from sqlalchemy.orm import Session

import errors
from accounts import queries as account_queries
from database import reading, transaction
from events import queries as event_queries
from events.consents import queries
from events.rematching import queries as rematch_queries
from guests.wordings import Wording
from matching import queries as matching_queries
from matching.claims import queries as claim_queries
from models import WORDS, Consent, Event, User, UserEvent, utcnow
from notifications.service import end_all
from selfies import queries as selfie_queries
from stored import receipts
from stored.erasure import erase
from tracing import current_request_id


def record(session: Session, user_id: int, event_id: int, wording: Wording | None) -> None:
    """Record in the open transaction that a guest agreed to this wording; `None` records nothing."""
    if wording is None or queries.given(session, user_id, event_id, wording.version):
        return
    session.add(
        Consent(
            user_id=user_id,
            event_id=event_id,
            version=wording.version,
            locale=wording.language,
            basis=WORDS,
            text_sha256=wording.sha256,
        )
    )
    session.flush()


def give(user_id: int, event_id: int, wording: Wording) -> None:
    """Record a guest's consent; if none sufficed before, the guest is matched from now on, in the background.

    Raises:
        NotInEvent: the guest is not a member of the event.
    """
    with transaction() as session:
        membership = _lock_membership(session, user_id, event_id)
        sufficed = queries.suffices(session, user_id, event_id)
        record(session, user_id, event_id, wording)
        for each in queries.given(session, user_id, event_id):
            each.ends_at = None
        if sufficed:
            return
        membership.withdrawn_at = None
        if selfie_queries.current(session, user_id) is not None:
            membership.requeue(requested_at=utcnow(), request_id=current_request_id())


def withdraw(user_id: int, event_id: int) -> None:
    """End a guest's consent in an event: erase embeddings and matches there; none are made until they consent again.

    With the last consent the guest's selfies and their files are erased. Idempotent.

    Raises:
        NotInEvent: the guest is not a member of the event.
    """
    with transaction() as session:
        membership = _lock_membership(session, user_id, event_id)
        now = utcnow()
        given = queries.given(session, user_id, event_id)
        if given or membership.withdrawn_at is None:
            receipts.leave(session, receipts.WITHDRAWAL, [_subject(session, membership)])
        for consent in given:
            consent.withdrawn_at, consent.ends_at = now, None
        membership.withdrawn_at = membership.withdrawn_at or now
        session.flush()
        rematch_queries.request_rematch_of_rivals(session, user_id, event_id)
        selfie_queries.delete_embeddings_in(session, user_id, event_id)
        selfie_queries.delete_evaluations(session, user_id, event_id)
        matching_queries.delete_matches_in(session, user_id, event_id)
        claim_queries.forget(session, user_id, event_id)
        end_all(session, user_id, event_id)
        if not queries.is_in_force_anywhere(session, user_id):
            _erase_selfies(session, user_id)


def _subject(session: Session, membership: UserEvent) -> str:
    """Return what stands for a guest in an event, in the log of erasures."""
    guest, event = session.get_one(User, membership.user_id), session.get_one(Event, membership.event_id)
    return receipts.both(receipts.subject_of(guest), receipts.subject_of(event))


def _erase_selfies(session: Session, user_id: int) -> None:
    """Erase the selfies of a guest who is looked for nowhere any more, with their files."""
    keys = selfie_queries.all_keys(session, user_id)
    selfie_queries.remove_all(session, user_id)
    selfie_queries.delete_evaluations(session, user_id)
    erase(session, keys)


def was_given(user_id: int, event_id: int) -> bool:
    """Return whether the guest ever consented in the event, also if that was withdrawn since."""
    return any(each.event_id == event_id for each, _ in all_of(user_id))


def all_of(user_id: int) -> Sequence[Row[Consent, str]]:
    """Return every consent a guest gave, withdrawn ones included, with the event's name, newest first."""
    with reading() as session:
        return queries.all_of(session, user_id)


def _lock_membership(session: Session, user_id: int, event_id: int) -> UserEvent:
    """Lock the guest's events, the membership and the account: no matching is under way. Return the membership."""
    if event_queries.joined_event(session, user_id, event_id) is None:
        raise errors.NotInEvent
    event_queries.lock_joined_events(session, user_id)
    membership = event_queries.lock_membership(session, user_id, event_id)
    if membership is None or account_queries.lock_user(session, user_id) is None:
        raise errors.NotInEvent
    return membership
