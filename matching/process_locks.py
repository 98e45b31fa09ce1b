"""Locks between the processes that share the faces in memory. The kernel releases them when their holder dies.

Record locks of one file without a name, one byte for each lock. They belong to a process, so the threads of a process
are told apart by locks of `threading` in front of them.
"""

import fcntl
import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Pause between two tries for the lock of a writer.
TRY_AGAIN_SECONDS = 0.005


def lock_file() -> int:
    """Return a file without a name, for locks alone: nothing is ever written to it.

    Raises:
        OSError: there can be none.
    """
    if hasattr(os, "memfd_create"):
        return os.memfd_create("faces")
    file, name = tempfile.mkstemp(prefix="faces-")
    Path(name).unlink()
    return file


class ProcessLocks:
    """One lock for the directory, and two for each of `places`: one of its writer, one shared by its users.

    Whoever holds the lock of the directory waits for nothing else, and a writer's lock is only tried. So there is no
    deadlock, and none that the kernel could suspect between threads of two processes.
    """

    def __init__(self, places: int, file: int | None) -> None:
        """Without a `file`, the locks hold between the threads of this process alone."""
        self._places, self._file = places, file
        # Of places that are no longer used. Filled by finalizers, which run anywhere and may not wait for a lock.
        self._given_back: deque[tuple[int, int]] = deque()
        self.epoch = 0
        self.start_anew()

    def start_anew(self) -> None:
        """Hold nothing: in a child after a fork, whose parent keeps its locks."""
        self._directory, self._guard = threading.Lock(), threading.Lock()
        self._users, self._writers = dict[int, int](), set[int]()
        self._given_back.clear()
        # What was in use before the fork is given back by the parent.
        self.epoch += 1

    @contextmanager
    def directory(self) -> Iterator[None]:
        """Hold the lock of the directory, for what takes microseconds."""
        with self._directory:
            self._lock(fcntl.LOCK_EX, 0)
            try:
                while self._given_back:
                    self._end_use(*self._given_back.popleft())
                yield
            finally:
                self._lock(fcntl.LOCK_UN, 0)

    def use(self, place: int) -> None:
        """Keep a place from being freed, until `give_back`. The caller holds the directory."""
        if not self._users.get(place):
            self._lock(fcntl.LOCK_SH, self._use_byte(place))
        self._users[place] = self._users.get(place, 0) + 1

    def give_back(self, place: int, epoch: int) -> None:
        """End one use of a place, which began in this `epoch`, from any thread at any time."""
        self._given_back.append((place, epoch))
        if self._directory.acquire(blocking=False):
            try:
                while self._given_back:
                    self._end_use(*self._given_back.popleft())
            finally:
                self._directory.release()

    def _end_use(self, place: int, epoch: int) -> None:
        if epoch != self.epoch:
            return
        left = self._users.get(place, 0) - 1
        if left > 0:
            self._users[place] = left
        elif self._users.pop(place, None) is not None:
            self._lock(fcntl.LOCK_UN, self._use_byte(place))

    def is_unused(self, place: int) -> bool:
        """Return whether no process uses the place. The caller holds the directory, so that none begins to."""
        if self._users.get(place):
            return False
        if not self._try(self._use_byte(place)):
            return False
        self._lock(fcntl.LOCK_UN, self._use_byte(place))
        return True

    @contextmanager
    def writing(self, place: int, wait: float, until: Callable[[], bool] = lambda: False) -> Iterator[bool]:
        """Try for at most `wait` seconds, or until something holds, to become the only writer of a place."""
        ends, has_it = time.monotonic() + wait, self._begin_writing(place)
        while not has_it and time.monotonic() < ends and not until():
            time.sleep(TRY_AGAIN_SECONDS)
            has_it = self._begin_writing(place)
        try:
            yield has_it
        finally:
            if has_it:
                self._lock(fcntl.LOCK_UN, self._write_byte(place))
                with self._guard:
                    self._writers.discard(place)

    def _begin_writing(self, place: int) -> bool:
        with self._guard:
            if place in self._writers or not self._try(self._write_byte(place)):
                return False
            self._writers.add(place)
            return True

    def _use_byte(self, place: int) -> int:
        return 1 + place

    def _write_byte(self, place: int) -> int:
        return 1 + self._places + place

    def _lock(self, operation: int, byte: int) -> None:
        if self._file is not None:
            fcntl.lockf(self._file, operation, 1, byte)

    def _try(self, byte: int) -> bool:
        try:
            self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True
