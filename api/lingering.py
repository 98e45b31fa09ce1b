"""The end of an answer that is given before its request's body has been read."""

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.callers import FORWARDED

LINGER_SECONDS = 2.0


class Lingering:
    """ASGI middleware: after an early answer to a proxy, discards the rest of the body for at most two seconds.

    A server that closes a connection with unread bytes resets it. A proxy that is still sending then reports 502
    instead of the answer (Caddy and nginx: every second upload with an expired token). The answer itself is sent at
    once; only the end of the connection waits. Browsers, curl and httpx read the answer without this, so the body of
    a direct request is not read at all.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; hold back the end of its answer while the body is discarded."""
        if scope["type"] != "http" or not any(name in Headers(scope=scope) for name in FORWARDED):
            await self._app(scope, receive, send)
            return
        body_read = closes = ended = False

        async def reading() -> Message:
            nonlocal body_read
            message = await receive()
            body_read = body_read or not message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            nonlocal closes, ended
            if message["type"] == "http.response.start":
                closes = Headers(raw=message["headers"]).get("connection") == "close"
            elif closes and not body_read and not message.get("more_body", False):
                message, ended = {**message, "more_body": True}, True
            await send(message)

        await self._app(scope, reading, sending)
        if ended:
            with anyio.move_on_after(LINGER_SECONDS):
                while not body_read:
                    await reading()
            await send({"type": "http.response.body", "body": b""})
