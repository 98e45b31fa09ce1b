"""What is done for every request: its log line and metrics; what is checked before its body is read."""

import logging
import time
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import errors
from accounts import tokens
from api.before_body import BodyRules, run_checks
from api.body_types import check_encoding, check_media
from api.connections import SLOW_BODY
from api.forms import FILE_BYTES_IN_MEMORY, UPLOAD_BYTES_IN_MEMORY, begin_files_in_memory
from api.rules import JSON_BODY, BodyLimit, RouteRule, RouteRules, rules_of
from api.sessions import SAFE_METHODS, session_token
from api.waiting import PLACE, WAITED
from audit.actor import acting
from metrics import REQUESTS
from settings import Settings
from telemetry import spans
from tracing import request_id

MAX_LOGGED = 500
ALWAYS_READ_BYTES = 64 * 1024
access = logging.getLogger("reperio.access")
security = logging.getLogger("reperio.security")
# Answers that refuse a caller, each of which the security log tells; 429 has a line of its own (`throttling`).
REFUSALS = (401, 403, 408, 413, 415, 421, 431)
# How paths begin that hold a token.
OPENING = ("shared/", "api/shared/", "together/")
# Every other method is counted as "other": each label makes time series that stay.
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Also while the service is too busy for anything else: it must not look dead.
ALWAYS_ANSWERED = ("/livez", "/readyz", "/metrics")


class NotRead(HTTPException):
    """Raised instead of reading a body, or the rest of it; the connection ends with the answer.

    An HTTPException, because FastAPI turns any other exception into a 400. `reason` is what the caller is answered.
    """

    def __init__(self, reason: Exception) -> None:
        super().__init__(getattr(reason, "status_code", 500))
        self.reason = reason


class RequestLog:
    """ASGI middleware around all others: gives each request an id, logs it and measures its duration."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; log it and count it once it has been answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500
        if scope["method"] == "HEAD":
            # Routes answer it as GET. The server, whose own scope still says HEAD, sends no body.
            scope = {**scope, "method": "GET", "head_only": True}

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = trace
            await send(message)

        headers = Headers(scope=scope)
        given, parent = headers.get("x-request-id"), headers.get("traceparent")
        recorded = scope["path"] not in ALWAYS_ANSWERED
        with (
            request_id(given or spans.caller_id(parent)) as trace,
            spans.request(trace, parent) if recorded else spans.no_request() as span,
            acting() as actor,
        ):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                # A request that waits for a change is not slow.
                seconds = max(0.0, time.perf_counter() - began - scope.get(WAITED, 0.0))
                # The route's template, not the path: each id in a path would make a time series of its own.
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in METHODS else "other"
                REQUESTS.labels(method, route, status).observe(seconds)
                span.answered(method, route, status)
                # Without the query, which may hold a signature; without the client's address, which is personal data.
                if status in REFUSALS:
                    # With the route, not the path, which may hold a code.
                    name = scope.get("error_name", "")
                    security.warning("refused %s %s: %d %s, by %s", scope["method"], route, status, name, actor.kind)
                shown = _loggable(route, scope["path"])
                access.info("%s %s %d %.1f ms", scope["method"], shown, status, seconds * 1000)


def _loggable(route: str, path: str) -> str:
    """Return the path to log. Where it contains a code or a token, that is the route instead."""
    if "code}" in route or "token}" in route:
        return route
    # Refused before its route was found, or mistyped behind the token.
    if route == "none" and path.lower().lstrip("/").startswith(OPENING):
        return "…"
    # A line break would forge a line.
    return _printable(path)


def _printable(path: str) -> str:
    return path if len(path) <= MAX_LOGGED and path.isascii() and path.isprintable() else quote(path[:MAX_LOGGED])


class RequestLimits:
    """ASGI middleware: checks each request before its body is read, and counts the bytes of the body as they arrive.

    At once: the number of open requests, the token's signature, the declared size and encoding. When the body is
    first asked for: what `before_body` marks (account, role, event), and whether its type is that of the call.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._rules: RouteRules | None = None
        self._bodies: BodyRules | None = None
        self._open = 0
        # Bytes of bodies that are in memory. The rest of an upload is on disk.
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with the error of the rule that it breaks."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._rules is None or self._bodies is None:
            # At the first request: by now every route has been added.
            self._rules, self._bodies = rules_of(scope["app"]), BodyRules(scope["app"].routes)
        rule = self._rules.of(scope["method"], scope["path"])
        try:
            if self._open >= self._settings.max_open_requests and scope["path"] not in ALWAYS_ANSWERED:
                raise errors.TooBusy
            if rule.needs_token:
                self._check_token(Request(scope), rule)
            headers = Headers(scope=scope)
            _check_declared_size(headers, rule.body.largest(self._settings), rule.body.error)
            if scope["method"] not in SAFE_METHODS:
                check_encoding(headers)
        except errors.AppError as error:
            await _answer(error, scope, receive, send)
            return
        self._take_place()
        # A request that waits for a change gives its place back meanwhile: others are bounded in their own way.
        scope[PLACE] = (self._give_place, self._take_place)
        body = _Body(self, self._bodies, rule.body, scope, receive)
        try:
            await self._app(scope, body.receive, send)
        finally:
            self._give_place()
            self._held -= body.held

    def _take_place(self) -> None:
        self._open += 1

    def _give_place(self) -> None:
        self._open -= 1

    def hold(self, size: int) -> None:
        """Count bytes of a body that stay in memory until its request ends."""
        self._held += size

    def has_room(self, size: int) -> bool:
        """Tell whether the bodies of all open requests leave room for another `size` bytes: `MAX_BODIES_BYTES`."""
        return self._held + size <= self._settings.max_bodies_bytes

    def largest(self, limit: BodyLimit) -> int:
        """Return the largest body of a call in bytes."""
        return limit.largest(self._settings)

    def _check_token(self, request: Request, rule: RouteRule) -> None:
        """Check the token's signature and age; that its account is still open, the route checks.

        Raises:
            NotAuthenticated: there is no token. InvalidToken: it is forged or has expired.
            CsrfMismatch: a cookie of the pages came without the token of its session.
        """
        if request.method == "OPTIONS":
            return
        if rule.takes_signed_link and request.method in ("GET", "HEAD") and "signature" in request.query_params:
            return
        token = session_token(request)
        if token is None:
            raise errors.NotAuthenticated
        if not tokens.is_monitoring(token):
            tokens.read(token)


class _Body:
    """The body of one request, as the application reads it."""

    def __init__(
        self, limits: RequestLimits, rules: BodyRules, limit: BodyLimit, scope: Scope, receive: Receive
    ) -> None:
        self._limits, self._rules, self._limit = limits, rules, limit
        self._scope, self._receive = scope, receive
        self._seen = 0
        self._checked = False
        self.held = 0

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            NotRead: a check refuses the request, the body is too large, or it comes in too slowly.
        """
        if not self._checked:
            self._checked = True
            await self._check()
        message = await self._receive()
        if self._scope.get("state", {}).get(SLOW_BODY):
            raise NotRead(errors.RequestTimeout())
        if message["type"] == "http.request":
            self._count(len(message.get("body", b"")))
        return message

    async def _check(self) -> None:
        rule = self._rules.of(self._scope)
        # No route reads the body of a GET request: a streamed answer calls this to learn that the client is gone.
        if rule is None or self._scope["method"] == "GET":
            return
        try:
            await run_checks(rule, self._scope)
            check_media(Headers(scope=self._scope), is_form=rule.is_form)
        except Exception as error:
            # Whatever it is: `main` answers it as if the route had raised it, and logs what it does not know.
            raise NotRead(error) from error

    def _count(self, size: int) -> None:
        self._seen += size
        if self._seen > self._limits.largest(self._limit):
            raise NotRead(self._limit.error())
        if self._limit is JSON_BODY:
            # A small body is always read: large ones of strangers cannot keep people out.
            if self.held + size > ALWAYS_READ_BYTES and not self._limits.has_room(size):
                raise NotRead(errors.TooBusy())
            self._hold(size)
            return
        begin_in_memory = self._seen <= FILE_BYTES_IN_MEMORY
        if begin_in_memory and not self.held:
            if self._limits.has_room(UPLOAD_BYTES_IN_MEMORY):
                self._hold(UPLOAD_BYTES_IN_MEMORY)
            else:
                begin_in_memory = False
        begin_files_in_memory(begin_in_memory)

    def _hold(self, size: int) -> None:
        self.held += size
        self._limits.hold(size)


def _check_declared_size(headers: Headers, limit: int, error: type[errors.AppError]) -> None:
    declared = headers.get("content-length", "")
    # The first 20 digits decide; int() of a very long text is slow.
    if declared.isdigit() and int(declared[:20]) > limit:
        raise error


async def _answer(error: errors.AppError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as the application answers this error, without routing; the rest of the body is not read."""
    response = await scope["app"].exception_handlers[errors.AppError](Request(scope), error)
    response.headers["connection"] = "close"
    await response(scope, receive, send)
