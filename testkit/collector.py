"""A collector of traces: takes OTLP over HTTP and keeps the spans. It can be slow, or refuse."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class SentSpan:
    """A span as it was received: ids in hexadecimal digits, times in ns since 1970."""

    name: str
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    failed: bool
    links: tuple[str, ...]
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]


@dataclass
class Collector:
    """What arrived at a collector. `status` is what it answers; `gate` keeps it from answering while it is clear."""

    url: str
    status: int = 200
    gate: threading.Event = field(default_factory=threading.Event)
    spans: list[SentSpan] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    requests: int = 0

    def trace(self, name: str) -> list[SentSpan]:
        """Return all spans of the traces that have a span of this name."""
        traces = {each.trace for each in self.spans if each.name == name}
        return [each for each in self.spans if each.trace in traces]

    def named(self, name: str) -> list[SentSpan]:
        """Return the spans of this name."""
        return [each for each in self.spans if each.name == name]


@contextmanager
def running_collector() -> Iterator[Collector]:
    """Run a collector on a free port of this machine."""
    collector = Collector("")
    collector.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.requests += 1
            collector.gate.wait()
            if collector.status == 200:
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.bodies.append(body)
                collector.spans += _spans_of(body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="collector", daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.gate.set()
        server.shutdown()
        server.server_close()


def _spans_of(body: bytes) -> list[SentSpan]:
    sent = ExportTraceServiceRequest.FromString(body)
    return [
        SentSpan(
            name=span.name,
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            began=span.start_time_unix_nano,
            ended=span.end_time_unix_nano,
            failed=span.status.code == span.status.STATUS_CODE_ERROR,
            links=tuple(each.trace_id.hex() for each in span.links),
            attributes=_values(span.attributes),
            resource=_values(resource.resource.attributes),
        )
        for resource in sent.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
