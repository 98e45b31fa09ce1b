"""How many jobs are in which state, and how long they have waited."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from database import reading
from jobs.kinds import KINDS, REQUESTED_AT, JobRow, failed, unfinished
from models import DONE, FAILED, PENDING, PROCESSING, Selfie, UserEvent, utcnow


@dataclass(frozen=True, slots=True)
class KindState:
    """The jobs of one kind: counts by state, the wait of the oldest in seconds, and the jobs done per minute."""

    pending: int
    processing: int
    done: int
    failed: int
    oldest_seconds: float | None
    done_last_minute: int


def counts() -> dict[str, dict[str, int]]:
    """Return the number of pending, processing and failed jobs, by the name of the kind and by state.

    Reads partial indexes only, so its cost does not grow with the jobs that are done.
    """
    result: dict[str, dict[str, int]] = {}
    with reading() as session:
        for kind in KINDS:
            found = {PENDING: 0, PROCESSING: 0, FAILED: 0}
            for condition in (unfinished(kind), failed(kind)):
                rows = session.execute(select(kind.status, func.count()).where(condition).group_by(kind.status))
                found.update(iter(rows.all()))
            result[kind.__tablename__] = found
    return result


def guests_in_line() -> int:
    """Return how many portraits and matchings of guests are unfinished: what is done before anything else."""
    with reading() as session:
        return sum(
            session.scalar(select(func.count()).select_from(kind).where(unfinished(kind))) or 0
            for kind in (Selfie, UserEvent)
        )


# Each process asks about twice a second while it has jobs: one statement, built once.
_COUNTS = [select(func.count()).select_from(kind).where(unfinished(kind)).scalar_subquery() for kind in KINDS]
_OLDEST = [select(func.min(REQUESTED_AT[kind])).where(unfinished(kind)).scalar_subquery() for kind in KINDS]
_BACKLOG = select(*_COUNTS, *_OLDEST)


def backlog() -> tuple[int, float]:
    """Return how many jobs of all kinds are unfinished, and the age of the oldest in seconds; 0 without any."""
    with reading() as session:
        row = session.execute(_BACKLOG).one()
    oldest = min((since for since in row[len(KINDS) :] if since is not None), default=None)
    age = round((utcnow() - oldest).total_seconds(), 3) if oldest is not None else 0.0
    return sum(row[: len(KINDS)]), age


def oldest_age(kind: JobRow) -> float | None:
    """Return how many seconds the oldest unfinished job of a kind has waited, or None if there is none."""
    requested_at = REQUESTED_AT[kind]
    with reading() as session:
        oldest = session.scalar(select(requested_at).where(unfinished(kind)).order_by(requested_at).limit(1))
    return round((utcnow() - oldest).total_seconds(), 3) if oldest is not None else None


def state_of(kind: JobRow) -> KindState:
    """Return the state of all jobs of a kind; counts the whole table."""
    now = utcnow()
    oldest_seconds = oldest_age(kind)
    with reading() as session:
        found = dict(iter(session.execute(select(kind.status, func.count()).group_by(kind.status)).all()))
        done_last_minute = session.scalar(
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
        done_last_minute=done_last_minute or 0,
    )
