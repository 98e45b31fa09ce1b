"""A bounded, thread-safe cache with expiry and one loader per key at a time. Imports nothing of the application."""

import random
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cachetools import TLRUCache

Value = TypeVar("Value")
# Share by which lifetimes vary, so that entries made together do not expire together.
JITTER = 0.1


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """The look-ups of a cache since the process started, and its entries now."""

    hits: int
    misses: int
    entries: int

    @property
    def hit_rate(self) -> float:
        """Hits per look-up, 0 to 1; 0 without look-ups."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else 0.0


@dataclass(slots=True)
class _Entry(Generic[Value]):
    value: Value
    lifetime: float


class TTLCache(Generic[Value]):
    """A cache of at most `size` values, each for `ttl` seconds, or `negative_ttl` if `is_negative` is true for it.

    `ttl` may be a function from the value to its seconds. Lifetimes are up to 10 % shorter, at random.
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
        """Return the value of `key`. On a miss one thread calls `load`; others that ask for `key` wait."""
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
                    # Loaded before an invalidation, it may be stale: return it, do not cache it.
                    if generation == self._generation:
                        self._entries[key] = _Entry(value, self._lifetime(value))
                return value
            finally:
                with self._lock:
                    self._loading.pop(key, None)

    def invalidate(self, key: Hashable) -> None:
        """Drop `key`. Loads that are running are not cached."""
        with self._lock:
            self._generation += 1
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Drop all entries. Loads that are running are not cached."""
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
