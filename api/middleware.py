"""What is done for every request: its log line and metrics; its token and size are checked before it is read."""

import json
import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import errors
from accounts import tokens
from api.language import language_of
from api.rules import RouteRule, RouteRules
from api.sessions import session_token
from audit.actor import acting
from metrics import REQUESTS
from settings import Settings
from tracing import request_id

access = logging.getLogger("reperio.access")
security = logging.getLogger("reperio.security")
# Answers that refuse a caller, each of which the security log tells.
REFUSALS = (401, 403, 408, 413, 415, 421, 429, 431)


class BodyOverLimit(HTTPException):
    """Raised while a body is read. An HTTPException, because FastAPI turns any other exception into a 400."""

    def __init__(self, refusal: errors.AppError) -> None:
        super().__init__(refusal.status_code, refusal.message)
        self.refusal = refusal


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
            scope = {**scope, "method": "GET"}

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = trace
            await send(message)

        with request_id(Headers(scope=scope).get("x-request-id")) as trace, acting() as actor:
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                seconds = time.perf_counter() - began
                # The route's template, not the path: each id in a path would make a time series of its own.
                route = getattr(scope.get("route"), "path", "none")
                REQUESTS.labels(scope["method"], route, status).observe(seconds)
                # Without the query, which may hold a signature; without the client's address, which is personal data.
                if status in REFUSALS:
                    # With the route, not the path, which may hold a code.
                    name = scope.get("error_name", "")
                    security.warning("refused %s %s: %d %s, by %s", scope["method"], route, status, name, actor.kind)
                access.info("%s %s %d %.1f ms", scope["method"], scope["path"], status, seconds * 1000)


class RequestLimits:
    """ASGI middleware: checks the token and the declared size, then counts the bytes of the body as they arrive."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._rules: RouteRules | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with the error of the rule that it breaks."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._rules is None:
            # At the first request: by now every route has been added.
            self._rules = RouteRules(scope["app"].routes)
        rule = self._rules.of(scope["method"], scope["path"])
        limit = rule.body.largest(self._settings)
        try:
            if rule.needs_token:
                self._check_token(Request(scope), rule)
            _check_declared_size(Headers(scope=scope), limit, rule.body.error)
        except errors.AppError as error:
            scope["error_name"] = type(error).__name__
            await _answer(error, language_of(Request(scope)), send)
            return
        await self._app(scope, _counted(receive, limit, rule.body.error), send)

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
        if token != self._settings.monitoring_token:
            tokens.read(token)


def _check_declared_size(headers: Headers, limit: int, error: type[errors.AppError]) -> None:
    declared = headers.get("content-length", "")
    # The first 20 digits decide; int() of a very long text is slow.
    if declared.isdigit() and int(declared[:20]) > limit:
        raise error


def _counted(receive: Receive, limit: int, error: type[errors.AppError]) -> Receive:
    """Return a `receive` that raises BodyOverLimit once more than `limit` bytes have come in."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit:
                raise BodyOverLimit(error())
        return message

    return counted


async def _answer(error: errors.AppError, language: str, send: Send) -> None:
    body = json.dumps(error.body(language), ensure_ascii=False).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **error.headers}
    # Close the connection: the rest of the body is not read.
    headers["connection"] = "close"
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status_code, "headers": raw})
    await send({"type": "http.response.body", "body": body})
