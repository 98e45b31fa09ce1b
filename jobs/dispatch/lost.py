"""Rows without a ticket: of a process that died, of another release, of the other engine, or restored."""

from database import reading, transaction
from jobs import queue
from jobs.dispatch import queries
from models import utcnow
from tickets import deferring


def defer_missing() -> int:
    """Defer the tickets that claimable rows lack; return how many.

    A ticket too many does no harm: it finds nothing to claim.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    kinds = queue.claimable_kinds()
    if not kinds:
        return 0
    with reading() as session:
        waiting = queries.waiting_tickets(session)
        missing = {
            kind.__tablename__: queries.claimable(session, kind, utcnow(), deferring.MAX_TICKETS)
            - waiting.get(kind.__tablename__, 0)
            for kind in kinds
        }
    if all(number <= 0 for number in missing.values()):
        return 0
    with transaction() as session:
        if not queries.lock_check(session):
            # Another process is adding the same ones.
            return 0
        for table, number in missing.items():
            deferring.add(session.connection(), table, number)
    return sum(max(0, number) for number in missing.values())
