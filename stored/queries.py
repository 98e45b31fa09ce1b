"""SQL about the installation and about erasures."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models import Erasure, ErasureReceipt, Installation


def _insert(session: Session, table: type[Erasure] | type[Installation]) -> Any:
    """Return an INSERT that knows ON CONFLICT, for the session's database."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


# --- the installation ------------------------------------------------------------------------------


def installation(session: Session) -> Installation | None:
    """Return the row of this installation, or None before the first start."""
    return session.get(Installation, Installation.ONLY)


def add_installation(session: Session, uuid: str) -> None:
    """Give the database an id unless it has one."""
    values = {"id": Installation.ONLY, "uuid": uuid}
    session.execute(_insert(session, Installation).values(**values).on_conflict_do_nothing())


# --- erasures --------------------------------------------------------------------------------------


def add_erasures(
    session: Session, keys: Sequence[str], now: datetime, *, late: bool, erased_at: datetime | None = None
) -> None:
    """Record that these files are to be erased; a key that is recorded already is to be erased again.

    With `erased_at`, as if they had been erased at that time: `late` ones are due once more, and not before that.
    """
    if keys:
        statement = _insert(session, Erasure)
        again = {"requested_at": now, "erased_at": erased_at, "late": late}
        session.execute(
            statement.on_conflict_do_update(index_elements=["key"], set_=again),
            [{"key": key, **again} for key in sorted(keys)],
        )


def due_erasures(session: Session, erased_before: datetime, limit: int) -> Sequence[str]:
    """Return keys whose files are not erased yet, or were erased before that time and may have been written again."""
    return session.scalars(
        select(Erasure.key)
        .where(or_(Erasure.erased_at.is_(None), Erasure.erased_at < erased_before))
        .order_by(Erasure.key)
        .limit(limit)
    ).all()


def end_erasures(session: Session, keys: Sequence[str], now: datetime, erased_before: datetime) -> None:
    """Note that these files are gone: keep the rows of late ones until their second time, delete the others."""
    named = Erasure.key.in_(keys)
    session.execute(delete(Erasure).where(named, or_(Erasure.late.is_(False), Erasure.erased_at < erased_before)))
    session.execute(update(Erasure).where(named, Erasure.erased_at.is_(None)).values(erased_at=now))


def erasures_among(session: Session, keys: Sequence[str]) -> set[str]:
    """Return those of `keys` that are recorded as to be erased."""
    return set(session.scalars(select(Erasure.key).where(Erasure.key.in_(keys))))


def count_waiting(session: Session) -> int:
    """Return the number of files that are to be erased and may still be there."""
    statement = select(func.count()).select_from(Erasure).where(Erasure.erased_at.is_(None))
    return session.scalar(statement) or 0


# --- receipts --------------------------------------------------------------------------------------


def receipts_to_log(session: Session, limit: int) -> Sequence[ErasureReceipt]:
    """Return receipts whose line in the log of erasures may be missing, the oldest first."""
    waiting = select(ErasureReceipt).where(ErasureReceipt.digests.is_not(None))
    return session.scalars(waiting.order_by(ErasureReceipt.erased_at).limit(limit)).all()


def end_receipts(session: Session, numbers: Sequence[str]) -> None:
    """Forget what was erased: the lines of these receipts are on disk."""
    session.execute(update(ErasureReceipt).where(ErasureReceipt.number.in_(numbers)).values(digests=None))
