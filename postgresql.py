"""What a connection to PostgreSQL gets when it is opened: limits for cut links, and what a pooler needs."""

import logging
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

import clock

log = logging.getLogger("reperio")
# A transaction of ours waits for nothing but the database; the longest, a first match of many faces, takes 10 s.
IDLE_SECONDS = 60

_pooled = False


def libpq_parameters(seconds: int) -> dict[str, int]:
    """Return libpq's parameters that end a connection whose server does not answer for so long: a link was cut."""
    return {
        "connect_timeout": min(10, seconds),
        "tcp_user_timeout": seconds * 1000,
        "keepalives_idle": max(1, seconds // 3),
        "keepalives_interval": max(1, seconds // 3),
        "keepalives_count": 2,
    }


def prepare(engine: Engine, seconds: int) -> None:
    """Fit each new connection to what is at its other end, the server or a pooler such as PgBouncer.

    The answer also corrects the clock of this process. A pooler that lends a server's connection for each transaction
    knows neither prepared statements nor what `SET` changes. It gives itself away by a process id other than the
    server's.
    """

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: ConnectionPoolEntry) -> None:
        connection.autocommit = True
        cursor = connection.cursor()
        try:
            asked_at = clock.own()
            cursor.execute("SELECT pg_backend_pid(), clock_timestamp()")
            pid, reference = cursor.fetchone()
            clock.note_reference(asked_at, reference, clock.own())
            if pid != connection.info.backend_pid:
                _note_pooler()
                # Of psycopg 3; psycopg2 prepares nothing.
                connection.prepare_threshold = None
            else:
                _let_the_server_end_what_is_cut_off(cursor, seconds)
        finally:
            cursor.close()
            connection.autocommit = False


def _let_the_server_end_what_is_cut_off(cursor: Any, seconds: int) -> None:
    """Let the server end this session, and so its locks, soon after this machine is cut off or stops in the middle.

    With a pooler in between, operators set the same with `ALTER ROLE … SET`: docs/deploy.md.
    """
    third = max(1, seconds // 3)
    wanted = {
        "tcp_keepalives_idle": third,
        "tcp_keepalives_interval": third,
        "tcp_keepalives_count": 2,
        "tcp_user_timeout": seconds * 1000,
        "idle_in_transaction_session_timeout": max(IDLE_SECONDS, 2 * seconds) * 1000,
    }
    chosen = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in wanted.items())
    cursor.execute(f"SELECT {chosen}")


def _note_pooler() -> None:
    global _pooled
    if not _pooled:
        log.info("a pooler stands before the database: no statement is prepared, and nothing is set for a session")
    _pooled = True


def is_pooled() -> bool:
    """Return whether a pooler stands between this process and the database, once there was a connection."""
    return _pooled


def forget() -> None:
    """Forget what stands before the database: the next connection tells."""
    global _pooled
    _pooled = False
