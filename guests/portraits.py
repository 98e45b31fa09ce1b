"""A guest's portraits: listed, shown and erased, one or all."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

import errors
from accounts import queries as account_queries
from audit.log import Action, record
from database import reading, transaction
from events import queries as event_queries
from events.rematching import queries as rematch_queries
from matching.claims import queries as claim_queries
from matching.guest_matches import match_guest
from matching.loading import faces_at_hand
from models import Event, Selfie
from selfies import queries
from selfies.service import picture
from stored import receipts
from stored.erasure import erase


def portraits_of(user_id: int) -> Sequence[Selfie]:
    """Return the guest's portraits that are accepted or waiting, oldest first."""
    with reading() as session:
        return queries.not_rejected(session, user_id)


def has_portrait(user_id: int) -> bool:
    """Return whether a portrait of the guest is accepted."""
    with reading() as session:
        return queries.accepted(session, user_id) is not None


def image_of(user_id: int, selfie_id: int) -> bytes:
    """Return one of the guest's own portraits as a JPEG.

    Raises:
        NoSuchSelfie: it is not one of theirs.
    """
    with reading() as session:
        key = _own(session, user_id, selfie_id).storage_key
    if key is None:
        raise errors.NoSuchSelfie
    return picture(key)


def _own(session: Session, user_id: int, selfie_id: int) -> Selfie:
    for each in queries.not_rejected(session, user_id):
        if each.id == selfie_id:
            return each
    raise errors.NoSuchSelfie


def remove_all(user_id: int) -> None:
    """Erase all the guest's portraits with their embeddings and matches, and what the guest confirmed.

    Raises:
        NoSelfie: there is none.
    """
    with transaction() as session:
        _lock(session, user_id)
        _erase_all(session, user_id)


def _lock(session: Session, user_id: int) -> list[Event]:
    """Lock the events' rows first: a running match ends before, and the next one finds no selfie. Return them."""
    events = event_queries.lock_joined_events(session, user_id)
    account_queries.lock_user(session, user_id)
    return events


def _erase_all(session: Session, user_id: int) -> None:
    rematch_queries.request_rematch_of_rivals(session, user_id)
    keys = queries.all_keys(session, user_id)
    gone = [receipts.subject_of(each) for each in queries.not_rejected(session, user_id)]
    if not queries.remove_all(session, user_id) or not keys:
        raise errors.NoSelfie
    claim_queries.forget(session, user_id)
    queries.delete_evaluations(session, user_id)
    record(session, Action.SELFIE_DELETED, subject_id=user_id)
    receipts.leave(session, receipts.SELFIES, gone, selfies=len(gone))
    erase(session, keys)


def remove(user_id: int, selfie_id: int) -> None:
    """Erase one of the guest's portraits and match the guest with the others, in the same transaction.

    With the last one goes all that `remove_all` erases.

    Raises:
        NoSuchSelfie: it is not one of theirs.
    """
    with reading() as session:
        joined = [each.event.id for each in event_queries.joined(session, user_id)]
    with faces_at_hand(joined), transaction() as session:
        events = _lock(session, user_id)
        selfie = _own(session, user_id, selfie_id)
        key = selfie.storage_key
        if len(queries.not_rejected(session, user_id)) == 1:
            _erase_all(session, user_id)
            return
        receipts.leave(session, receipts.SELFIES, [receipts.subject_of(selfie)], selfies=1)
        rematch_queries.request_rematch_of_rivals(session, user_id)
        queries.remove(session, [selfie_id])
        queries.delete_evaluations(session, user_id)
        record(session, Action.SELFIE_DELETED, subject_id=user_id)
        erase(session, [key] if key else [])
        for event in events:
            match_guest(session, event, user_id)
