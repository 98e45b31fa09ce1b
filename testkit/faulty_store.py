"""A proxy before an object store that fails as asked: answers 503, is slow, or does not find what was written."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal["busy", "slow", "lost"]
# A busy store says so in this form; one that has lost an object answers as if it never had it.
ANSWERS = {"busy": (503, "SlowDown"), "lost": (404, "NoSuchKey")}
SLOW_SECONDS = 0.5
HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "keep-alive")


@dataclass
class Fault:
    """What happens to the next `times` requests of a method whose address contains `part`."""

    kind: Kind
    method: str
    part: str
    times: int = 1


@dataclass
class FaultyStore:
    """A running proxy; `faults` may be changed at any time, `seen` are method and address of all requests."""

    url: str
    faults: list[Fault] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self, method: str, path: str) -> Kind | None:
        """Return what happens to a request, and count it."""
        with self._lock:
            self.seen.append((method, path))
            for fault in self.faults:
                if fault.times > 0 and fault.method == method and fault.part in path:
                    fault.times -= 1
                    return fault.kind
        return None


@contextmanager
def faulty_store(upstream: str) -> Iterator[FaultyStore]:
    """Run a proxy before the store at this address."""
    place = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind = store.next_fault(self.command, self.path)
            if kind in ANSWERS:
                status, code = ANSWERS[kind]
                self._answer(status, {}, f"<Error><Code>{code}</Code></Error>".encode())
                return
            if kind == "slow":
                time.sleep(SLOW_SECONDS)
            connection = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            self._answer(answer.status, dict(answer.getheaders()), answer.read())
            connection.close()

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            length = next((value for name, value in headers.items() if name.lower() == "content-length"), None)
            for name, value in headers.items():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            is_head = self.command == "HEAD"
            self.send_header("Content-Length", length if is_head and length is not None else str(len(body)))
            self.end_headers()
            if not is_head:
                self.wfile.write(body)

    for method in ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"):
        setattr(Handler, f"do_{method}", Handler._pass)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        store = FaultyStore(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield store
        finally:
            server.shutdown()
