"""The queue of background jobs: claimed, kept, given back, counted. What a job does is in `jobs/work.py`.

The row is the job. A claim is one statement that marks a row `processing`, gives it a lease and counts the attempt;
the number of the attempt is the claimer's token, which every later step checks before it records anything.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from database import reading, transaction
from models import DONE, FAILED, PENDING, PROCESSING, Photo, Selfie, UserEvent, UtcDateTime, utcnow
from settings import get_settings

log = logging.getLogger("reperio.jobs")
JobRow = type[Selfie] | type[UserEvent] | type[Photo]
Now = datetime | BindParameter[datetime]
# A guest waits for a selfie and a join; a photo can wait for them.
KINDS: tuple[JobRow, ...] = (Selfie, UserEvent, Photo)
BY_NAME: dict[str, JobRow] = {kind.__tablename__: kind for kind in KINDS}
MAX_REASON = 2000
# How the reason of a job begins whose process died: from then on it runs in a process of its own.
CRASHED = "the process died"
CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours until its lease runs out: which row, which attempt, and whether an earlier one crashed."""

    kind: JobRow
    id: int
    attempt: int
    crashed_before: bool = False
    request_id: str | None = None

    def is_current(self, row: Any) -> bool:
        """Tell whether the row still is in this attempt's hands."""
        return bool(row.status == PROCESSING and row.attempts == self.attempt)

    def __str__(self) -> str:
        return f"{self.kind.__tablename__} {self.id} (attempt {self.attempt})"


# --- claiming ------------------------------------------------------------------------------------


def unfinished(kind: JobRow) -> ColumnElement[bool]:
    """Not through. In the very words of the index that holds only those rows: SQLite recognises no others."""
    return kind.status.in_((literal_column(f"'{PENDING}'"), literal_column(f"'{PROCESSING}'")))


def failed(kind: JobRow) -> ColumnElement[bool]:
    """Given up; in the words of its index, as above."""
    return kind.status == literal_column(f"'{FAILED}'")


def _lease_expired(kind: JobRow, now: Now) -> ColumnElement[bool]:
    """Processing, by somebody whose lease ran out."""
    return and_(unfinished(kind), kind.status == PROCESSING, kind.lease_until <= now)


def _due(kind: JobRow, now: Now) -> ColumnElement[bool]:
    """Pending, and not waiting out a pause after a failure."""
    return and_(unfinished(kind), kind.status == PENDING, or_(kind.lease_until.is_(None), kind.lease_until <= now))


# In the order in which jobs are claimed: the kind, which of its rows, and whether their holder was lost.
_CLAIM_ORDER = [
    (kind, condition, condition is _lease_expired) for kind in KINDS for condition in (_lease_expired, _due)
]
# Every process looks every second, mostly in vain: one statement, made once.
_ANY_CLAIMABLE = select(
    *(exists().where(condition(kind, bindparam("now", type_=UtcDateTime))) for kind, condition, _ in _CLAIM_ORDER)
)


class _RoundRobin:
    """Which event's photos this process served how lately: 3,000 photos of one do not hold up another's ten."""

    def __init__(self) -> None:
        self._served: dict[int, int] = {}
        self._clock = 0

    def pick(self, event_ids: Sequence[int]) -> int:
        """Return the event that has waited longest for its turn, and give it the turn."""
        chosen = min(event_ids, key=lambda event_id: (self._served.get(event_id, 0), event_id))
        self._clock += 1
        self._served = {each: self._served[each] for each in event_ids if each in self._served}
        self._served[chosen] = self._clock
        return chosen


_round_robin = _RoundRobin()


def _choose(session: Session, now: datetime) -> tuple[JobRow, ColumnElement[bool], bool] | None:
    """Return what may be claimed next: the kind, the condition, and whether its holder was lost."""
    for (kind, condition, lost), is_there in zip(
        _CLAIM_ORDER, session.execute(_ANY_CLAIMABLE, {"now": now}).one(), strict=True
    ):
        if not is_there:
            continue
        claimable = condition(kind, now)
        if kind is not Photo or lost:
            return kind, claimable, lost
        event_ids = session.scalars(select(Photo.event_id).where(claimable).distinct()).all()
        if event_ids:
            return kind, and_(claimable, Photo.event_id == _round_robin.pick(event_ids)), lost
    return None


def _claim_one(
    session: Session, kind: JobRow, claimable: ColumnElement[bool], now: datetime, *, lost: bool
) -> Claim | None:
    first = (
        select(kind.id)
        .where(claimable)
        .order_by(kind.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = session.execute(
        update(kind)
        .where(kind.id == first, claimable)
        .values(
            status=PROCESSING,
            attempts=kind.attempts + 1,
            started_at=now,
            lease_until=now + timedelta(seconds=get_settings().job_lease_seconds),
            **({"error": f"{CRASHED} during an attempt"} if lost else {}),
        )
        .returning(kind.id, kind.attempts, kind.error, kind.request_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        return None
    return Claim(kind, row[0], row[1], crashed_before=(row[2] or "").startswith(CRASHED), request_id=row[3])


# How often a claim that somebody else snatched is tried again at once.
CLAIM_ATTEMPTS = 5


def claim_next() -> Claim | None:
    """Take the next job, or None where nothing waits. Selfies go first, then joins and rematches, then photos."""
    for _ in range(CLAIM_ATTEMPTS):
        now = utcnow()
        # A look without the write lock first: on SQLite an idle process must not queue with those that write.
        with reading() as session:
            choice = _choose(session, now)
        if choice is None:
            return None
        kind, claimable, lost = choice
        with transaction() as session:
            claim = _claim_one(session, kind, claimable, now, lost=lost)
        if claim is not None:
            return claim
    return None


# --- holding and ending --------------------------------------------------------------------------


def _update_claimed(claim: Claim, columns: dict[str, Any]) -> None:
    """Change the row of a job that is still ours."""
    with transaction() as session:
        session.execute(
            update(claim.kind)
            .where(claim.kind.id == claim.id, claim.kind.status == PROCESSING, claim.kind.attempts == claim.attempt)
            .values(**columns)
            .execution_options(synchronize_session=False)
        )


def extend_lease(claim: Claim) -> None:
    """Extend the lease of a job that is still ours."""
    _update_claimed(claim, {"lease_until": utcnow() + timedelta(seconds=get_settings().job_lease_seconds)})


@contextmanager
def heartbeat(claim: Claim) -> Iterator[None]:
    """Keep the lease of a long job alive from a thread of its own."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(get_settings().job_heartbeat_seconds):
            try:
                extend_lease(claim)
            except SQLAlchemyError as error:
                log.warning("no heartbeat for %s: %s", claim, error)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def retry_later(claim: Claim, reason: str) -> None:
    """Let a failed attempt be tried again after a pause that doubles; after the last one, keep the reason."""
    settings = get_settings()
    if claim.attempt >= settings.job_max_attempts:
        fail(claim, reason)
        return
    pause = min(settings.job_backoff_seconds * 2 ** (claim.attempt - 1), settings.job_backoff_max_seconds)
    _update_claimed(
        claim,
        claim.kind.requeue_values(
            attempts=claim.attempt, lease_until=utcnow() + timedelta(seconds=pause), error=reason[:MAX_REASON]
        ),
    )


def fail(claim: Claim, reason: str) -> None:
    """End a job that no further attempt can help."""
    _update_claimed(claim, claim.kind.finish_values(FAILED, reason[:MAX_REASON]))


def release(claim: Claim) -> None:
    """Put a job back as if it had never been claimed: its process stops, and it is nobody's fault."""
    # The error stays: it says whether an earlier attempt crashed.
    _update_claimed(claim, claim.kind.requeue_values(attempts=claim.attempt - 1, error=claim.kind.error))


# --- seeing and mending --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that was given up, and why."""

    kind: str
    id: int
    error: str | None
    attempts: int
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class KindState:
    """The jobs of one kind: how many in which state, the seconds the oldest has waited, and how many a minute end."""

    pending: int
    processing: int
    done: int
    failed: int
    oldest_seconds: float | None
    done_last_minute: int


ASKED: dict[JobRow, Any] = {
    Selfie: Selfie.created_at,
    UserEvent: func.coalesce(UserEvent.requested_at, UserEvent.joined_at),
    Photo: Photo.uploaded_at,
}


def counts() -> dict[str, dict[str, int]]:
    """Return how many jobs of each kind are pending, processing and failed."""
    result: dict[str, dict[str, int]] = {}
    with reading() as session:
        for kind in KINDS:
            found = {PENDING: 0, PROCESSING: 0, FAILED: 0}
            for condition in (unfinished(kind), failed(kind)):
                rows = session.execute(select(kind.status, func.count()).where(condition).group_by(kind.status))
                found.update(iter(rows.all()))
            result[kind.__tablename__] = found
    return result


def oldest_age(kind: JobRow) -> float | None:
    """Return how many seconds the oldest job of a kind that is not through has waited; None where there is none."""
    with reading() as session:
        oldest = session.scalar(select(ASKED[kind]).where(unfinished(kind)).order_by(ASKED[kind]).limit(1))
    return round((utcnow() - oldest).total_seconds(), 3) if oldest is not None else None


def state_of(kind: JobRow) -> KindState:
    """Return how the jobs of a kind stand."""
    now = utcnow()
    oldest_seconds = oldest_age(kind)
    with reading() as session:
        found = dict(iter(session.execute(select(kind.status, func.count()).group_by(kind.status)).all()))
        lately = session.scalar(
            select(func.count())
            .select_from(kind)
            .where(kind.status == DONE, kind.finished_at > now - timedelta(minutes=1))
        )
    return KindState(
        pending=found.get(PENDING, 0),
        processing=found.get(PROCESSING, 0),
        done=found.get(DONE, 0),
        failed=found.get(FAILED, 0),
        oldest_seconds=oldest_seconds,
        done_last_minute=lately or 0,
    )


def failed_jobs(limit: int) -> list[FailedJob]:
    """Return the jobs given up, of each kind the newest `limit`."""
    found: list[FailedJob] = []
    with reading() as session:
        for kind in KINDS:
            rows = session.execute(
                select(kind.id, kind.error, kind.attempts, kind.finished_at)
                .where(failed(kind))
                .order_by(kind.id.desc())
                .limit(limit)
            ).all()
            found += [FailedJob(kind.__tablename__, *row) for row in rows]
    return found


def retry(kind: JobRow, row_id: int | None) -> int:
    """Let one failed job, or all of the kind, be claimed anew; return how many."""
    condition = failed(kind)
    if row_id is not None:
        condition = and_(condition, kind.id == row_id)
    return _retry(kind, condition)


def retry_photos(event_id: int) -> int:
    """Let the failed photos of an event be claimed anew; return how many."""
    return _retry(Photo, and_(failed(Photo), Photo.event_id == event_id))


def _retry(kind: JobRow, condition: ColumnElement[bool]) -> int:
    with transaction() as session:
        rows = session.execute(
            update(kind)
            .where(condition)
            .values(**kind.requeue_values(finished_at=None))
            .returning(kind.id)
            .execution_options(synchronize_session=False)
        ).all()
    return len(rows)


def cancel(kind: JobRow, row_id: int) -> bool:
    """End a job that waits or is being done; whoever does it records nothing any more. Tell whether there was one."""
    with transaction() as session:
        rows = session.execute(
            update(kind)
            .where(kind.id == row_id, kind.status.in_((PENDING, PROCESSING)))
            .values(**kind.finish_values(FAILED, CANCELLED))
            .returning(kind.id)
            .execution_options(synchronize_session=False)
        ).all()
    return bool(rows)
