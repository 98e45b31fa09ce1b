"""A bounded, thread-safe cache whose entries age; one loader per key at a time. Knows no domain."""

import random
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cachetools import TLRUCache

Value = TypeVar("Value")
JITTER = 0.1


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What a cache did since the process started."""

    hits: int
    misses: int
    entries: int

    @property
    def hit_rate(self) -> float:
        """Hits among all look-ups, 0 to 1."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


@dataclass(slots=True)
class _Entry(Generic[Value]):
    value: Value
    lifetime: float


class TTLCache(Generic[Value]):
    """Keeps at most `size` values for `ttl` seconds each, or `negative_ttl` where `is_negative` says so.

    A `ttl` that is a function gives the seconds for a value. Lifetimes vary by 10 %, so that entries made together
    do not expire together.
    """

    def __init__(
        self,
        *,
        size: int,
        ttl: float | Callable[[Value], float],
        negative_ttl: float | None = None,
        is_negative: Callable[[Value], bool] = lambda value: value is None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl, self._negative_ttl, self._is_negative = ttl, negative_ttl, is_negative
        self._entries: TLRUCache[Hashable, _Entry[Value]] = TLRUCache(
            maxsize=size, ttu=lambda _key, entry, now: now + entry.lifetime, timer=clock
        )
        self._lock = threading.Lock()
        self._loading: dict[Hashable, threading.Lock] = {}
        self._generation = 0
        self._hits = self._misses = 0

    def get(self, key: Hashable, load: Callable[[], Value]) -> Value:
        """Return the value of `key`; on a miss `load` makes it, once however many ask at the same time."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._hits += 1
                return entry.value
            gate = self._loading.setdefault(key, threading.Lock())
        with gate:
            with self._lock:
                entry = self._entries.get(key)
                if entry is not None:
                    self._hits += 1
                    return entry.value
                self._misses += 1
                generation = self._generation
            try:
                value = load()
                with self._lock:
                    # What was read before an invalidation may be what it was about: use it once, keep it not.
                    if generation == self._generation:
                        self._entries[key] = _Entry(value, self._lifetime(value))
                return value
            finally:
                with self._lock:
                    self._loading.pop(key, None)

    def invalidate(self, key: Hashable) -> None:
        """Forget `key`, also for a load of it that is under way."""
        with self._lock:
            self._generation += 1
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._generation += 1
            self._entries.clear()

    def info(self) -> CacheInfo:
        """Return the counts so far."""
        with self._lock:
            return CacheInfo(self._hits, self._misses, len(self._entries))

    def _lifetime(self, value: Value) -> float:
        negative = self._negative_ttl is not None and self._is_negative(value)
        chosen = self._negative_ttl if negative and self._negative_ttl is not None else self._ttl
        base = chosen(value) if callable(chosen) else chosen
        return base * (1 - JITTER * random.random())
