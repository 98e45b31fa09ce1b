"""Receipts of what was erased because its time was over: numbers and times, nothing of a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from database import reading
from ending import queries
from models import EndReceipt


@dataclass(frozen=True, slots=True)
class ReceiptList:
    """One page of receipts, newest first, the number of all, and the cursor of the next page."""

    rows: Sequence[EndReceipt]
    total: int
    next_cursor: str | None


def add(session: Session, kind: str, event_id: int | None, now: datetime, counts: dict[str, int]) -> None:
    """Add what this transaction erases to the receipt of the erasure under way; begin one if there is none."""
    receipt = queries.open_receipt(session, kind, event_id)
    if receipt is None:
        session.add(EndReceipt(kind=kind, event_id=event_id, counts=counts, begun_at=now))
        return
    names = receipt.counts.keys() | counts.keys()
    # A new object: a change within it would not be seen.
    receipt.counts = {name: receipt.counts.get(name, 0) + counts.get(name, 0) for name in sorted(names)}


def newest(limit: int, before: int | None = None, event_id: int | None = None) -> ReceiptList:
    """Return receipts, newest first: those with an id below `before`, of one event or of all."""
    with reading() as session:
        rows = queries.receipts(session, limit, before, event_id)
        cursor = str(rows[-1].id) if len(rows) == limit else None
        return ReceiptList(rows, queries.count_receipts(session), cursor)
