"""Match a guest in one event again, with the accepted selfies: the job of a membership."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from accounts import queries as account_queries
from database import reading
from events.consents.queries import may_be_found
from matching import queries
from matching.guest_matches import match_guest
from matching.loading import locked_event
from matching.redetecting.queries import request_for_guest
from models import DONE, Event, Selfie, UserEvent, utcnow
from selfies import queries as selfie_queries


class AcceptedSelfie(NamedTuple):
    """A selfie of a guest that is in force, and its embedding by one engine (float32 bytes) if there is one."""

    selfie: Selfie
    embedding: bytes | None


def selfies_for_membership(membership_id: int, engine_id: str) -> list[AcceptedSelfie]:
    """Return the accepted selfies with which to match a membership, oldest first.

    None of them if no consent is in force, faces are no longer compared, or the guest is no member any more.
    """
    with reading() as session:
        membership = session.get(UserEvent, membership_id)
        if membership is None or not may_be_found(session, membership.user_id, membership.event_id):
            return []
        return [
            AcceptedSelfie(each, selfie_queries.embedding(session, each.id, engine_id))
            for each in selfie_queries.in_force(session, membership.user_id)
        ]


def rematch(
    membership_id: int,
    engine_id: str,
    embeddings: Mapping[int, bytes],
    still_ours: Callable[[UserEvent], bool],
    is_outdated: Callable[[Session, UserEvent], bool] = lambda _, __: False,
    again_after: timedelta = timedelta(0),
) -> None:
    """Match a guest in one event with the accepted selfies, if there are any, and mark the membership done.

    `embeddings` are the selfies' by `engine_id`, as float32 bytes, by the selfie's id. If another rematch was
    requested after this one started, the membership is queued again; if `is_outdated` says so, for that time later.
    """
    with reading() as session:
        known = session.get(UserEvent, membership_id)
    if known is None:
        return
    with locked_event(known.event_id, engine_id) as (session, event):
        membership = queries.lock_membership(session, membership_id)
        user = account_queries.lock_user(session, known.user_id)
        if event is None or membership is None or user is None or not still_ours(membership):
            return
        is_looked_for = may_be_found(session, user.id, event.id)
        if is_looked_for:
            is_new = _is_asked_for(membership)
            for selfie_id, embedding in embeddings.items():
                selfie = queries.selfie(session, selfie_id)
                if selfie is None or selfie.status != DONE:
                    continue
                is_new |= _embed_for(session, event, selfie.id, engine_id, embedding)
                if event.active_engine_id != engine_id:
                    # The event still changes to this engine: match the portrait by the active engine, if embedded.
                    known_elsewhere = selfie_queries.embedding(session, selfie.id, event.active_engine_id)
                    _embed_for(session, event, selfie.id, event.active_engine_id, known_elsewhere)
            match_guest(session, event, user.id)
            if embeddings and is_new:
                request_for_guest(session, event, user.id)
        requested, started = membership.requested_at, membership.started_at
        membership.finish(DONE)
        membership.engine_id = engine_id
        if requested is not None and started is not None and requested > started:
            membership.requeue(attempts=membership.attempts)
        elif is_looked_for and is_outdated(session, membership):
            membership.requeue(lease_until=utcnow() + again_after)


def _is_asked_for(membership: UserEvent) -> bool:
    """Return whether a person has asked for this matching: an event that grows matches its guests by itself."""
    asked, ended = membership.requested_at, membership.finished_at
    return asked is not None and (ended is None or asked > ended)


def _embed_for(session: Session, event: Event, selfie_id: int, engine_id: str, embedding: bytes | None) -> bool:
    """Insert the selfie's embedding for the event, unless there is one already, or none; return whether it is new."""
    if embedding is None or selfie_queries.is_embedded(session, selfie_id, event.id, engine_id):
        return False
    queries.add_selfie_embeddings(session, selfie_id, [event.id], engine_id, embedding)
    return True
