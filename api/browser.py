"""What browsers need: security headers on every answer, known host names only, calls from other origins."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import errors
from api.cookies import is_secure
from api.language import language_of
from setting_values import LOOPBACK
from settings import Settings

A_YEAR = 365 * 86_400
# What an answer carries unless its route says otherwise. Pages have a policy of their own (`pages.rendering`).
DEFAULTS = {
    "X-Content-Type-Options": "nosniff",
    # Addresses contain event codes and signatures.
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # Answers of the API hold tokens and names.
    "Cache-Control": "no-store",
}
_DEFAULTS = [(name.lower().encode(), value.encode()) for name, value in DEFAULTS.items()]
_HSTS = (b"strict-transport-security", f"max-age={A_YEAR}".encode())
# Names that reach this machine only, and the paths that monitors ask by its address.
PROBES = ("/livez", "/readyz", "/metrics")
# RFC 9112, 3.2: a name or an address, and a port.
HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
# Headers that a front end on another origin may send and read.
SENT = [
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "If-None-Match",
    "X-CSRF-Token",
    "X-Part-SHA256",
    "X-Request-ID",
]
READ = ["Content-Disposition", "ETag", "Retry-After", "X-Next-Cursor", "X-Request-ID", "X-Total-Count"]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"]


class SecurityHeaders:
    """ASGI middleware: adds the headers of `DEFAULTS` to every answer, over https also Strict-Transport-Security."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; complete the headers of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                # On the raw list: this runs for every answer.
                raw = message["headers"] = list(message.get("headers", ()))
                present = {name for name, _ in raw}
                raw += [each for each in _DEFAULTS if each[0] not in present]
                if is_secure(Request(scope)):
                    raw.append(_HSTS)
            await send(message)

        await self._app(scope, receive, sending)


class KnownHosts:
    """ASGI middleware: answers 421 to a request whose `Host` is not a name of this service.

    The names are the host of `PUBLIC_URL`, those in `ALLOWED_HOSTS`, and this machine's own. Without `PUBLIC_URL`
    (development) every name is taken, unless it is malformed.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        public = urlsplit(settings.public_url).hostname
        self._names = {public, *settings.allowed_host_names, *LOOPBACK} if public else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or scope["path"] in PROBES or self._is_known(scope):
            await self._app(scope, receive, send)
            return
        error = errors.UnknownHost()
        # For the security log (`api.middleware`). No page: those read the request's address, which needs a good name.
        scope["error_name"] = type(error).__name__
        answer = JSONResponse(error.body(language_of(Request(scope))), error.status_code, {"connection": "close"})
        await answer(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        names = [_host_name(value) for name, value in scope["headers"] if name == b"host"]
        if self._names is None:
            return names == [] or (len(names) == 1 and names[0] is not None)
        return len(names) == 1 and names[0] in self._names


@lru_cache(maxsize=64)
def _host_name(host: bytes) -> str | None:
    """Return the name in a `Host` header without its port, in lower case; None if it is malformed."""
    found = HOST.fullmatch(host.decode("latin-1"))
    return found["name"].strip("[]").lower() if found else None


def add_browser_rules(app: FastAPI, settings: Settings) -> None:
    """Add, around the middleware that `app` has, calls from `CORS_ORIGINS` and the security headers."""
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_credentials=True,
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=READ,
            max_age=600,
        )
    app.add_middleware(SecurityHeaders)
