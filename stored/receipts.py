"""Receipts of what was erased for good, and the log of erasures outside the database.

A receipt is a row: what kind of thing was erased, when, counts, and a random number; nothing of the person. It is
written in the transaction that erases. Right after its commit the same is appended to the log
(`stored/erasure_log.py`) with keyed digests of what was erased, by which `python -m privacy.reapply` finds it in a
restored backup. Until the line is on disk the row holds these digests: what a crash leaves is logged at the next
start, or within half a minute.
"""

import logging
import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from database import after_commit, reading, transaction
from models import ErasureReceipt, Event, Photo, Selfie, User, utcnow
from settings import UnsafeSettings
from stored import erasure_log, queries
from stored.erasure_log import Line

log = logging.getLogger("reperio.storage")
ACCOUNT, STAFF, EVENT, PHOTOS, SELFIES, WITHDRAWAL = "account", "staff", "event", "photos", "selfies", "withdrawal"
# The account of a guest who also asked that no guest sees the photos of them: repeated, it hides them again.
ACCOUNT_HIDING = "account-hiding"
# Photos that are gone for good; `PHOTOS` are those that were deleted, and may still be in the trash.
TRASH = "trash"
BATCH = 500


def subject_of(row: User | Event | Photo | Selfie) -> str:
    """Return the text that stands for a row: its id and when it was made, which is the same in a restored backup.

    Ids alone do not do: after a restore they are given again to what is new.
    """
    made = row.uploaded_at if isinstance(row, Photo) else row.created_at
    return subject(row.id, made)


def subject(row_id: int, made: datetime) -> str:
    """Return what `subject_of` returns, given the id of a row and when it was made."""
    return f"{row_id} {made.isoformat(timespec='microseconds')}"


def both(guest: str, event: str) -> str:
    """Return the text that stands for a guest in an event, given those of the two."""
    return f"{guest} {event}"


def leave(session: Session, kind: str, subjects: Iterable[str], **counts: int) -> None:
    """Leave a receipt of an erasure in the open transaction; its line is logged right after the commit.

    `subjects` are those of the erased rows (`subject_of`); of a withdrawal, those of guest and event (`both`).
    """
    digests = [erasure_log.digest_of(kind, each) for each in subjects]
    receipt = ErasureReceipt(
        number=secrets.token_hex(16), kind=kind, erased_at=utcnow(), counts=counts, digests=digests
    )
    session.add(receipt)
    line = _line(receipt)
    after_commit(session, lambda: _log([line]))


def _line(receipt: ErasureReceipt) -> Line:
    return Line(receipt.number, receipt.kind, receipt.erased_at, dict(receipt.counts), list(receipt.digests or ()))


def retry() -> None:
    """Log the erasures whose line may be missing."""
    while True:
        with reading() as session:
            waiting = [_line(each) for each in queries.receipts_to_log(session, BATCH)]
        if not waiting or not _log(waiting):
            return


def _log(lines: list[Line]) -> bool:
    """Append the lines and empty their receipts; return False, after a line in the log, where that must wait."""
    try:
        erasure_log.append(lines)
        with transaction() as session:
            queries.end_receipts(session, [each.number for each in lines])
    except (OSError, UnsafeSettings, SQLAlchemyError) as error:
        log.warning("erasures are logged later: %s", str(error).splitlines()[0])
        return False
    return True
