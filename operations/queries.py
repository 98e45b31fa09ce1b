"""SQL about samples, and of counts that no other folder needs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, exists, func, select, update
from sqlalchemy.orm import Session

from metrics import Answered
from models import FaceMatch, MachineCounter, RunningProcess, Sample


def is_sampled(session: Session, minute: int) -> bool:
    """Return whether that minute has its sample."""
    return bool(session.scalar(select(exists().where(Sample.minute == minute))))


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


def live_processes(session: Session, since: datetime) -> list[RunningProcess]:
    """Return the processes that were seen since then, the one that started first at the beginning."""
    seen = select(RunningProcess).where(RunningProcess.seen_at >= since)
    return list(session.scalars(seen.order_by(RunningProcess.started_at, RunningProcess.id)))


def delete_process(session: Session, process_id: str) -> None:
    """Delete the row of a process that ends."""
    session.execute(delete(RunningProcess).where(RunningProcess.id == process_id))


def delete_processes_before(session: Session, moment: datetime) -> None:
    """Delete the rows of processes that were last seen before that moment."""
    session.execute(delete(RunningProcess).where(RunningProcess.seen_at < moment))


def counter(session: Session, machine: str) -> MachineCounter | None:
    """Return what a machine had answered when it last counted."""
    return session.get(MachineCounter, machine)


def advance_counter(session: Session, before: MachineCounter, minute: int, seen: Answered) -> bool:
    """Record what a machine has answered by now; return False if another process has done so meanwhile."""
    unchanged = update(MachineCounter).where(
        MachineCounter.machine == before.machine, MachineCounter.minute == before.minute
    )
    done: Any = session.execute(
        unchanged.values(minute=minute, requests_seen=seen.requests, errors_seen=seen.errors).execution_options(
            synchronize_session=False
        )
    )
    return bool(done.rowcount)


def add_answered(session: Session, minute: int, increase: Answered) -> None:
    """Add requests and errors to that minute's sample."""
    added = {"requests": Sample.requests + increase.requests, "errors": Sample.errors + increase.errors}
    session.execute(
        update(Sample).where(Sample.minute == minute).values(added).execution_options(synchronize_session=False)
    )


def delete_counters_before(session: Session, minute: int) -> None:
    """Delete the counters of machines that last counted before that minute."""
    session.execute(delete(MachineCounter).where(MachineCounter.minute < minute))
