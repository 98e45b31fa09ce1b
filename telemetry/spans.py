"""Spans of requests, jobs and what they call. Without OTEL_EXPORTER_OTLP_ENDPOINT nothing is recorded or imported.

A span holds route templates, kinds, counts and the text of statements. It never holds a path, a name, a file name, a
value of a statement or the message of an error: these may be personal data, and a collector is another system.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from telemetry.ids import caller_of, id_within

Attributes = Mapping[str, str | int]


class RequestSpan(Protocol):
    """The span of a request under way."""

    def answered(self, method: str, route: str, status: int) -> None:
        """Note the route's template and the status."""


class Recorder(Protocol):
    """Records spans: `telemetry.export`."""

    def request(self, request_id: str, traceparent: str | None) -> AbstractContextManager[RequestSpan]:
        """Record the block as the request with this id."""

    def job(self, request_id: str | None, kind: str, attempt: int) -> AbstractContextManager[None]:
        """Record the block as an attempt at a job that this request asked for."""

    def part(self, name: str, attributes: Attributes) -> AbstractContextManager[None]:
        """Record the block as a part of the request or job under way; without one, record nothing."""

    def past_part(self, name: str, began_ns: int, ended_ns: int, attributes: Attributes) -> None:
        """Record a part that is over, by its times in ns since 1970. `error.type` among the attributes: it failed."""

    def note(self, name: str, value: str) -> None:
        """Set an attribute of the span under way."""


class _Unrecorded:
    """The span of a request while nothing is recorded."""

    def answered(self, method: str, route: str, status: int) -> None:
        """Do nothing."""


_NOTHING = nullcontext()
_NO_REQUEST = nullcontext(_Unrecorded())
_recorder: Recorder | None = None


def use(recorder: Recorder | None) -> None:
    """Let this process record its spans with `recorder`; None: not at all."""
    global _recorder
    _recorder = recorder


def caller_id(traceparent: str | None) -> str | None:
    """Return a request id in the caller's trace; None while nothing is recorded, or without a valid header."""
    caller = caller_of(traceparent) if _recorder is not None else None
    return id_within(caller) if caller is not None else None


def request(request_id: str, traceparent: str | None) -> AbstractContextManager[RequestSpan]:
    """Record the block as the request with this id, which came with the header `traceparent`."""
    return _NO_REQUEST if _recorder is None else _recorder.request(request_id, traceparent)


def no_request() -> AbstractContextManager[RequestSpan]:
    """Record nothing of the block."""
    return _NO_REQUEST


def job(request_id: str | None, kind: str, attempt: int) -> AbstractContextManager[None]:
    """Record the block as an attempt at a job, in the trace of the request that asked for it."""
    return _NOTHING if _recorder is None else _recorder.job(request_id, kind, attempt)


def part(name: str, **attributes: str | int) -> AbstractContextManager[None]:
    """Record the block as a part of the request or job under way, if there is one."""
    return _NOTHING if _recorder is None else _recorder.part(name, attributes)


def past_part(name: str, began_ns: int, ended_ns: int, attributes: Attributes) -> None:
    """Record a part that is over, by its times in ns since 1970."""
    if _recorder is not None:
        _recorder.past_part(name, began_ns, ended_ns, attributes)


def note(name: str, value: str) -> None:
    """Set an attribute of the span under way."""
    if _recorder is not None:
        _recorder.note(name, value)
