"""The queue of background jobs: claim a job, keep its lease, end it. What a job does is in `jobs/work.py`.

The row is the job. One statement claims it: it sets `processing` and a lease, and increments `attempts`. The number
of the attempt is the claimer's token: every later write first checks that the row still has this number.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, exists, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, Session

from database import reading, transaction
from jobs.kinds import KINDS, JobRow, unfinished
from metrics import count_attempt
from models import (
    FAILED,
    PENDING,
    PROCESSING,
    Event,
    Photo,
    Redetection,
    Reembedding,
    Reprocessing,
    UtcDateTime,
    utcnow,
)
from photos.badges import service as badges
from settings import get_settings

log = logging.getLogger("reperio.jobs")
Now = datetime | BindParameter[datetime]
# Characters of an error that are stored: enough for a message with its cause.
MAX_ERROR = 2000
# The error of a job starts with this when the process that worked on it died.
CRASHED = "the process died"
# How often `claim_next` tries again at once when another process claims the chosen job first.
CLAIM_TRIES = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at a job: the row, the number of the attempt, and the id of the request that asked for the job."""

    kind: JobRow
    id: int
    attempt: int
    request_id: str | None = None

    def is_current(self, row: Any) -> bool:
        """Return whether the row is still processed by this attempt; False once another one has claimed it."""
        return bool(row.status == PROCESSING and row.attempts == self.attempt)

    def __str__(self) -> str:
        return f"{self.kind.__tablename__} {self.id} (attempt {self.attempt})"


# --- claiming ------------------------------------------------------------------------------------


def _lease_expired(kind: JobRow, now: Now) -> ColumnElement[bool]:
    return and_(unfinished(kind), kind.status == PROCESSING, kind.lease_until <= now)


def _due(kind: JobRow, now: Now) -> ColumnElement[bool]:
    """Return the condition for pending jobs whose pause after a failed attempt is over."""
    return and_(unfinished(kind), kind.status == PENDING, or_(kind.lease_until.is_(None), kind.lease_until <= now))


def _untried(kind: JobRow, now: Now) -> ColumnElement[bool]:
    """Return the condition for due jobs of which no attempt has ended with an error."""
    return and_(_due(kind, now), kind.error.is_(None))


class _Candidates(NamedTuple):
    """Jobs of one kind that can be claimed, all of them for the same reason."""

    kind: JobRow
    condition: Callable[[JobRow, Now], ColumnElement[bool]]
    lease_expired: bool


class _Choice(NamedTuple):
    """The jobs of which the one that has waited longest is claimed next."""

    kind: JobRow
    claimable: ColumnElement[bool]
    lease_expired: bool


# In claiming order.
_CANDIDATES = tuple(
    _Candidates(kind, condition, condition is _lease_expired)
    for kind in KINDS
    for condition in (_lease_expired, _due)
)
_UNTRIED = tuple(_Candidates(kind, _untried, lease_expired=False) for kind in KINDS)
_OF_KIND = {kind: tuple(each for each in _CANDIDATES if each.kind is kind) for kind in KINDS}


def _any_claimable(candidates: Sequence[_Candidates]) -> Select[*tuple[Any, ...]]:
    """Return the query whether there are any, for each of the candidates."""
    now = bindparam("now", type_=UtcDateTime)
    return select(*(exists().where(each.condition(each.kind, now)) for each in candidates))


# Each process runs the first about once a second and mostly finds nothing: one statement, compiled once.
_ANY_CLAIMABLE = {each: _any_claimable(each) for each in (_CANDIDATES, _UNTRIED, *_OF_KIND.values())}


class _RoundRobin:
    """Takes events in turn, so that 3,000 photos of one event do not delay ten photos of another."""

    def __init__(self) -> None:
        self._last_served: dict[int, int] = {}
        self._clock = 0

    def pick(self, event_ids: Sequence[int]) -> int:
        """Return the event that was picked least recently by this process; events never picked come first."""
        chosen = min(event_ids, key=lambda event_id: (self._last_served.get(event_id, 0), event_id))
        self._clock += 1
        self._last_served = {each: self._last_served[each] for each in event_ids if each in self._last_served}
        self._last_served[chosen] = self._clock
        return chosen


def _choose(session: Session, now: datetime, candidates: tuple[_Candidates, ...]) -> _Choice | None:
    found = session.execute(_ANY_CLAIMABLE[candidates], {"now": now}).one()
    for (kind, condition, lease_expired), any_there in zip(candidates, found, strict=True):
        if not any_there:
            continue
        claimable = condition(kind, now)
        if kind not in _OF_EVENT or lease_expired:
            return _Choice(kind, claimable, lease_expired)
        of_event = _OF_EVENT[kind](session, claimable, now)
        if of_event is not None:
            return _Choice(kind, and_(claimable, of_event), lease_expired)
    return None


def claimable(kind: JobRow, now: Now) -> ColumnElement[bool]:
    """Return the condition for the jobs of a kind that can be claimed."""
    return or_(_lease_expired(kind, now), _due(kind, now))


def claimable_kinds() -> set[JobRow]:
    """Return the kinds of which a job can be claimed."""
    with reading() as session:
        found = session.execute(_ANY_CLAIMABLE[_CANDIDATES], {"now": utcnow()}).one()
    return {each.kind for each, there in zip(_CANDIDATES, found, strict=True) if there}


def is_more_urgent_due(kind: JobRow) -> bool:
    """Return whether a job can be claimed that comes before those of this kind."""
    return not claimable_kinds().isdisjoint(KINDS[: KINDS.index(kind)])


def _in_turn(
    kind: type[Photo] | type[Redetection],
    turns: _RoundRobin,
    session: Session,
    claimable: ColumnElement[bool],
    _: Now,
) -> ColumnElement[bool] | None:
    event_ids = session.scalars(select(kind.event_id).where(claimable).distinct()).all()
    return kind.event_id == turns.pick(event_ids) if event_ids else None


def _of_newest(
    kind: type[Reembedding] | type[Reprocessing], session: Session, claimable: ColumnElement[bool], now: Now
) -> ColumnElement[bool] | None:
    """Return the condition for the newest event that is still open, else the newest: events are completed in turn."""
    there = exists().where(kind.event_id == Event.id, claimable)
    event_id = session.scalar(
        select(Event.id).where(there).order_by((Event.expires_at > now).desc(), Event.id.desc()).limit(1)
    )
    return kind.event_id == event_id if event_id is not None else None


# Where the next job depends on its event: returns the condition for the jobs of one event, or None if it has none.
_OF_EVENT: dict[JobRow, Callable[[Session, ColumnElement[bool], Now], ColumnElement[bool] | None]] = {
    Photo: partial(_in_turn, Photo, _RoundRobin()),
    Redetection: partial(_in_turn, Redetection, _RoundRobin()),
    Reembedding: partial(_of_newest, Reembedding),
    Reprocessing: partial(_of_newest, Reprocessing),
}
# Where a job that is queued again goes behind those that have waited longer; else the lowest id is the oldest.
_ORDER: dict[JobRow, tuple[InstrumentedAttribute[Any], ...]] = {Redetection: (Redetection.asked_at, Redetection.id)}


def _claim_one(session: Session, choice: _Choice, now: datetime) -> Claim | None:
    """Claim the first of the chosen jobs; return None if another process has claimed it meanwhile."""
    kind = choice.kind
    first = (
        select(kind.id)
        .where(choice.claimable)
        .order_by(*_ORDER.get(kind, (kind.id,)))
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = session.execute(
        update(kind)
        .where(kind.id == first, choice.claimable)
        .values(
            status=PROCESSING,
            attempts=kind.attempts + 1,
            started_at=now,
            lease_until=now + timedelta(seconds=get_settings().job_lease_seconds),
            **({"error": f"{CRASHED} during an attempt"} if choice.lease_expired else {}),
        )
        .returning(kind.id, kind.attempts, kind.error, kind.request_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        return None
    return Claim(
        kind,
        row.id,
        row.attempts,
        request_id=row.request_id,
    )


def claim_next(kind: JobRow | None = None) -> Claim | None:
    """Claim the next job, of a kind if one is given, and return it, or None if there is none.

    Selfies come first, then matchings, photos, evaluations, photos to search again, photos to process again by
    another engine, and photos to process again.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    return _claim_first(_CANDIDATES if kind is None else _OF_KIND[kind])


def claim_untried() -> Claim | None:
    """Claim the next job of which no attempt has ended with an error, and return it, or None if there is none.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    return _claim_first(_UNTRIED)


def _claim_first(candidates: tuple[_Candidates, ...]) -> Claim | None:
    for _ in range(CLAIM_TRIES):
        now = utcnow()
        # Without the write lock: on SQLite, idle processes must not queue with processes that write.
        with reading() as session:
            choice = _choose(session, now, candidates)
        if choice is None:
            return None
        with transaction() as session:
            claim = _claim_one(session, choice, now)
        if claim is not None:
            return claim
    return None


# --- keeping and ending a claim ------------------------------------------------------------------


def _update_claimed(claim: Claim, columns: dict[str, Any]) -> None:
    """Set columns of the claimed row; does nothing if the claim is no longer current."""
    with transaction() as session:
        _update(session, claim, columns)


def _update(session: Session, claim: Claim, columns: dict[str, Any]) -> None:
    session.execute(
        update(claim.kind)
        .where(claim.kind.id == claim.id, claim.kind.status == PROCESSING, claim.kind.attempts == claim.attempt)
        .values(**columns)
        .execution_options(synchronize_session=False)
    )


def extend_lease(claim: Claim) -> None:
    """Extend the lease to `JOB_LEASE_SECONDS` from now."""
    _update_claimed(claim, {"lease_until": utcnow() + timedelta(seconds=get_settings().job_lease_seconds)})


@contextmanager
def heartbeat(claim: Claim) -> Iterator[None]:
    """Extend the lease every `JOB_HEARTBEAT_SECONDS` while the block runs, from a separate thread."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(get_settings().job_heartbeat_seconds):
            try:
                extend_lease(claim)
            except SQLAlchemyError as error:
                log.warning("cannot extend the lease of %s: %s", claim, error)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def retry_later(claim: Claim, error: str) -> None:
    """Queue the job again after a failed attempt; end it as failed if this was the last one (`JOB_MAX_ATTEMPTS`).

    The pause is `JOB_BACKOFF_SECONDS` and doubles with each attempt, up to `JOB_BACKOFF_MAX_SECONDS`.
    """
    settings = get_settings()
    if claim.attempt >= settings.job_max_attempts:
        fail(claim, error)
        return
    count_attempt(claim.kind.__tablename__, "retried")
    pause = min(settings.job_backoff_seconds * 2 ** (claim.attempt - 1), settings.job_backoff_max_seconds)
    _update_claimed(
        claim,
        claim.kind.requeue_values(
            attempts=claim.attempt, lease_until=utcnow() + timedelta(seconds=pause), error=error[:MAX_ERROR]
        ),
    )


def fail(claim: Claim, error: str) -> None:
    """End the job as failed, for an error that another attempt would meet again."""
    with transaction() as session, failing(session, claim.kind, claim.id):
        _update(session, claim, claim.kind.finish_values(FAILED, error[:MAX_ERROR]))
    count_attempt(claim.kind.__tablename__, "failed")


def failing(session: Session, kind: JobRow, row_id: int) -> AbstractContextManager[None]:
    """Return a context in which a job is ended as failed: a photo's failure may give other photos."""
    return badges.following_failure(session, row_id) if kind is Photo else nullcontext()


def release(claim: Claim, reason: str | None = None) -> None:
    """Queue the job again without counting this attempt: the process stops, or what the job needs is away.

    `reason` becomes the job's error. Without one, the error of an earlier attempt stays.
    """
    error = claim.kind.error if reason is None else reason[:MAX_ERROR]
    _update_claimed(claim, claim.kind.requeue_values(attempts=claim.attempt - 1, error=error))
