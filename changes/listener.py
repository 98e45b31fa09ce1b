"""The thread that learns of committed changes, of all processes, and reports them in this one.

On PostgreSQL it has one connection of its own that LISTENs, by `LISTEN_DATABASE_URL` if that is set. On SQLite it
asks whether anything was committed, ten times a second while somebody waits, and then reads the marks.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress

import psycopg
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from changes import queries
from database import PoolLimits, make_engine, transaction
from metrics import LISTENING
from settings import Settings

log = logging.getLogger("reperio.changes")
# Gets the changed subjects; None means that any may have changed unheard.
Report = Callable[[Collection[str] | None], None]
SQLITE_SECONDS = 0.1
# How long the thread waits for notifications before it looks whether it must stop.
STEP_SECONDS = 0.5
RECONNECT_SECONDS = 1.0
# Once in this many seconds the thread sends itself a notification over another connection. If none comes back for as
# long again, the connection is broken or a pooler stands between: it connects anew.
PROBE_SECONDS = 10.0
# A connection to a host that went away without a word ends within this time.
CONNECT_ARGS = {
    "application_name": "reperio listener",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}
# A notification of the thread to itself: this word and a random text.
_PROBE = "probe "
DIRECT = "LISTEN_DATABASE_URL must lead to PostgreSQL itself, not through a pooler"


class ChangeListener:
    """Reports each committed change of any process to `report`, from a thread of its own."""

    def __init__(self, settings: Settings, report: Report) -> None:
        self._settings, self._report = settings, report
        self._callbacks: dict[str, list[Callable[[], None]]] = {}
        self._is_sqlite = settings.database_url.startswith("sqlite")
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._hears = False
        self._complained = False
        self._thread = threading.Thread(target=self._loop, name="changes", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End the thread; wait at most `timeout` seconds for it."""
        self._stopping.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def want(self, wanted: bool) -> None:
        """Say whether anybody waits: on SQLite the thread looks for changes only then."""
        if wanted:
            self._wanted.set()
        elif not self._callbacks and not self._stopping.is_set():
            self._wanted.clear()

    def on(self, subject: str, callback: Callable[[], None]) -> None:
        """Call `callback`, in the thread, after each change of `subject`, and after a time when none was heard."""
        self._callbacks.setdefault(subject, []).append(callback)
        self._wanted.set()

    def is_hearing(self) -> bool:
        """Return whether changes are heard now; while they are not, whoever waits must look from time to time."""
        return self._hears

    def _loop(self) -> None:
        listen = self._listen_sqlite if self._is_sqlite else self._listen_postgresql
        while not self._stopping.is_set():
            try:
                listen()
            except (SQLAlchemyError, psycopg.Error) as error:
                self._complain(str(getattr(error, "orig", None) or error).splitlines()[0])
            except Exception:
                # A defect of ours must not end the thread.
                log.exception("changes are not heard")
            self._set_hearing(False)
            self._stopping.wait(RECONNECT_SECONDS)

    def _set_hearing(self, hears: bool) -> None:
        self._hears = hears
        LISTENING.set(int(hears))

    def _complain(self, reason: str) -> None:
        """Log, once until it is over, that changes are not heard."""
        if not self._complained and not self._stopping.is_set():
            log.warning("changes are not heard, waiting requests look themselves every two seconds: %s", reason)
            self._complained = True

    def _tell(self, subjects: Collection[str] | None) -> None:
        self._report(subjects)
        for subject, callbacks in self._callbacks.items():
            if subjects is None or subject in subjects:
                for callback in callbacks:
                    callback()

    def _begin(self) -> None:
        """Note that changes are heard from now on. What was missed until now, those who wait must read."""
        self._set_hearing(True)
        if self._complained:
            log.info("changes are heard again")
            self._complained = False
        self._tell(None)

    # --- SQLite --------------------------------------------------------------------------------------

    def _listen_sqlite(self) -> None:
        with _sqlite_connection(self._settings) as connection:
            seen, last = queries.commits_seen(connection), queries.last_number(connection)
            self._begin()
            while not self._stopping.is_set():
                self._wanted.wait()
                commits = queries.commits_seen(connection)
                if commits != seen:
                    seen = commits
                    found = queries.changes_after(connection, last)
                    if found:
                        last = found[-1].number
                        self._tell({each.subject for each in found})
                self._stopping.wait(SQLITE_SECONDS)

    # --- PostgreSQL ----------------------------------------------------------------------------------

    def _listen_postgresql(self) -> None:
        with _postgresql_connection(self._settings) as (connection, driver):
            queries.listen(connection)
            sent, probe, came = time.monotonic(), self._send_probe(), False
            while not self._stopping.is_set():
                heard = {each.payload for each in driver.notifies(timeout=STEP_SECONDS, stop_after=1)}
                if not came and probe in heard:
                    came = True
                    if not self._hears:
                        self._begin()
                subjects = {each for each in heard if not each.startswith(_PROBE)}
                if subjects:
                    self._tell(subjects)
                if time.monotonic() - sent < PROBE_SECONDS:
                    continue
                if not came:
                    self._complain(f"no notification arrives; {DIRECT}")
                    return
                sent, probe, came = time.monotonic(), self._send_probe(), False

    def _send_probe(self) -> str:
        """Send a notification that must come back, over a connection of the pool, and return its text."""
        probe = f"{_PROBE}{uuid.uuid4().hex}"
        with transaction() as session:
            queries.note_change(session, probe)
        return probe


@contextmanager
def _sqlite_connection(settings: Settings) -> Iterator[Connection]:
    engine = make_engine(settings, PoolLimits(1, 0))
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _postgresql_connection(settings: Settings) -> Iterator[tuple[Connection, "psycopg.Connection[object]"]]:
    """A connection outside the pool, by psycopg 3, whatever driver the service uses."""
    url = make_url(settings.listen_database_url or settings.database_url).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=CONNECT_ARGS)
    try:
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the URL names psycopg
            try:
                yield connection, driver
            finally:
                with suppress(Exception):
                    connection.invalidate()
    finally:
        engine.dispose()
