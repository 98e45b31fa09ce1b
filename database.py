"""The database engine and its sessions: the only place that commits.

Two kinds of session, both opened and closed inside one thread. `reading()` never writes; `transaction()` commits
when its block ends without an error. A request holds a connection only within such a block, never across the
body's upload, hashing or decoding, nor from one thread to the next: so as many connections as threads are enough,
and no request waits for one while holding another.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from settings import Settings, UnsafeSettings, get_settings

SQLITE_BUSY_SECONDS = 30

_lock = threading.Lock()
_engine: Engine | None = None


def _prepare_sqlite(engine: Engine) -> None:
    """Foreign keys, a write-ahead log, and transactions that begin as their session asks.

    The driver's own way to begin is off: deferred transactions that read and then write meet "database is locked"
    whatever the timeout. Writers begin IMMEDIATE and queue.
    """

    @event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_SECONDS * 1000}")
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: a commit survives a power cut, as the answer that follows it promises.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # Erased embeddings and names are overwritten in the file, not only unlinked.
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        kind = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {kind}")


def make_engine(settings: Settings) -> Engine:
    """Return a new engine for `settings.database_url`.

    Raises:
        UnsafeSettings: the URL is not one that SQLAlchemy understands.
    """
    try:
        url = make_url(settings.database_url)
        options: dict[str, Any] = {
            "pool_size": settings.db_pool_size,
            "max_overflow": settings.db_max_overflow,
            "pool_recycle": settings.db_pool_recycle,
            "pool_timeout": settings.db_pool_timeout,
        }
        if url.get_backend_name() == "sqlite":
            options["connect_args"] = {"check_same_thread": False, "timeout": SQLITE_BUSY_SECONDS}
        else:
            options["pool_pre_ping"] = True
        engine = create_engine(url, **options)
    except (ArgumentError, ModuleNotFoundError, TypeError) as error:
        raise UnsafeSettings(f"DATABASE_URL cannot be used: {error}") from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    return engine


def get_engine() -> Engine:
    """Return this process's engine, made at its first use."""
    global _engine
    with _lock:
        if _engine is None:
            _engine = make_engine(get_settings())
        return _engine


def forget_engine(*, close: bool = True) -> None:
    """Drop this process's engine. After a fork pass `close=False`: the connections are the parent's."""
    global _engine
    with _lock:
        if _engine is not None:
            _engine.dispose(close=close)
        _engine = None


@contextmanager
def reading() -> Iterator[Session]:
    """A session that only reads. Objects stay usable after it closed."""
    with Session(get_engine(), expire_on_commit=False, autoflush=False) as session:
        yield session


@contextmanager
def transaction() -> Iterator[Session]:
    """A session that writes: commits at the end of the block, rolls back on any error."""
    engine = get_engine().execution_options(sqlite_begin="IMMEDIATE")
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


def ping() -> None:
    """Ask the database for one row.

    Raises:
        SQLAlchemyError: it does not answer.
    """
    with reading() as session:
        session.execute(text("SELECT 1"))


def pool_state() -> dict[str, int]:
    """Return this process's pool: `size`, `checked_out` (connections in use) and `overflow` (beyond the size)."""
    pool: Any = get_engine().pool
    return {
        "size": pool.size(),
        "checked_out": pool.checkedout(),
        "overflow": max(0, pool.overflow()),
    }
