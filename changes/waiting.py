"""Requests that wait for a change: a future each, and no thread and no database connection.

All of it runs on the event loop, except `report`, which the thread of `changes/listener.py` calls.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from changes.reading import BatchReader
from changes.subjects import is_event
from metrics import WAITING

# Guests who wait for an event's photos are woken so that at most this many of a process read their state in a second,
# on average: a read takes some milliseconds, and many guests look at the same event.
EVENT_READS_PER_SECOND = 50
# Of one event's changes in a short time, those who wait learn together, at most once in this many seconds.
EVENT_SECONDS = 1.0
# While no change is heard, whoever waits looks at the database this often.
UNHEARD_SECONDS = 2.0


class Waiter:
    """One request that waits, between `Waiters.enter` and its end."""

    __slots__ = ("_future", "_woken", "gone", "subjects")

    def __init__(self, subjects: tuple[str, ...]) -> None:
        self.subjects = subjects
        self.gone = False
        self._woken = False
        self._future: asyncio.Future[None] | None = None

    @property
    def is_asleep(self) -> bool:
        """Whether the request waits, and is not being woken."""
        return self._future is not None and not self._future.done()

    def wake(self) -> None:
        """Let the request look whether its state has changed. A change while it reads is not lost."""
        self._woken = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def leave(self) -> None:
        """Note that the client is gone, so that nothing more is read for it."""
        self.gone = True
        self.wake()

    async def changed(self, seconds: float) -> bool:
        """Wait until `wake`, at most for `seconds`; return whether it came."""
        if not self._woken:
            loop = asyncio.get_running_loop()
            future = self._future = loop.create_future()
            timer = loop.call_later(seconds, _end, future)
            try:
                await future
            finally:
                timer.cancel()
                self._future = None
        woken, self._woken = self._woken, False
        return woken


def _end(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Waiters:
    """The requests of this process that wait, by what they wait for; at most `most`, and `each` of one account."""

    def __init__(self, most: int, each: int) -> None:
        """Made within the event loop on which the requests run."""
        self._most, self._each = most, each
        self._loop = asyncio.get_running_loop()
        self._by_subject: defaultdict[str, set[Waiter]] = defaultdict(set)
        self._of_account: Counter[int] = Counter()
        self._count = 0
        # Of events: when those who wait may be woken again, and the wakings that are planned.
        self._next: dict[str, float] = {}
        self._planned: dict[str, asyncio.TimerHandle] = {}
        self._readers: dict[Callable[..., Any], BatchReader[Any, Any]] = {}
        self.closing = False
        # Set once the listener is there.
        self.want: Callable[[bool], object] = lambda wanted: None
        self.hears: Callable[[], bool] = lambda: False
        _open.add(self)

    def __len__(self) -> int:
        """The number of requests that wait."""
        return self._count

    @property
    def asleep(self) -> int:
        """How many of them wait now; the others have their state read."""
        return len({each for there in self._by_subject.values() for each in there if each.is_asleep})

    @contextmanager
    def enter(self, account: int, subjects: tuple[str, ...]) -> Iterator[Waiter | None]:
        """Register a request; None if one more may not wait. Read the state after this: then no change is missed."""
        if self.closing or self._count >= self._most or self._of_account[account] >= self._each:
            yield None
            return
        waiter = Waiter(subjects)
        self._add(account, waiter)
        try:
            yield waiter
        finally:
            self._remove(account, waiter)

    def _add(self, account: int, waiter: Waiter) -> None:
        self._count += 1
        self._of_account[account] += 1
        for subject in waiter.subjects:
            self._by_subject[subject].add(waiter)
        WAITING.set(self._count)
        if self._count == 1:
            self.want(True)

    def _remove(self, account: int, waiter: Waiter) -> None:
        self._count -= 1
        self._of_account[account] -= 1
        if not self._of_account[account]:
            del self._of_account[account]
        for subject in waiter.subjects:
            there = self._by_subject[subject]
            there.discard(waiter)
            if not there:
                del self._by_subject[subject]
        WAITING.set(self._count)
        if not self._count:
            self.want(False)

    async def read(self, many: Callable[[Sequence[Any]], Any], key: Any) -> Any:
        """Return what `many` returns for `key`; requests that ask at the same time share one call, in one thread.

        Raises:
            Exception: what `many` raised, or returned for this key.
        """
        reader = self._readers.get(many)
        if reader is None:
            reader = self._readers[many] = BatchReader(many)
        return await reader.read(key)

    # --- waking --------------------------------------------------------------------------------------

    def report(self, subjects: Collection[str] | None) -> None:
        """Wake whoever waits for one of these subjects, or everybody; called from any thread."""
        # The loop is closed when the process ends.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake, subjects)

    def close(self) -> None:
        """Answer all that wait, and let none wait any more: the process stops."""
        self.closing = True
        self._wake(None)

    def _wake(self, subjects: Collection[str] | None) -> None:
        if subjects is None:
            for there in list(self._by_subject.values()):
                _wake_all(there)
            return
        for subject in subjects:
            waiting = self._by_subject.get(subject)
            if not waiting:
                continue
            if is_event(subject):
                self._wake_event(subject, waiting)
            else:
                _wake_all(waiting)

    def _wake_event(self, subject: str, waiting: set[Waiter]) -> None:
        """Wake those who wait for an event: at once, unless they were woken a moment ago."""
        if subject in self._planned:
            return
        now = time.monotonic()
        due = self._next.get(subject, 0.0)
        if now < due:
            self._planned[subject] = self._loop.call_later(due - now, self._wake_later, subject)
            return
        # Of events for whose guests the pause is over nothing need be remembered.
        self._next = {each: until for each, until in self._next.items() if until > now}
        self._next[subject] = now + max(EVENT_SECONDS, len(waiting) / EVENT_READS_PER_SECOND)
        _wake_all(waiting)

    def _wake_later(self, subject: str) -> None:
        self._planned.pop(subject, None)
        waiting = self._by_subject.get(subject)
        if waiting:
            self._wake_event(subject, waiting)


def _wake_all(waiting: set[Waiter]) -> None:
    for each in list(waiting):
        each.wake()


# Those of this process: one, in tests several.
_open: set[Waiters] = set()


def close_all() -> None:
    """Answer every request of this process that waits: see `Waiters.close`."""
    for each in list(_open):
        each.close()


def forget(waiters: Waiters) -> None:
    """Let `close_all` no longer know these."""
    _open.discard(waiters)
