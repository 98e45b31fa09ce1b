"""What an admin or photographer does with jobs: retry failed ones, cancel unfinished ones."""

from sqlalchemy import ColumnElement, and_, update

from database import transaction
from jobs.kinds import JobRow, failed
from jobs.queue import failing
from models import FAILED, PENDING, PROCESSING, Photo

CANCELLED = "cancelled"


def retry(kind: JobRow, row_id: int | None) -> int:
    """Queue one failed job again, or with None all failed jobs of the kind; return how many."""
    condition = failed(kind)
    if row_id is not None:
        condition = and_(condition, kind.id == row_id)
    return _retry(kind, condition)


def retry_photos(event_id: int) -> int:
    """Queue the failed photos of an event again; return how many."""
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
    """End an unfinished job as failed; return False if there is none with this id.

    An attempt that is under way continues, but its claim is no longer current: it records nothing.
    """
    with transaction() as session, failing(session, kind, row_id):
        rows = session.execute(
            update(kind)
            .where(kind.id == row_id, kind.status.in_((PENDING, PROCESSING)))
            .values(**kind.finish_values(FAILED, CANCELLED))
            .returning(kind.id)
            .execution_options(synchronize_session=False)
        ).all()
    return bool(rows)
