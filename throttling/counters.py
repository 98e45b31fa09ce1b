"""The counters that limits are kept in: a file of this machine, or Redis for several machines.

Counters that do not answer never refuse or slow a call: it is let through, with a line in the log and a metric.
"""

import hashlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from limits.errors import StorageError
from limits.storage import MovingWindowSupport, RedisStorage, Storage
from redis.backoff import NoBackoff
from redis.retry import Retry

from metrics import LIMITS_DOWN
from settings import Settings, get_settings
from signing import keyed_hash
from throttling.sqlite import SqliteStorage, is_busy

log = logging.getLogger("reperio.security")
Answer = TypeVar("Answer")
# Redis answers within a millisecond. One that does not is left alone for a while.
REDIS_SECONDS = 0.2
PAUSE_SECONDS = 5.0


class Counters:
    """Counts by key. Every method answers as for an unknown key while the storage does not answer."""

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.time) -> None:
        """`clock` returns seconds since 1970, as the storage's own clock."""
        self.storage, self.clock = storage, clock
        self._moving = cast(MovingWindowSupport, storage)
        self._left_alone_until = 0.0
        self._lock = threading.Lock()

    def add(self, key: str, seconds: int, amount: int = 1) -> int:
        """Add to a counter and return it. It expires `seconds` after it began."""
        return self._ask(lambda: self.storage.incr(key, seconds, amount), 0)

    def value(self, key: str) -> int:
        """Return a counter."""
        return self._ask(lambda: self.storage.get(key), 0)

    def left(self, key: str) -> float:
        """Return in how many seconds a counter expires, 0 if there is none."""
        if not self.value(key):
            return 0.0
        return max(0.0, self._ask(lambda: self.storage.get_expiry(key), 0.0) - self.clock())

    def begin(self, key: str, seconds: int) -> None:
        """Begin a counter again at 1."""
        self.clear(key)
        self.add(key, seconds)

    def clear(self, key: str) -> None:
        """Forget a key."""
        self._ask(lambda: self.storage.clear(key), None)

    def acquire(self, key: str, limit: int, seconds: int) -> bool:
        """Record a moment, unless the last `seconds` hold `limit` of them; return whether it was recorded."""
        return self._ask(lambda: self._moving.acquire_entry(key, limit, seconds), True)

    def window(self, key: str, limit: int, seconds: int) -> tuple[float, int]:
        """Return in how many seconds the oldest moment leaves the window, and how many there are."""
        start, count = self._ask(lambda: self._moving.get_moving_window(key, limit, seconds), (0.0, 0))
        return max(0.0, start + seconds - self.clock()), count

    def reset(self) -> int:
        """Forget everything and return how many keys there were."""
        return self.storage.reset() or 0

    def _ask(self, ask: Callable[[], Answer], otherwise: Answer) -> Answer:
        if time.monotonic() < self._left_alone_until:
            LIMITS_DOWN.inc()
            return otherwise
        try:
            return ask()
        except StorageError as error:
            self._note(error)
            return otherwise

    def _note(self, error: StorageError) -> None:
        LIMITS_DOWN.inc()
        cause = error.storage_error
        if is_busy(cause):
            log.warning("a call was not counted: the file of the limits was busy")
            return
        with self._lock:
            known = time.monotonic() < self._left_alone_until
            self._left_alone_until = time.monotonic() + PAUSE_SECONDS
        if not known:
            log.error("LIMITS ARE NOT ENFORCED for %.0f s: %s: %s", PAUSE_SECONDS, type(cause).__name__, cause)


_current: Counters | None = None


def counters() -> Counters:
    """Return the counters of this process; nothing is opened before the first call of a method."""
    global _current
    if _current is None:
        _current = _make(get_settings())
    return _current


def use_counters(wanted: Counters | None) -> None:
    """Make `wanted` the counters of this process; None: those of the settings, at the next call."""
    global _current
    _current = wanted


def _make(settings: Settings) -> Counters:
    if settings.rate_limit_url:
        storage: Storage = RedisStorage(
            settings.rate_limit_url,
            key_prefix="reperio",
            wrap_exceptions=True,
            # Passed on to redis, which takes an object; `limits` declares plain values only.
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
        )
        return Counters(storage)
    return Counters(SqliteStorage(file_of(settings)))


def file_of(settings: Settings) -> Path:
    """Return where the counters of this machine are: beside a storage folder, else among the temporary files.

    The name contains a digest of `DATABASE_URL`: two services on one machine do not share counters.
    """
    if settings.rate_limit_file:
        return Path(settings.rate_limit_file).absolute()
    digest = hashlib.sha256(settings.database_url.encode()).hexdigest()[:12]
    name = f"limits-{digest}.db"
    if settings.storage_url.startswith("file://"):
        return Path(settings.storage_url.removeprefix("file://")).absolute().parent / name
    return Path(tempfile.gettempdir()) / f"reperio-limits-{os.getuid()}" / name


def pseudonym(value: str) -> str:
    """Return a keyed hash: neither names nor addresses are stored or logged."""
    return keyed_hash(f"limits:{value}".encode(errors="surrogatepass")).hex()[:24]
