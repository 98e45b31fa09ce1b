"""SQL about tickets: how many wait, and how many jobs could be claimed by them."""

from datetime import datetime

from sqlalchemy import column, func, literal_column, or_, select, table
from sqlalchemy.orm import Session

from jobs.kinds import JobRow
from jobs.queue import claimable as is_claimable

# An arbitrary key for advisory locks; `migrations/env.py` and `add_performance_indexes.py` use others.
ADVISORY_LOCK = 7_281_940
_TICKETS = table("procrastinate_jobs", column("queue_name"), column("status"), column("scheduled_at"))


def waiting_tickets(session: Session) -> dict[str, int]:
    """Return how many tickets of each queue can be fetched now."""
    due = or_(_TICKETS.c.scheduled_at.is_(None), _TICKETS.c.scheduled_at <= func.now())
    statement = (
        select(_TICKETS.c.queue_name, func.count())
        .where(_TICKETS.c.status == literal_column("'todo'"), due)
        .group_by(_TICKETS.c.queue_name)
    )
    return dict(iter(session.execute(statement).tuples()))


def claimable(session: Session, kind: JobRow, now: datetime, most: int) -> int:
    """Return how many jobs of a kind can be claimed, counted up to `most`."""
    found = select(kind.id).where(is_claimable(kind, now)).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def lock_check(session: Session) -> bool:
    """Lock the check for missing tickets until the transaction ends; return False if another process holds it."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(ADVISORY_LOCK))))
