"""SQL about samples, and of counts that no other folder needs."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, exists, func, select, update
from sqlalchemy.orm import Session

from metrics import Answered
from models import FaceMatch, Sample


def is_sampled(session: Session, minute: int) -> bool:
    """Return whether that minute has its sample."""
    return bool(session.scalar(select(exists().where(Sample.minute == minute))))


def last_counters(session: Session, machine: str, since: int) -> Answered | None:
    """Return the counters of a machine at its last sample after minute `since`."""
    row = session.execute(
        select(Sample.requests_seen, Sample.errors_seen)
        .where(Sample.machine == machine, Sample.minute > since)
        .order_by(Sample.minute.desc())
        .limit(1)
    ).one_or_none()
    return Answered(*row) if row is not None else None


def raise_peak(session: Session, minute: int, depth: int, age_seconds: float) -> None:
    """Raise the queue depth and the age of that minute's sample to these, where they are lower."""
    for column, value in ((Sample.queue_depth, depth), (Sample.queue_age_seconds, age_seconds)):
        lower = update(Sample).where(Sample.minute == minute, column < value)
        session.execute(lower.values({column: value}).execution_options(synchronize_session=False))


def count_guests_matched(session: Session) -> int:
    """Return how many guests were recognised in at least one photo."""
    people = select(func.count(FaceMatch.user_id.distinct())).where(FaceMatch.declared.is_(False))
    return session.scalar(people) or 0


def delete_samples_before(session: Session, minute: int) -> None:
    """Delete the samples of the minutes before that one."""
    session.execute(delete(Sample).where(Sample.minute < minute))


def points(session: Session, since: int, step: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the samples after minute `since`, each `step` minutes as one row, the oldest first.

    A row has the columns of `Sample` by name: the last minute; the highest counts, queue depth and age; the sums of
    requests and errors.
    """
    highest = (
        Sample.minute,
        Sample.guests,
        Sample.selfies,
        Sample.photos,
        Sample.matches,
        Sample.queue_depth,
        Sample.queue_age_seconds,
    )
    sums = (Sample.requests, Sample.errors)
    point = Sample.minute // step
    return session.execute(
        select(
            *(func.max(column).label(column.key) for column in highest),
            *(func.sum(column).label(column.key) for column in sums),
        )
        .where(Sample.minute > since)
        .group_by(point)
        .order_by(point)
    ).all()
