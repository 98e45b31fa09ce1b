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
# For the operator's shell, the master at its start, and the processes of jobs whose first one died.
CONNECTIONS_LEFT_OVER = 5
# Requests, the inference thread and its heartbeat each need one now and then.
MIN_CONNECTIONS = 3

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
        options = connection.get_execution_options()
        if options.get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql(f"BEGIN {options.get('sqlite_begin', 'DEFERRED')}")


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


def connection_limit() -> int | None:
    """Return how many connections the server gives this role and database at once; None where nobody counts.

    Raises:
        SQLAlchemyError: it does not answer.
    """
    if get_engine().dialect.name != "postgresql":
        return None
    with reading() as session:
        shared: int = session.execute(
            text(
                "SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE -setting::int END) "
                "FROM pg_settings WHERE name IN "
                "('max_connections', 'superuser_reserved_connections', 'reserved_connections')"
            )
        ).scalar_one()
        own = session.execute(
            text(
                "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user "
                "UNION ALL SELECT datconnlimit FROM pg_database WHERE datname = current_database()"
            )
        ).scalars()
        return min([int(shared), *(int(each) for each in own if each >= 0)])


def fit_pool(settings: Settings, limit: int | None) -> str | None:
    """Shrink the pool in `settings` so that all workers together stay within `limit`: the overflow, then the size.

    Returns a line for the log where something had to be lowered.

    Raises:
        UnsafeSettings: less than three connections would be left to a worker.
    """
    workers, size, overflow = settings.gunicorn_workers, settings.db_pool_size, settings.db_max_overflow
    if limit is None:
        return None
    share = (limit - CONNECTIONS_LEFT_OVER) // workers
    if share < MIN_CONNECTIONS:
        raise UnsafeSettings(
            f"the database gives {limit} connections, too few for GUNICORN_WORKERS={workers}: "
            f"each needs {MIN_CONNECTIONS}, and {CONNECTIONS_LEFT_OVER} are kept free. "
            "Lower GUNICORN_WORKERS or raise max_connections."
        )
    if size + overflow <= share:
        return None
    settings.db_pool_size = min(size, share)
    settings.db_max_overflow = share - settings.db_pool_size
    return (
        f"the database gives {limit} connections: each of {workers} workers opens at most "
        f"{settings.db_pool_size} + {settings.db_max_overflow}, not {size} + {overflow}"
    )


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
