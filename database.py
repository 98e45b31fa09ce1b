"""The database engine and its sessions. No other module commits.

Two kinds of session, each opened and closed within one thread: `reading()` never writes, `transaction()` commits when
its block ends without an error. A request holds a connection only inside such a block: not while its body is
received, hashed or decoded, and not while it changes from one thread to another. So a pool with one connection per
thread is enough, and no request waits for a connection while it holds another.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

import clock
import postgresql
from settings import Settings, UnsafeSettings, get_settings

SQLITE_BUSY_SECONDS = 30
AFTER_COMMIT = "after commit"
# Left to the operator's shell, the master process at its start, and child processes of jobs that crashed.
CONNECTIONS_LEFT_OVER = 5
# Per worker, beside its pool: the one that listens for changes (`changes/listener.py`).
LISTENING_CONNECTIONS = 1
# Per worker: one each for requests, the inference thread and its heartbeat.
MIN_CONNECTIONS = 3
# Of Procrastinate's worker, beside the pool: `tickets.app.POOL_SIZE`, and one for LISTEN.
TICKET_CONNECTIONS = 3


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """The connections one process may open: `size` that stay open, and `overflow` that close after use.

    `notice` is a line for the log if the settings ask for more than the server gives, else None.
    """

    size: int
    overflow: int
    notice: str | None = None

    @property
    def connections(self) -> int:
        """The most connections that are open at once."""
        return self.size + self.overflow


_lock = threading.Lock()
_engine: Engine | None = None
_fitted_pool: PoolLimits | None = None


def _prepare_sqlite(engine: Engine) -> None:
    """Turn on foreign keys and the write-ahead log, and let each session choose how its transaction begins.

    The driver's own BEGIN is turned off. A deferred transaction that reads and then writes fails with "database is
    locked", however long the timeout; so transactions that write begin IMMEDIATE, and wait for each other.
    """

    @event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_SECONDS * 1000}")
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: a commit survives a power cut, which the answer after it promises.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # Deleted embeddings and names are overwritten in the file, not only unlinked.
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql(f"BEGIN {options.get('sqlite_begin', 'DEFERRED')}")


def compare_clocks(engine: Engine) -> None:
    """Correct this process's clock by that of PostgreSQL; does nothing with SQLite.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            asked_at = clock.own()
            reference = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
            clock.note_reference(asked_at, reference, clock.own())


def make_engine(settings: Settings, pool: PoolLimits | None = None) -> Engine:
    """Return a new engine for `settings.database_url`; without `pool`, with the pool that the settings ask for.

    Raises:
        UnsafeSettings: SQLAlchemy cannot parse the URL, or has no driver for it.
    """
    limits = pool or PoolLimits(settings.db_pool_size, settings.db_max_overflow)
    try:
        url = make_url(settings.database_url)
        options: dict[str, Any] = {
            "pool_size": limits.size,
            "max_overflow": limits.overflow,
            "pool_recycle": settings.db_pool_recycle,
            "pool_timeout": settings.db_pool_timeout,
        }
        if url.get_backend_name() == "sqlite":
            options["connect_args"] = {"check_same_thread": False, "timeout": SQLITE_BUSY_SECONDS}
        else:
            options["pool_pre_ping"] = True
            wanted = postgresql.libpq_parameters(settings.db_dead_seconds)
            options["connect_args"] = {name: value for name, value in wanted.items() if name not in url.query}
        engine = create_engine(url, **options)
    except (ArgumentError, ModuleNotFoundError, TypeError) as error:
        raise UnsafeSettings(f"DATABASE_URL cannot be used: {error}") from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        postgresql.prepare(engine, settings.db_dead_seconds)
    return engine


def get_engine() -> Engine:
    """Return this process's engine; the first call makes it."""
    global _engine
    with _lock:
        if _engine is None:
            _engine = make_engine(get_settings(), pool_limits())
            if get_settings().dispatches_by_tickets:
                _tickets().watch(_engine)
        return _engine


def _tickets() -> ModuleType:
    """Return `tickets.deferring`, imported only where it is used: Procrastinate takes 13 MB and 0.15 s."""
    from tickets import deferring

    return deferring


def forget_engine(*, close: bool = True) -> None:
    """Drop this process's engine. After a fork pass `close=False`: the connections belong to the parent."""
    global _engine
    with _lock:
        if _engine is not None:
            _engine.dispose(close=close)
        _engine = None
    clock.forget()
    postgresql.forget()


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session that only reads. Its objects stay usable after it is closed."""
    with Session(get_engine(), expire_on_commit=False, autoflush=False) as session:
        yield session


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a session that writes: it commits at the end of the block, or rolls back on any error."""
    engine = get_engine().execution_options(sqlite_begin="IMMEDIATE")
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
        if get_settings().dispatches_by_tickets:
            session.flush()
            _tickets().defer(session.connection())
    for action in session.info.pop(AFTER_COMMIT, ()):
        action()


def after_commit(session: Session, action: Callable[[], object]) -> None:
    """Call `action` once the session's transaction has committed and its connection is free; never after an error."""
    session.info.setdefault(AFTER_COMMIT, []).append(action)


# --- the pool ------------------------------------------------------------------------------------


def connection_limit() -> int | None:
    """Return how many connections this role may open to this database at once, or None without a limit.

    There is none with SQLite; a pooler before PostgreSQL has limits of its own.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    if get_engine().dialect.name != "postgresql":
        return None
    with reading() as session:
        session.connection()
        if postgresql.is_pooled():
            return None
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
        # -1 means no limit.
        return min([int(shared), *(int(each) for each in own if each >= 0)])


def fit_pool(settings: Settings, limit: int | None) -> PoolLimits:
    """Return the settings' pool, reduced so that all workers together open at most `limit` connections.

    The overflow is reduced first, then the size.

    Raises:
        UnsafeSettings: each worker would get fewer than `MIN_CONNECTIONS`.
    """
    workers, size, overflow = settings.gunicorn_workers, settings.db_pool_size, settings.db_max_overflow
    if limit is None:
        return PoolLimits(size, overflow)
    share = (limit - CONNECTIONS_LEFT_OVER) // workers - LISTENING_CONNECTIONS
    if settings.dispatches_by_tickets:
        share -= TICKET_CONNECTIONS
    if share < MIN_CONNECTIONS:
        raise UnsafeSettings(
            f"the database gives {limit} connections, too few for GUNICORN_WORKERS={workers}: "
            f"each needs {MIN_CONNECTIONS + LISTENING_CONNECTIONS}, and {CONNECTIONS_LEFT_OVER} are kept free. "
            "Lower GUNICORN_WORKERS or raise max_connections."
        )
    if size + overflow <= share:
        return PoolLimits(size, overflow)
    fitted_size = min(size, share)
    fitted_overflow = share - fitted_size
    return PoolLimits(
        fitted_size,
        fitted_overflow,
        f"the database gives {limit} connections: each of {workers} workers opens at most "
        f"{fitted_size} + {fitted_overflow}, not {size} + {overflow}",
    )


def use_pool(pool: PoolLimits) -> None:
    """Let this process, and the processes forked from it, make their engines with this pool."""
    global _fitted_pool
    _fitted_pool = pool


def pool_limits() -> PoolLimits:
    """Return the pool given to `use_pool`, or else the pool that the settings ask for."""
    settings = get_settings()
    return _fitted_pool or PoolLimits(settings.db_pool_size, settings.db_max_overflow)


def pool_state() -> dict[str, int]:
    """Return this process's pool: `size`, `checked_out` (connections in use) and `overflow` (beyond the size)."""
    pool: Any = get_engine().pool
    return {
        "size": pool.size(),
        "checked_out": pool.checkedout(),
        "overflow": max(0, pool.overflow()),
    }
