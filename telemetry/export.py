"""Sends spans to a collector by OTLP over HTTP. Imports OpenTelemetry's SDK: imported only where traces are sent.

A thread of its own sends what is in a bounded queue (OTEL_BSP_MAX_QUEUE_SIZE, 2,048 spans). While the collector is
down or slow, the oldest spans are dropped; requests never wait for it.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from telemetry import spans, statements
from telemetry.ids import OF_CALLER, Place, caller_of, place_of
from telemetry.spans import Attributes

log = logging.getLogger("reperio.telemetry")
FLUSH_SECONDS = 2.0
# A collector that is down would else be told several times a second.
COMPLAINT_SECONDS = 60.0
_chosen: ContextVar[Place | None] = ContextVar("chosen span", default=None)


class _Ids(RandomIdGenerator):
    """The ids of a request's span follow from its request id; all others are random."""

    def generate_trace_id(self) -> int:
        place = _chosen.get()
        return place.trace if place is not None else super().generate_trace_id()

    def generate_span_id(self) -> int:
        place = _chosen.get()
        return place.span if place is not None else super().generate_span_id()


class _Complaints(logging.Handler):
    """Passes on what the SDK logs, at most one line a minute."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._next = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Log the first line of the record, unless there was one within a minute."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + COMPLAINT_SECONDS
        first = (record.getMessage().splitlines() or [""])[0][:300]
        log.warning("traces are not delivered (at most one line a minute): %s", first)


class _RequestSpan:
    def __init__(self, span: Span) -> None:
        self._span = span

    def answered(self, method: str, route: str, status: int) -> None:
        """Note the route's template and the status."""
        self._span.update_name(f"{method} {route}")
        self._span.set_attributes(
            {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        )
        if status >= 500:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(Status(StatusCode.ERROR))


class OtlpRecorder:
    """Records spans with OpenTelemetry's SDK."""

    def __init__(self, provider: TracerProvider, version: str) -> None:
        self._tracer, self._sampler = provider.get_tracer("reperio", version), provider.sampler

    @contextmanager
    def request(self, request_id: str, traceparent: str | None) -> Iterator[_RequestSpan]:
        """Record the block as the request with this id.

        Whether it is sampled is decided by the id of the trace alone, so that its jobs on other machines are sampled
        with it; a stranger's flag decides nothing.
        """
        place, caller = place_of(request_id), caller_of(traceparent)
        context, links = Context(), []
        if caller is not None and OF_CALLER.fullmatch(request_id) and caller.trace == place.trace:
            context = self._below(caller)
        elif caller is not None:
            # X-Request-ID has chosen another trace.
            links.append(Link(SpanContext(caller.trace, caller.span, is_remote=True)))
        token = _chosen.set(place)
        try:
            span = self._tracer.start_span("request", context, SpanKind.SERVER, links=links)
        finally:
            _chosen.reset(token)
        with _current(span):
            yield _RequestSpan(span)

    @contextmanager
    def job(self, request_id: str | None, kind: str, attempt: int) -> Iterator[None]:
        """Record the block as an attempt at a job, below the span of its request."""
        context = self._below(place_of(request_id)) if request_id else Context()
        about: dict[str, str | int] = {"reperio.job.kind": kind, "reperio.job.attempt": attempt}
        with _current(self._tracer.start_span(f"job {kind}", context, SpanKind.CONSUMER, about)):
            yield

    @contextmanager
    def part(self, name: str, attributes: Attributes) -> Iterator[None]:
        """Record the block as a part of the span under way; without one, record nothing."""
        if not trace.get_current_span().is_recording():
            yield
            return
        with _current(self._tracer.start_span(name, attributes=dict(attributes))):
            yield

    def past_part(self, name: str, began_ns: int, ended_ns: int, attributes: Attributes) -> None:
        """Record a part that is over."""
        if trace.get_current_span().is_recording():
            span = self._tracer.start_span(name, None, SpanKind.CLIENT, dict(attributes), start_time=began_ns)
            if "error.type" in attributes:
                span.set_status(Status(StatusCode.ERROR))
            span.end(ended_ns)

    def note(self, name: str, value: str) -> None:
        """Set an attribute of the span under way."""
        trace.get_current_span().set_attribute(name, value)

    def _below(self, place: Place) -> Context:
        """Return the context of a span that another process has recorded, sampled as the sampler decides here."""
        decision = self._sampler.should_sample(None, place.trace, "").decision
        sampled = decision is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        other = SpanContext(place.trace, place.span, is_remote=True, trace_flags=flags)
        return set_span_in_context(NonRecordingSpan(other), Context())


@contextmanager
def _current(span: Span) -> Iterator[None]:
    """Make the span the one under way, and end it. Of an error, its class is noted and not its message."""
    using: AbstractContextManager[Span] = trace.use_span(
        span, end_on_exit=True, record_exception=False, set_status_on_exception=False
    )
    with using:
        try:
            yield
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise


class Sending:
    """The thread that sends spans, and the recorder that fills its queue."""

    def __init__(self, service: str, version: str) -> None:
        _calm_down()
        about = {"service.version": version, "service.instance.id": f"{socket.gethostname()}-{os.getpid()}"}
        resource = Resource.create(about)
        if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: service}))
        self._provider = TracerProvider(resource=resource, id_generator=_Ids(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        statements.watch(self._provider.get_tracer("reperio", version))
        spans.use(OtlpRecorder(self._provider, version))

    def stop(self) -> None:
        """Record nothing more, and send what is recorded, within two seconds."""
        spans.use(None)
        statements.unwatch()
        # Its own limit is 30 s, which the stop of a worker does not have.
        ending = threading.Thread(target=self._provider.shutdown, name="traces end", daemon=True)
        ending.start()
        ending.join(FLUSH_SECONDS)


def _calm_down() -> None:
    theirs = logging.getLogger("opentelemetry")
    theirs.propagate = False
    theirs.handlers = [_Complaints()]
