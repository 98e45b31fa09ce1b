"""The cache: expiry, loading a value once, and invalidation."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cache_manager import TTLCache


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def make(clock: Clock, size: int = 10) -> TTLCache[str | None]:
    return TTLCache(size=size, ttl=100, negative_ttl=10, clock=clock)


def test_a_value_is_loaded_once_and_ages() -> None:
    clock, loads = Clock(), []

    def load() -> str:
        loads.append(1)
        return "value"

    cache = make(clock)
    assert [cache.get("k", load), cache.get("k", load)] == ["value", "value"]
    clock.now = 89
    cache.get("k", load)
    assert len(loads) == 1
    clock.now = 101
    cache.get("k", load)
    assert len(loads) == 2
    assert (cache.info().hits, cache.info().misses) == (2, 2)


def test_what_was_not_there_is_asked_again_soon() -> None:
    clock = Clock()
    cache = make(clock)
    assert cache.get("k", lambda: None) is None
    clock.now = 11
    assert cache.get("k", lambda: "now it is") == "now it is"


def test_thirty_at_once_load_once() -> None:
    cache, loads, start = make(Clock()), [], threading.Barrier(30)

    def load() -> str:
        loads.append(1)
        time.sleep(0.05)
        return "value"

    def ask() -> str | None:
        start.wait()
        return cache.get("k", load)

    with ThreadPoolExecutor(30) as pool:
        answers = [each.result() for each in [pool.submit(ask) for _ in range(30)]]
    assert set(answers) == {"value"}
    assert len(loads) == 1


def test_it_stays_small() -> None:
    cache = make(Clock(), size=3)
    for number in range(10):
        cache.get(number, lambda: "value")
    assert cache.info().entries == 3


def test_what_was_read_before_an_invalidation_is_not_kept() -> None:
    cache = make(Clock())

    def load() -> str:
        cache.invalidate("k")
        return "old"

    assert cache.get("k", load) == "old"
    assert cache.get("k", lambda: "new") == "new"


def test_a_loader_that_fails_leaves_nothing_behind() -> None:
    cache = make(Clock())

    def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.get("k", fail)
    assert cache.get("k", lambda: "value") == "value"
