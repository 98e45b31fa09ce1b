"""The server side of a connection: deadlines for slow clients, limits of a request's head, a limit of connections.

Uvicorn has none of them. A client is judged only while it is its turn: a body that the service does not read at the
moment, and an answer that the service has not given yet, cost it nothing.
"""

import asyncio
import json
import resource
from collections import deque
from functools import cache
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

import errors
from api.sockets import reset_on_close, unsent
from changes.waiting import close_all
from metrics import ENDED
from settings import get_settings

# The key of a request's state by which the application learns that its body comes in too slowly.
SLOW_BODY = "slow_body"
# Of an answer that waits for its reader, this much must go out in ANSWER_STALL_SECONDS.
ANSWER_BYTES = 10_000
# The parser takes no longer address.
MAX_URL_BYTES = 65_535
MAX_HEADERS = 100
# After an answer that was given without reading the body, the rest of it is discarded for this long.
LINGER_SECONDS = 2.0


class _Cancellable(Protocol):
    def cancel(self) -> None:
        """Cancel the call."""


@cache
def connection_limit() -> int:
    """Return how many connections a process keeps: `MAX_CONNECTIONS`, at most half of its file descriptors."""
    descriptors, limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0], get_settings().max_connections
    return limit if descriptors == resource.RLIM_INFINITY else min(limit, max(1, descriptors // 2))


def waiting_limit() -> int:
    """Return how many requests of a process may wait: `MAX_WAITING_REQUESTS`, at most 3/4 of the connections."""
    return min(get_settings().max_waiting_requests, connection_limit() * 3 // 4)


# The connections of this process on which no request is open, the one that has waited longest first.
_waiting: "dict[Connection, None]" = {}


class Connection(HttpToolsProtocol):
    """One connection of Uvicorn, with deadlines and limits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = get_settings()
        self._refusal: type[errors.AppError] = errors.InvalidHttp
        # Of the request whose head is being read.
        self._in_head, self._began = True, False
        self._head_bytes, self._header_bytes, self._header_count = 0, 0, 0
        self._head_timer: _Cancellable | None = None
        # Of the request whose body is being read.
        self._declared, self._body_bytes, self._seconds = 0, 0, 0
        self._arrived = 0
        self._window: deque[int] = deque(maxlen=self._limits.body_window_seconds)
        # Of the answer: seconds without progress, and the bytes that waited when it was last seen.
        self._stuck, self._left = 0, 0
        self._watch_timer: _Cancellable | None = None

    # --- the connection ----------------------------------------------------------------------------

    # The type is as narrow as in Uvicorn, which also ignores this: asyncio declares BaseTransport.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin the deadline of the first head; make room by ending the connection that has waited longest."""
        super().connection_made(transport)
        if len(self.connections) > connection_limit():
            longest = next(iter(_waiting), None)
            if longest is None:
                self._refuse(errors.TooBusy, "too_many_connections")
                return
            longest.end("too_many_connections")
        _waiting[self] = None
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        _waiting.pop(self, None)
        for timer in (self._head_timer, self._watch_timer):
            if timer is not None:
                timer.cancel()

    def shutdown(self) -> None:
        """The server stops: whoever waits for a change is answered at once, so that it need not wait for them."""
        close_all()
        super().shutdown()

    def end(self, reason: str) -> None:
        """Close the connection once what was written has gone out."""
        ENDED.labels(reason).inc()
        _waiting.pop(self, None)
        self.transport.close()
        self._watch()

    def _refuse(self, error: type[errors.AppError], reason: str) -> None:
        """Answer with an error before the application has seen a request, and close the connection."""
        body = json.dumps(error().body("fr"), ensure_ascii=False).encode()
        headers = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
        lines = [f"{name}: {value}\r\n" for name, value in {**headers, **error.headers}.items()]
        self.transport.write(STATUS_LINE[error.status_code] + "".join(lines).encode() + b"\r\n" + body)
        self.end(reason)

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    # --- the head ----------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Pass bytes on to the parser; then see what is still missing."""
        if self.transport.is_closing():
            return
        self._arrived += len(data)
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._in_head:
            self._watch()
        elif self._began and self._head_bytes > MAX_URL_BYTES + self._limits.max_header_bytes:
            self._refuse(errors.HeadersTooLarge, "head_too_large")
        elif self._began or not self._answering():
            self._expect_head()

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self._limits.head_seconds, self._head_overdue)

    def _head_overdue(self) -> None:
        self._head_timer = None
        if self.transport.is_closing():
            return
        if self._answering():
            self._expect_head()
        elif self._began:
            self._refuse(errors.RequestTimeout, "slow_head")
        else:
            self.end("no_request")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._began, self._header_bytes, self._header_count = True, 0, 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        super().on_url(url)
        if len(self.url) > MAX_URL_BYTES:
            self._give_up(errors.AddressTooLong)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Trailers of a chunked body are counted and dropped: a route never sees them as headers."""
        if self._in_head:
            super().on_header(name, value)
        self._header_count += 1
        self._header_bytes += len(name) + len(value) + 4
        if self._header_count > MAX_HEADERS or self._header_bytes > self._limits.max_header_bytes:
            self._give_up(errors.HeadersTooLarge)

    def _give_up(self, error: type[errors.AppError]) -> None:
        """Raise, which ends parsing: Uvicorn then calls `send_400_response`."""
        self._refusal = error
        raise ValueError(error.english)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP request, or whose head is too large. What is being answered is answered first."""
        if self._answering() and (self._in_head or self.cycle.response_started):
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        reason = "invalid_request" if self._refusal is errors.InvalidHttp else "head_too_large"
        self._refuse(self._refusal, reason)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: the request is answered without the upgrade, and a stranger cannot fill the log."""

    def on_headers_complete(self) -> None:
        """The head is complete: the request goes to the application."""
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        _waiting.pop(self, None)
        super().on_headers_complete()
        self._in_head = self._began = False
        declared = next((value for name, value in self.headers if name == b"content-length"), b"")
        self._declared = int(declared[:20]) if declared.isdigit() else 0
        self._body_bytes = self._seconds = self._arrived = 0
        self._window.clear()

    # --- the body ----------------------------------------------------------------------------------

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        super().on_body(body)
        self._body_bytes += len(body)

    def on_message_complete(self) -> None:
        """The body is complete; the next bytes are those of another request."""
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0
        if not self._answering():
            _waiting[self] = None

    def _check_body(self) -> None:
        """Once a second: judge the sender, unless the service itself does not read at the moment."""
        arrived, self._arrived = self._arrived, 0
        if self.flow.read_paused or self.cycle.waiting_for_100_continue:
            return
        self._window.append(arrived)
        self._seconds += 1
        rate = self._limits.body_bytes_per_second
        allowed = self._limits.body_seconds + max(self._declared, self._body_bytes) / rate
        whole = self._limits.body_window_seconds
        slow = len(self._window) == whole and sum(self._window) < whole * rate
        if not slow and self._seconds <= min(allowed, self._limits.body_max_seconds):
            return
        state: dict[str, Any] = self.cycle.scope["state"]
        if self.cycle.response_started or SLOW_BODY in state:
            self.end("slow_body")
            return
        # The application answers 408, in the caller's language. If it does not, the next window ends the connection.
        ENDED.labels("slow_body").inc()
        state[SLOW_BODY] = True
        self._window.clear()
        self.cycle.message_event.set()

    # --- the answer --------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """An answer is complete: the connection waits for another request."""
        super().on_response_complete()
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            self._watch()
        if not self._in_head:
            self.loop.call_later(LINGER_SECONDS, self._end_unread, self.cycle)
        elif not self._answering() and not self.transport.is_closing():
            _waiting[self] = None

    def _end_unread(self, cycle: object) -> None:
        """End the connection if the client still sends a body, which the service does not read after its answer."""
        if self.cycle is cycle and not self._in_head and not self.transport.is_closing():
            reset_on_close(self.transport)
            self.end("unread_body")

    def pause_writing(self) -> None:
        """The reader is behind."""
        super().pause_writing()
        self._stuck, self._left = 0, unsent(self.transport)
        self._watch()

    def resume_writing(self) -> None:
        """The reader has caught up."""
        super().resume_writing()
        self._stuck = 0

    def _check_reader(self) -> None:
        """Once a second while bytes wait to go out: abort if the client takes too few of them."""
        left = unsent(self.transport)
        if self._left - left >= ANSWER_BYTES or left > self._left:
            self._stuck, self._left = 0, left
        self._stuck += 1
        if self._stuck > self._limits.answer_stall_seconds:
            ENDED.labels("slow_reader").inc()
            self.transport.abort()

    # --- once a second -----------------------------------------------------------------------------

    def _watch(self) -> None:
        if self._watch_timer is None:
            self._watch_timer = self.loop.call_later(1.0, self._look)

    def _look(self) -> None:
        self._watch_timer = None
        sending = self.transport.get_write_buffer_size() > 0
        receiving = not self._in_head and self._answering() and not self.transport.is_closing()
        if receiving:
            self._check_body()
        if sending:
            self._check_reader()
        if receiving or sending:
            self._watch()
