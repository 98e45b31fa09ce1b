"""Slow and hostile clients on real sockets: what they get, and that others are served meanwhile."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from api.connections import Connection, connection_limit
from settings import get_settings
from testkit.servers import Server, free_port, run_server
from tests.conftest import wait_until

CHUNK = bytes(64 * 1024)


class Client:
    """One connection."""

    def __init__(self, port: int, *, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *parts: bytes) -> "Client":
        """Send bytes; the service may have closed already."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(b"".join(parts))
        return self

    def head(self) -> bytes:
        """Return the head of the answer; empty if the connection ends without one."""
        got = b""
        while b"\r\n\r\n" not in got:
            try:
                part = self.socket.recv(1)
            except ConnectionResetError:
                return got
            if not part:
                return got
            got += part
        return got

    def status(self) -> int:
        """Return the status of the answer; 0 if the connection ends without one."""
        return int((*self.head().split(), b"0", b"0")[1])

    def is_ended(self) -> bool:
        """Tell whether the service has closed the connection."""
        self.socket.setblocking(False)
        try:
            return self.socket.recv(65536) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        finally:
            self.socket.settimeout(10)


# --- an application of this test behind the service's connections -----------------------------------

Application = Callable[..., Any]


@contextmanager
def serving(application: Application) -> Iterator[int]:
    """Serve an ASGI application in a thread of this process; yields its port."""
    port = free_port()
    config = uvicorn.Config(application, port=port, http=Connection, ws="none", lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield port
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings under which a client is slow after a second or two."""
    get_settings.cache_clear()
    connection_limit.cache_clear()
    limits = {"HEAD_SECONDS": "1", "BODY_WINDOW_SECONDS": "1", "BODY_BYTES_PER_SECOND": "1000"}
    for name, value in {**limits, "ANSWER_STALL_SECONDS": "1", "MAX_CONNECTIONS": "5"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SECRET_KEY", "a key for tests only, forty characters..")
    yield
    get_settings.cache_clear()
    connection_limit.cache_clear()


async def answer(send: Callable[..., Any], body: bytes = b"") -> None:
    """Send a small answer."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


def test_a_sender_is_not_judged_while_the_service_does_not_read(strict: None) -> None:
    size = 8 * 1024 * 1024
    got = 0

    async def reads_late(scope: Any, receive: Any, send: Any) -> None:
        nonlocal got
        # Longer than the window, twice: before the body, and in the middle of it.
        for _ in range(2):
            await asyncio.sleep(1.6)
            got += len((await receive())["body"])
        while got < size:
            got += len((await receive())["body"])
        await answer(send)

    with serving(reads_late) as port, Client(port) as client:
        client.send(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size, bytes(size))
        assert client.status() == 200
    assert got == size


def test_a_reader_that_takes_nothing_is_cut_off_and_a_slow_one_is_not(strict: None) -> None:
    ended: list[str] = []
    pieces = 200

    async def tells_much(scope: Any, receive: Any, send: Any) -> None:
        length = b"%d" % (pieces * len(CHUNK))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        for left in reversed(range(pieces)):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": left > 0})
        ended.append(scope["path"])

    with serving(tells_much) as port, Client(port, receive_buffer=4096) as idle:
        idle.send(b"GET /idle HTTP/1.1\r\n\r\n")
        with Client(port, receive_buffer=4096) as slow:
            slow.send(b"GET /slow HTTP/1.1\r\n\r\n")
            end = time.monotonic() + 2.2
            while time.monotonic() < end:
                assert slow.socket.recv(20_000)
                time.sleep(0.2)
            assert "/slow" not in ended
        wait_until(lambda: "/idle" in ended)


def test_a_connection_that_waits_makes_room_for_a_new_one(strict: None) -> None:
    async def small(scope: Any, receive: Any, send: Any) -> None:
        await answer(send)

    with serving(small) as port, ExitStack() as stack:
        waiting = [stack.enter_context(Client(port)) for _ in range(5)]
        assert waiting[1].send(b"GET / HTTP/1.1\r\n\r\n").status() == 200
        for _ in range(3):
            with Client(port) as another:
                assert another.send(b"GET / HTTP/1.1\r\n\r\n").status() == 200
        assert waiting[0].is_ended()
        assert not waiting[1].is_ended(), "it was the last one to ask"


def test_where_every_connection_is_busy_a_new_one_gets_503(strict: None) -> None:
    async def never(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(60)

    with serving(never) as port, ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(Client(port)).send(b"GET / HTTP/1.1\r\n\r\n")
        with Client(port) as another:
            # The others must have arrived first.
            time.sleep(0.2)
            head = Client(port).head()
            assert head.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 2" in head
            assert another.status() in (0, 503)


def test_a_body_that_nobody_reads_ends_soon_after_the_answer(strict: None) -> None:
    async def hasty(scope: Any, receive: Any, send: Any) -> None:
        await answer(send)

    with serving(hasty) as port, Client(port) as client:
        client.send(b"POST / HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n", CHUNK)
        assert client.status() == 200
        end = time.monotonic() + 8
        while not client.is_ended() and time.monotonic() < end:
            client.send(CHUNK)
            time.sleep(0.05)
        assert client.is_ended()


# --- the whole service ------------------------------------------------------------------------------

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose patience is short."""
    with run_server(
        tmp_path_factory.mktemp("connections"),
        FACE_RECOGNIZER_PROVIDER="fake",
        GUNICORN_WORKERS="1",
        HEAD_SECONDS="1",
        BODY_WINDOW_SECONDS="1",
        BODY_SECONDS="4",
    ) as started:
        yield started


def connected(server: Server) -> Client:
    port = urlsplit(server.url).port
    assert port is not None
    return Client(port)


JSON = b"Host: localhost\r\nContent-Type: application/json\r\n"
ASK = b"POST /api/check-event-code HTTP/1.1\r\n" + JSON
BODY = b'{"event_code":"A"}'
GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (ASK + b"Content-Length: 18\r\n\r\n" + BODY, 200),
        (ASK.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Content-Length: 18\r\n\r\n" + BODY, 200),
        (ASK + b"Transfer-Encoding: chunked\r\n\r\n12\r\n" + BODY + b"\r\n0\r\nX-Trailer: 1\r\n\r\n", 200),
        (
            ASK + b"Transfer-Encoding: chunked\r\n\r\n12\r\n" + BODY + b"\r\n0\r\n" + b"X-T: 1\r\n" * 200 + b"\r\n",
            431,
        ),
        (ASK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + BODY, 400),
        (ASK + b"Transfer-Encoding: gzip\r\n\r\n" + BODY, 400),
        (ASK + b"Content-Length: 18\r\nContent-Length: 18\r\n\r\n" + BODY, 400),
        (ASK + b"Content-Length: 18\r\nContent-Length: 5\r\n\r\n" + BODY, 400),
        (ASK + b"Content-Length: 18, 18\r\n\r\n" + BODY, 400),
        (ASK + b"Content-Length: 18\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n" + BODY + b"\r\n0\r\n\r\n", 400),
        (ASK + b"Content-Length: -1\r\n\r\n" + BODY, 400),
        (ASK + b"Content-Length: +18\r\n\r\n" + BODY, 400),
        (ASK + b"Content-Length: 0x12\r\n\r\n" + BODY, 400),
        (ASK + b"Content-Length: 99999999999999999999999\r\n\r\n" + BODY, 400),
        (ASK + b"Content-Length: 999999999999999999\r\n\r\n" + BODY, 413),
        (ASK + b"Content-Length: 10\r\n\r\n" + BODY, 422),
        (GET + b"".join(b"X-%d: 1\r\n" % number for number in range(10_000)) + b"\r\n", 431),
        (GET + b"Cookie: a=" + b"x" * 65_536 + b"\r\n\r\n", 431),
        (GET + b"Cookie: a=" + b"x" * 400_000, 431),
        (b"GET /livez?" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /livez HTTP/1.1\nHost: localhost\n\n", 400),
        (b"GET /livez HTTP/1.1\rHost: localhost\r\r", 400),
        (b"GET http://other.example/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n", 400),
        (b"TRACE /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"PROPFIND /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"BREW /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /li\0vez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /li\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /%ff%fe%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /api/event-info?event_code=%00%ff HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /join?event_code=%00%ed%a0%80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        (GET + b"X-A: a\0b\r\n\r\n", 400),
        (GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n", 200),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
)
def test_odd_http_gets_an_answer_in_words(server: Server, request_: bytes, status: int) -> None:
    with connected(server) as client:
        assert client.send(request_).status() == status


@pytest.mark.parametrize("way", [b"Content-Length: 200000000", b"Transfer-Encoding: chunked"])
def test_expect_100_continue_is_answered_by_the_refusal(server: Server, way: bytes) -> None:
    with connected(server) as client:
        client.send(
            b"POST /api/upload-photos HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n", way, b"\r\n\r\n"
        )
        assert client.status() == 401
    with connected(server) as client:
        client.send(ASK, b"Expect: 100-continue\r\nContent-Length: 18\r\n\r\n")
        assert client.status() == 100


def test_what_the_code_parses_of_headers_and_cookies_is_never_a_500(server: Server) -> None:
    import base64

    deep = base64.urlsafe_b64encode(b"[" * 20_000)
    pair = base64.urlsafe_b64encode(b'["/login", {"username": "\\ud800", "tickets": ["\\ud800.x"]}]')
    page = b"Accept: text/html\r\n"
    cases = [
        (b"GET /api/me", b"Authorization: Bearer " + deep + b".e30.x", 401),
        (b"GET /api/me", b"Authorization: Bearer \xff\xfe", 401),
        (b"GET /login", b"Cookie: reperio_said=" + deep[:4000], 200),
        (b"GET /login", b"Cookie: reperio_said=" + pair, 200),
        (b"GET /login", b"Cookie: =; ;; reperio_session; reperio_session=\xff; reperio_visitor=\xff", 200),
        (b"GET /login", b"Accept-Language: fr;q=nan, en;q=1e999, \xff;q=-1, ;;;", 200),
        (b"GET /login", b"X-Forwarded-Proto: ,,\r\nX-Forwarded-For: \xff, [::, 1.2.3.4:x", 200),
        (b"GET /sw.js", b"Range: bytes=-5-,a\r\nIf-None-Match: \xff\r\nIf-Modified-Since: x", 200),
        (b"GET /livez", b"X-Request-ID: \xff\xff", 200),
        (b"GET /api/photo/1?user=%C2%B2&expires=%D9%A3&signature=%ed%a0%80", b"X-A: 1", 401),
        (
            b"POST /account/withdraw",
            page + b"Content-Type: application/x-www-form-urlencoded\r\nReferer: http://[",
            303,
        ),
        (
            b"POST /logout",
            b"Content-Type: multipart/form-data; charset=utf-8%00; boundary=x\r\nContent-Length: 0",
            415,
        ),
    ]
    for line, headers, status in cases:
        with connected(server) as client:
            client.send(line, b" HTTP/1.1\r\nHost: localhost\r\n", headers, b"\r\n\r\n")
            assert (line, headers, client.status()) == (line, headers, status)


def test_a_wrong_method_names_the_right_ones(server: Server) -> None:
    for method, path, allowed in (
        (b"GET", b"/api/login", b"POST"),
        (b"POST", b"/api/me", b"DELETE, GET, HEAD"),
        (b"DELETE", b"/login", b"GET, HEAD, POST"),
    ):
        with connected(server) as client:
            head = client.send(method, b" ", path, b" HTTP/1.1\r\nAuthorization: Bearer x\r\n\r\n").head()
            if b" 401 " not in head:
                assert b"allow: " + allowed + b"\r\n" in head


def test_methods_that_do_not_exist_make_no_new_time_series(server: Server) -> None:
    for method in (b"PROPFIND", b"MKCOL", b"PURGE", b"LOCK"):
        with connected(server) as client:
            client.send(method, b" /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").status()
    found = metrics(server)
    assert 'method="other"' in found
    assert "PROPFIND" not in found
    assert "MKCOL" not in found


def metrics(server: Server) -> str:
    with connected(server) as client:
        client.send(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
        got = b""
        while part := client.socket.recv(65536):
            got += part
    return got.decode()


def test_slow_senders_get_408_and_a_steady_one_gets_through(server: Server) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(6)]
        _, head, stalled, chunked, creeping, steady = clients
        head.send(b"GET /livez HTTP/1.1\r\nHost: loc")
        stalled.send(ASK, b"Content-Length: 18\r\n\r\n", BODY[:5])
        upload = b"POST /api/validate-selfie HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        chunked.send(upload, b"Transfer-Encoding: chunked\r\n\r\n5\r\n--x\r\n\r\n")
        creeping.send(upload, b"Content-Length: 100000\r\n\r\n--x\r\nX-Header: ")
        file = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        steady.send(upload, b"Content-Length: %d\r\n\r\n" % (len(file) + 6_600 + 9), file)
        for _ in range(6):
            creeping.send(b"x")
            steady.send(bytes(1100))
            time.sleep(0.4)
        steady.send(b"\r\n--x--\r\n")
        assert [each.status() for each in clients] == [0, 408, 408, 408, 408, 400]
    found = metrics(server)
    for reason in ("slow_head", "slow_body", "no_request", "invalid_request", "head_too_large"):
        assert f'reperio_connections_ended_total{{reason="{reason}"}}' in found
