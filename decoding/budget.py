"""One budget of pixels for everything a process has decoded at the same time."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from decoding.decoder import Busy


class PixelBudget:
    """Lets tasks begin in the order in which they ask, while their pixels together are at most `capacity`."""

    def __init__(self, capacity: int) -> None:
        self._capacity, self._free = capacity, capacity
        self._changed = threading.Condition()
        self._line = deque[object]()

    @contextmanager
    def hold(self, pixels: int, seconds: float | None = None) -> Iterator[None]:
        """Hold so many pixels during the block, after a wait of at most `seconds`; None is any time.

        More than the whole budget counts as the whole budget.

        Raises:
            Busy: they were not free in time.
        """
        wanted, ticket = max(0, min(pixels, self._capacity)), object()
        until = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            self._line.append(ticket)
            try:
                while self._line[0] is not ticket or self._free < wanted:
                    left = None if until is None else until - time.monotonic()
                    if left is not None and left <= 0:
                        raise Busy("too many pixels are being decoded")
                    self._changed.wait(left)
                self._free -= wanted
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()
