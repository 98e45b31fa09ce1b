"""The circuit breaker: after several failures in a row no call is made for a while."""

import threading
import time
from collections.abc import Callable

import metrics
from faces.engine import RecogniserAway

# Failures in a row that open the circuit.
FAILURES = 5
# Seconds for which it is open: doubled each time the first call after that fails too.
SHORTEST, LONGEST = 5.0, 60.0


class Circuit:
    """Records whether the service answers. Closed: calls are made. Open: they are refused at once, with the reason.

    When its time is over, calls are made again: the first success closes it, the first failure opens it for longer.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, shortest: float = SHORTEST) -> None:
        self._clock, self._shortest = clock, shortest
        self._failures, self._times_open = 0, 0
        self._open_until = 0.0
        self._problem: RecogniserAway | None = None
        self._lock = threading.Lock()

    def check(self) -> None:
        """Return if a call may be made.

        Raises:
            RecogniserAway: the circuit is open; the subclass and message are those of the failure that opened it.
        """
        with self._lock:
            if self._problem is not None and self._clock() < self._open_until:
                raise type(self._problem)(str(self._problem))

    def succeeded(self) -> None:
        """Close the circuit."""
        with self._lock:
            self._failures = self._times_open = 0
            self._problem = None
        metrics.AZURE_AWAY.set(0)

    def failed(self, problem: RecogniserAway) -> None:
        """Count a failure; open the circuit after five in a row, or after one if it was open before."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES or self._times_open:
                self._open(problem, min(self._shortest * 2**self._times_open, LONGEST))

    def open(self, problem: RecogniserAway, seconds: float = LONGEST) -> None:
        """Open the circuit at once: another call would fail in the same way."""
        with self._lock:
            self._open(problem, seconds)

    def _open(self, problem: RecogniserAway, seconds: float) -> None:
        self._problem = problem
        self._open_until = self._clock() + seconds
        self._times_open += 1
        metrics.AZURE_AWAY.set(1)
