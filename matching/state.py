"""The state of the work for one guest, as the REST contract tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from database import reading
from faces.providers import engine_id_of
from matching import queries
from matching.changing import queries as changing_queries
from matching.redetecting import queries as redetecting_queries
from models import DONE, FAILED, PENDING, PROCESSING, REJECTED, Selfie, UserEvent
from selfies import queries as selfie_queries
from settings import get_settings

# The statuses of the REST contract, by the status of the job that decides.
_STATUS = {PENDING: "queued", PROCESSING: "running", FAILED: "error", REJECTED: "validation_failed"}


@dataclass(frozen=True, slots=True)
class MatchingState:
    """The state of the work for one guest: `status` as in the REST contract, and the number of matched photos.

    `detail` is the name of the error for which a selfie was rejected, or the error of a failed job.
    """

    status: str
    matched: int
    detail: str | None
    started_at: datetime | None
    finished_at: datetime | None


def _is_requested(membership: UserEvent) -> bool:
    """Return whether a person requested the pending matching; events that grow also rematch guests by themselves."""
    requested, finished = membership.requested_at, membership.finished_at
    return requested is not None and (finished is None or requested > finished)


def state_of(user_id: int) -> MatchingState:
    """Return the state of the guest's newest selfie and of its matchings, read from the database.

    A portrait that can be matched only once an event has changed to another engine is `running` until then, and so is
    one for which photos are searched again.
    """
    with reading() as session:
        selfie = selfie_queries.latest(session, user_id)
        memberships = queries.memberships_of(session, user_id)
        engine_id = engine_id_of(get_settings().face_recognizer_provider)
        matched, waits_for_engine = changing_queries.found_so_far(session, user_id, engine_id)
        waits = waits_for_engine or _is_searching(session, user_id, memberships)
    return _state_from(selfie, memberships, matched, waits=waits)


def states_of(user_ids: Sequence[int]) -> dict[int, MatchingState]:
    """Return the state of each of these guests, as `state_of` does, in few statements for all of them."""
    engine_id = engine_id_of(get_settings().face_recognizer_provider)
    with reading() as session:
        selfies = selfie_queries.latest_of_many(session, user_ids)
        memberships = queries.memberships_of_many(session, user_ids)
        found = changing_queries.found_by_many(session, user_ids, engine_id)
        waiting = {each for each in user_ids if found[each][1] or _is_searching(session, each, memberships[each])}
    return {
        each: _state_from(selfies.get(each), memberships[each], found[each][0], waits=each in waiting)
        for each in user_ids
    }


def _is_searching(session: Session, user_id: int, memberships: Sequence[UserEvent]) -> bool:
    asked = any(each.search_asked_at is not None for each in memberships)
    return asked and redetecting_queries.is_searching(session, user_id)


def _state_from(
    selfie: Selfie | None, memberships: Sequence[UserEvent], matched: int, *, waits: bool
) -> MatchingState:
    """Return the state of a guest; `waits`: a portrait waits for another engine, or photos are searched again."""
    if selfie is None:
        return MatchingState("idle", matched, None, None, None)
    if selfie.status != DONE:
        detail = selfie.detail or (selfie.error if selfie.status == FAILED else None)
        return MatchingState(_STATUS[selfie.status], matched, detail, selfie.started_at, selfie.finished_at)
    if waits:
        return MatchingState(_STATUS[PROCESSING], matched, None, selfie.started_at, None)
    for status in (PROCESSING, PENDING, FAILED):
        for each in memberships:
            if each.status == status and (status == FAILED or _is_requested(each)):
                detail = each.error if status == FAILED else None
                return MatchingState(_STATUS[status], matched, detail, each.started_at, each.finished_at)
    jobs: list[Selfie | UserEvent] = [selfie, *(each for each in memberships if each.requested_at is not None)]
    last = max(jobs, key=lambda job: job.finished_at or selfie.created_at)
    return MatchingState("done", matched, None, last.started_at, last.finished_at)
