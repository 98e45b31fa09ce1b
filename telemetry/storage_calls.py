"""Calls of the storage, each with its time and result, for metrics and traces.

A process that decodes pictures has neither: it collects its calls and sends them with its answer.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

from telemetry.spans import past_part

P = ParamSpec("P")
T = TypeVar("T")
OPERATIONS = ("put", "create", "get", "stream", "size", "delete", "move", "exists")
OK, MISSING, FAILED = "ok", "missing", "error"
# A photo has one original and at most four renditions.
MOST_COLLECTED = 20
MISSING_ERROR = "MissingObject"


class Call(NamedTuple):
    """One call: the operation, its begin in ns since 1970, how many ns it took, and `ok`, `missing` or `error`."""

    operation: str
    began_ns: int
    took_ns: int
    outcome: str


_collected: list[Call] | None = None
_observers: list[Callable[[Call], None]] = []


def observe(observer: Callable[[Call], None]) -> None:
    """Call `observer` after each call of the storage."""
    _observers.append(observer)


def measured(operation: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator that measures a function as one call. What returns an iterator is measured to its start."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            began, clock, outcome = time.time_ns(), time.perf_counter_ns(), FAILED
            try:
                result = function(*args, **kwargs)
                outcome = OK
                return result
            except Exception as error:
                outcome = MISSING if type(error).__name__ == MISSING_ERROR else FAILED
                raise
            finally:
                _record(Call(operation, began, time.perf_counter_ns() - clock, outcome))

        return call

    return decorate


def _record(call: Call) -> None:
    if _collected is not None:
        if len(_collected) < MOST_COLLECTED:
            _collected.append(call)
        return
    for observer in _observers:
        observer(call)
    failed = {} if call.outcome != FAILED else {"error.type": "StorageError"}
    attributes = {"reperio.storage.outcome": call.outcome, **failed}
    past_part(f"storage {call.operation}", call.began_ns, call.began_ns + call.took_ns, attributes)


@contextmanager
def collected() -> Iterator[list[Call]]:
    """Yield a list that takes the calls of the block, which are then not observed here."""
    global _collected
    _collected = list[Call]()
    try:
        yield _collected
    finally:
        _collected = None


def record_collected(told: Any) -> None:
    """Record what another process collected. Its answer is not trusted: what is no call is left out."""
    for each in told[:MOST_COLLECTED] if isinstance(told, list) else ():
        if (call := _checked(each)) is not None:
            _record(call)


def _checked(told: Any) -> Call | None:
    if not isinstance(told, list) or len(told) != len(Call._fields):
        return None
    operation, began, took, outcome = told
    known = operation in OPERATIONS and outcome in (OK, MISSING, FAILED)
    if not known or type(began) is not int or type(took) is not int:
        return None
    now = time.time_ns()
    # A task is over within its deadline; an hour is more than any.
    return Call(operation, began, took, outcome) if 0 <= took <= now - began + 10**9 <= 3600 * 10**9 else None
