"""Pools of real child processes with the fake engine, in a database and storage of their own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from decoding.budget import PixelBudget
from decoding.pool import ChildPool, Terms
from decoding.processes import shared_template
from settings import get_settings
from tests.conftest import wait_until

MakePool = Callable[..., ChildPool]
PLENTY = 10**9


@pytest.fixture
def pool_of(quiet_database: None) -> Iterator[MakePool]:
    """A function that makes a pool of children of one kind; all are ended afterwards."""
    with ExitStack() as stack:

        def make(size: int = 1, seconds: float = 60, waits: float | None = None, **terms: Any) -> ChildPool:
            pool = ChildPool(
                get_settings(), shared_template(), PixelBudget(PLENTY), Terms(size, 0, seconds, waits, **terms)
            )
            stack.callback(pool.close)
            return pool

        yield make


class Aside:
    """A call in a thread of its own, and the child that works on it."""

    def __init__(self, pool: ChildPool, call: Callable[[], object]) -> None:
        self._pool = pool
        # Whatever befalls the child from here on befalls it during the call's own task.
        pool.load()
        self._thread = ThreadPoolExecutor(1)
        self._result = self._thread.submit(call)
        wait_until(lambda: bool(self.pids()) or self._result.done())

    def pids(self) -> list[int]:
        """Return the processes that work now."""
        return pool_pids(self._pool)

    def result(self) -> Any:
        """Wait for the end of the call and return its value, or raise its error."""
        return self._result.result(60)


def pool_pids(pool: ChildPool) -> list[int]:
    """Return the processes of a pool that work now."""
    return [child.pid for child in set(pool._working)]


def is_running(pid: int) -> bool:
    """Tell whether there is such a process that is not just a remainder for its parent to collect."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
