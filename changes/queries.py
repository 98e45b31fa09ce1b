"""SQL of changes: telling other processes of one, and on SQLite finding those that have been told."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text
from sqlalchemy.orm import Session

from changes.subjects import CHANNEL
from models import Change


def note_change(session: Session, subject: str) -> None:
    """Tell every process that a subject has changed, once the transaction commits."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_notify(CHANNEL, subject)))
        return
    session.execute(delete(Change).where(Change.subject == subject))
    session.execute(insert(Change).values(subject=subject))


def commits_seen(connection: Connection) -> int:
    """Return a number that another connection's commit changes (SQLite); this takes microseconds and no lock."""
    return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())


def last_number(connection: Connection) -> int:
    """Return the number of the newest change (SQLite); 0 without any."""
    return connection.execute(select(func.max(Change.number))).scalar() or 0


def changes_after(connection: Connection, number: int) -> Sequence[Any]:
    """Return number and subject of each change after this one, the oldest first (SQLite)."""
    newer = select(Change.number, Change.subject).where(Change.number > number)
    return connection.execute(newer.order_by(Change.number)).all()


def listen(connection: Connection) -> None:
    """Let a connection receive the notifications of changes (PostgreSQL)."""
    connection.execute(text(f"LISTEN {CHANNEL}"))
