"""Refusals that need no body: a missing token and a request that is too large, before anything is read."""

import json
import logging
import re
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import errors
from accounts import tokens
from api.language import language_of
from api.sessions import session_token
from metrics import REQUESTS
from settings import Settings
from tracing import request_id

access = logging.getLogger("reperio.access")
PUBLIC = re.compile(
    r"^/(?!api/)|^/api/(check-event-code|event-info|check-user-availability|validate-selfie|register-with-event-code"
    r"|register-invite-with-selfie|login|password-reset)/?$"
)
SELFIE = re.compile(r"^/api/(validate-selfie|upload-selfie|register-invite-with-selfie)/?$")
PHOTOS = re.compile(r"^/api/(upload-photos?|photographer/events/[^/]+/upload-photos)/?$")
# Somewhat more than a selfie may have is read, so that its sender learns the reason in the contract's words.
SELFIE_BODY_FACTOR = 2.5


class BodyOverLimit(HTTPException):
    """Raised while a body is read. FastAPI lets this kind through; any other would become a 400."""

    def __init__(self, refusal: errors.AppError) -> None:
        super().__init__(refusal.status_code, refusal.message)
        self.refusal = refusal


class RequestLog:
    """Pure ASGI middleware, the outermost: gives each call an id, and notes how long it took."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and measure it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500
        if scope["method"] == "HEAD":
            # As GET; the server itself, which still knows, sends no body.
            scope = {**scope, "method": "GET"}

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = trace
            await send(message)

        with request_id(Headers(scope=scope).get("x-request-id")) as trace:
            try:
                await self._app(scope, receive, noting)
            finally:
                seconds = time.perf_counter() - began
                # The route's template, not the path: ids would make a series each.
                route = getattr(scope.get("route"), "path", "none")
                REQUESTS.labels(scope["method"], route, status).observe(seconds)
                # Without the query: it may hold a signature. Without the address: nobody needs it here.
                access.info("%s %s %d %.1f ms", scope["method"], scope["path"], status, seconds * 1000)


class RequestLimits:
    """Pure ASGI middleware: token first, then declared size, then a count of what really comes."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            self._check_token(request)
            limit, refusal = self._limit(request.url.path)
            self._check_declared(request, limit, refusal)
        except errors.AppError as error:
            await _answer(error, language_of(request), send)
            return
        await self._app(scope, _counted(receive, limit, refusal), send)

    def _check_token(self, request: Request) -> None:
        """Refuse what no account stands behind; whether the account still is open, the route asks."""
        path = request.url.path
        if PUBLIC.match(path) or request.method == "OPTIONS":
            return
        if request.method in ("GET", "HEAD") and "signature" in request.query_params:
            return
        token = session_token(request)
        if token is None:
            raise errors.NotAuthenticated
        if token != self._settings.monitoring_token:
            tokens.read(token)

    def _limit(self, path: str) -> tuple[int, errors.AppError]:
        if PHOTOS.match(path):
            return self._settings.max_upload_bytes, errors.BodyTooLarge()
        if SELFIE.match(path):
            return int(self._settings.max_selfie_bytes * SELFIE_BODY_FACTOR), errors.SelfieBodyTooLarge()
        return self._settings.max_json_bytes, errors.BodyTooLarge()

    @staticmethod
    def _check_declared(request: Request, limit: int, refusal: errors.AppError) -> None:
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared[:20]) > limit:
            raise refusal


def _counted(receive: Receive, limit: int, refusal: errors.AppError) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit:
                raise BodyOverLimit(refusal)
        return message

    return counted


async def _answer(error: errors.AppError, language: str, send: Send) -> None:
    body = json.dumps(error.body(language), ensure_ascii=False).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **error.headers}
    # The rest of the body is not wanted: the connection ends with the answer.
    headers["connection"] = "close"
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status_code, "headers": raw})
    await send({"type": "http.response.body", "body": body})
