"""Counters of a test's own, whose clock the test moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from throttling.counters import Counters, use_counters
from throttling.sqlite import SqliteStorage


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@contextmanager
def counted(path: Path) -> Iterator[Clock]:
    """Keep the limits of this process in a new file, by the clock that this yields."""
    clock = Clock()
    use_counters(Counters(SqliteStorage(path, clock), clock))
    try:
        yield clock
    finally:
        use_counters(None)
