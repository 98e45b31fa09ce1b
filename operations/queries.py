"""SQL about samples."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, exists, func, select
from sqlalchemy.orm import Session

from models import Sample


def is_sampled(session: Session, minute: int) -> bool:
    """Tell whether that minute has its sample."""
    return bool(session.scalar(select(exists().where(Sample.minute == minute))))


def last_seen(session: Session, machine: str, since: int) -> Row[int, int] | None:
    """Return what the counters of a machine showed at its last sample after minute `since`: requests and errors."""
    return session.execute(
        select(Sample.requests_seen, Sample.errors_seen)
        .where(Sample.machine == machine, Sample.minute > since)
        .order_by(Sample.minute.desc())
        .limit(1)
    ).one_or_none()


def delete_samples_before(session: Session, before: int) -> None:
    """Delete the samples of the minutes before that one."""
    session.execute(delete(Sample).where(Sample.minute < before))


def points(session: Session, since: int, step: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the samples after minute `since`, `step` minutes to a point, oldest first.

    Of each point the last minute, the highest counts, depth and age, and all requests and errors.
    """
    highest = (Sample.minute, Sample.guests, Sample.selfies, Sample.photos, Sample.matches)
    highest_queue = (Sample.queue_depth, Sample.queue_age_seconds)
    point = Sample.minute // step
    return session.execute(
        select(
            *(func.max(column) for column in (*highest, *highest_queue)),
            func.sum(Sample.requests),
            func.sum(Sample.errors),
        )
        .where(Sample.minute > since)
        .group_by(point)
        .order_by(point)
    ).all()
