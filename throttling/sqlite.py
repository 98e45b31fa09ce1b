"""A storage for the library `limits` in a small SQLite file that all processes of one machine share.

The file holds nothing durable: it may be deleted at any time, and a damaged or full one is replaced by an empty one.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from limits.storage import MovingWindowSupport, Storage

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
PRAGMA max_page_count = 16384;
CREATE TABLE IF NOT EXISTS counters (key TEXT PRIMARY KEY, value INTEGER NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    key TEXT NOT NULL, at REAL NOT NULL, amount INTEGER NOT NULL, expires REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS counters_expires ON counters (expires);
CREATE INDEX IF NOT EXISTS entries_key ON entries (key, at);
CREATE INDEX IF NOT EXISTS entries_expires ON entries (expires);
"""
INCREMENT = """
INSERT INTO counters (key, value, expires) VALUES (:key, :amount, :now + :expiry)
ON CONFLICT (key) DO UPDATE SET
    value = CASE WHEN expires <= :now THEN excluded.value ELSE value + excluded.value END,
    expires = CASE WHEN expires <= :now THEN excluded.expires ELSE expires END
RETURNING value
"""
ACQUIRE = """
INSERT INTO entries (key, at, amount, expires)
SELECT :key, :now, :amount, :now + :expiry
WHERE (SELECT coalesce(sum(amount), 0) FROM entries WHERE key = :key AND at >= :now - :expiry) + :amount <= :limit
RETURNING at
"""
WINDOW = "SELECT min(at), coalesce(sum(amount), 0) FROM entries WHERE key = :key AND at >= :now - :expiry"
# Seconds that a call waits for another process to write. A write takes microseconds.
BUSY_SECONDS = 0.1
# Every so many writes delete up to twice as many expired rows: the file stops growing without a pause for anybody.
PURGE_EVERY = 100
PURGE = (
    "DELETE FROM counters WHERE rowid IN (SELECT rowid FROM counters WHERE expires <= :now LIMIT :most)",
    "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE expires <= :now LIMIT :most)",
)


def is_busy(error: BaseException | None) -> bool:
    """Tell whether an error only says that another process was writing."""
    code = getattr(error, "sqlite_errorcode", 0) or 0
    return isinstance(error, sqlite3.Error) and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class SqliteStorage(Storage, MovingWindowSupport):
    """Counters with an expiry (fixed windows) and lists of moments (moving windows), by key.

    One connection per process, opened at the first call, so never before a fork.
    """

    STORAGE_SCHEME = None

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """`clock` returns seconds since 1970."""
        super().__init__(wrap_exceptions=True)
        self.path, self.clock = path, clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._owner = self._inode = self._writes = 0

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """What a caller gets as `limits.errors.StorageError`."""
        return (sqlite3.Error, OSError)

    # --- the library's methods ---------------------------------------------------------------------

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a counter and return it; one that is new or has expired begins at 0 and lives `expiry` seconds."""
        return int(self._write(INCREMENT, key=key, expiry=expiry, amount=amount)[0][0])

    def get(self, key: str) -> int:
        """Return a counter; 0 if there is none."""
        rows = self._run("SELECT value FROM counters WHERE key = :key AND expires > :now", key=key)
        return int(rows[0][0]) if rows else 0

    def get_expiry(self, key: str) -> float:
        """Return when a counter expires; now if there is none."""
        rows = self._run("SELECT max(expires, :now) FROM counters WHERE key = :key", key=key)
        return float(rows[0][0]) if rows else self.clock()

    def check(self) -> bool:
        """Tell whether the file can be used."""
        try:
            self._run("SELECT count(*) FROM counters WHERE key = ''")
        except self.base_exceptions:
            return False
        return True

    def reset(self) -> int:
        """Delete everything and return how many counters and lists there were."""
        counted = self._write("DELETE FROM counters RETURNING key")
        listed = {row[0] for row in self._write("DELETE FROM entries RETURNING key")}
        return len(counted) + len(listed)

    def clear(self, key: str) -> None:
        """Delete the counter and the list of a key."""
        self._write("DELETE FROM counters WHERE key = :key", key=key)
        self._write("DELETE FROM entries WHERE key = :key", key=key)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Add to a list, unless the last `expiry` seconds would then hold more than `limit`; tell whether it did."""
        return bool(self._write(ACQUIRE, key=key, limit=limit, expiry=expiry, amount=amount))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return the oldest moment in the last `expiry` seconds (now if there is none), and how many there are."""
        start, count = self._run(WINDOW, key=key, expiry=expiry)[0]
        return (float(start), int(count)) if count else (self.clock(), 0)

    # --- the file ----------------------------------------------------------------------------------

    def _write(self, statement: str, **values: Any) -> Sequence[Any]:
        rows = self._run(statement, **values)
        self._writes += 1
        if self._writes % PURGE_EVERY == 0:
            for each in PURGE:
                self._run(each, most=2 * PURGE_EVERY)
        return rows

    def _run(self, statement: str, **values: Any) -> Sequence[Any]:
        """Run one statement, which is one transaction; replace a damaged file once."""
        values["now"] = self.clock()
        with self._lock:
            try:
                return self._connected().execute(statement, values).fetchall()
            except sqlite3.Error as error:
                if is_busy(error):
                    raise
                self._replace()
                return self._connected().execute(statement, values).fetchall()

    def _connected(self) -> sqlite3.Connection:
        """Return this process's connection to the file that is there now: it may have been deleted meanwhile."""
        if self._connection is not None and self._owner == os.getpid() and self._inode == self._inode_there():
            return self._connection
        self._forget()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._inode, self._owner = self._inode_there(), os.getpid()
        self._connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection.executescript(SCHEMA)
        return self._connection

    def _inode_there(self) -> int:
        try:
            return self.path.stat().st_ino
        except FileNotFoundError:
            return 0

    def _forget(self) -> None:
        """Drop the connection. One inherited by a fork is left open: closing it would end the parent's locks."""
        if self._connection is not None and self._owner == os.getpid():
            self._connection.close()
        elif self._connection is not None:
            _inherited.append(self._connection)
        self._connection = None

    def _replace(self) -> None:
        """Delete the file, unless another process has replaced it already."""
        mine = self._inode
        self._forget()
        if mine == self._inode_there():
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)


_inherited: list[sqlite3.Connection] = []
