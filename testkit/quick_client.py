"""A test client that crosses to the application's thread once per request, not eight times."""

from typing import Any
from urllib.parse import unquote

import anyio
import httpx2
from starlette.testclient import TestClient

WHOLE = "whole"


class QuickClient(TestClient):
    """Starlette's client. Answers that nobody reads in parts are collected by the thread that makes them.

    Starlette's own way costs several milliseconds per request, most of them for waking threads.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._transport = _Transport(self._transport)

    def send(self, request: httpx2.Request, *, stream: bool = False, **kwargs: Any) -> httpx2.Response:
        """Send a request; with `stream`, read the answer as it comes."""
        request.extensions = {**request.extensions, WHOLE: not stream}
        return super().send(request, stream=stream, **kwargs)


class _Transport(httpx2.BaseTransport):
    """Answers whole requests itself, and leaves the others to Starlette's transport."""

    def __init__(self, streaming: Any) -> None:
        self._streaming = streaming

    def close(self) -> None:
        self._streaming.close()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if not request.extensions.get(WHOLE) or request.url.scheme not in ("http", "https"):
            response: httpx2.Response = self._streaming.handle_request(request)
            return response
        messages: list[Any] = []
        with self._streaming.portal_factory() as portal:
            try:
                portal.call(_answer, self._streaming.app, self._scope(request), request.read(), messages)
            except Exception:
                if self._streaming.raise_server_exceptions:
                    raise
        return _response(request, messages)

    def _scope(self, request: httpx2.Request) -> dict[str, Any]:
        url = request.url
        return {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "path": unquote(url.path),
            "raw_path": url.raw_path.split(b"?", 1)[0],
            "root_path": self._streaming.root_path,
            "scheme": url.scheme,
            "query_string": url.query,
            "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers.multi_items()],
            "client": self._streaming.client,
            "server": [url.raw_host.decode("ascii"), url.port or {"http": 80, "https": 443}[url.scheme]],
            "extensions": {},
            "state": self._streaming.app_state.copy(),
        }


async def _answer(app: Any, scope: dict[str, Any], body: bytes, messages: list[Any]) -> None:
    """Run the application on one request; append what it sends to `messages`."""
    to_read = [{"type": "http.request", "body": body}]
    complete = anyio.Event()

    async def receive() -> Any:
        if to_read:
            return to_read.pop()
        await complete.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        assert not complete.is_set(), f"{message['type']} after the end of the answer"
        messages.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            complete.set()

    await app(scope, receive, send)


def _response(request: httpx2.Request, messages: list[Any]) -> httpx2.Response:
    if not messages:
        return httpx2.Response(500, request=request)
    start, *parts = messages
    body = b"".join(bytes(part.get("body", b"")) for part in parts) if request.method != "HEAD" else b""
    headers = [(name.decode(), value.decode()) for name, value in start.get("headers", [])]
    return httpx2.Response(start["status"], headers=headers, stream=httpx2.ByteStream(body), request=request)
