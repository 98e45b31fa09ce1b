"""An answer given before the body has been read reaches a proxy that is still sending."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from testkit.servers import Server, run_server

pytestmark = pytest.mark.server
CHUNK = bytes(64 * 1024)
DECLARED = 50_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server: what becomes of a connection is its affair."""
    with run_server(
        tmp_path_factory.mktemp("early"), FACE_RECOGNIZER_PROVIDER="fake", GUNICORN_WORKERS="1"
    ) as started:
        yield started


def connected(server: Server, head: str) -> socket.socket:
    """Return a connection on which a proxy has sent the head of a request."""
    parts = urlsplit(server.url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
    connection.sendall(f"{head}\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n".encode())
    return connection


def answer_of(connection: socket.socket) -> str:
    """Read until the head and the JSON of the answer are there."""
    got = b""
    while not got.endswith(b"}"):
        part = connection.recv(65536)
        assert part, f"the connection ended after {got!r}"
        got += part
    return got.decode()


def keep_sending(connection: socket.socket, chunk: bytes) -> None:
    """Send another two megabytes, as a proxy does that has not looked at the answer yet."""
    for _ in range(32):
        connection.sendall(chunk)


def test_a_sender_without_a_token_is_not_cut_off(server: Server) -> None:
    head = f"POST /api/upload-photos HTTP/1.1\r\nContent-Length: {DECLARED}"
    with connected(server, head) as connection:
        connection.sendall(CHUNK)
        answer = answer_of(connection)
        keep_sending(connection, CHUNK)
    assert answer.startswith("HTTP/1.1 401 ")
    assert '"NotAuthenticated"' in answer


def test_a_sender_of_too_much_is_not_cut_off(server: Server) -> None:
    # No length is declared: the limit is met while the body comes in.
    chunk = f"{len(CHUNK):x}\r\n".encode() + CHUNK + b"\r\n"
    head = "POST /api/login HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
    with connected(server, head) as connection:
        for _ in range(20):
            connection.sendall(chunk)
        answer = answer_of(connection)
        keep_sending(connection, chunk)
    assert answer.startswith("HTTP/1.1 413 ")


def test_a_sender_that_waits_for_the_answer_gets_it_at_once_and_the_end_soon(server: Server) -> None:
    with connected(server, f"POST /api/upload-photos HTTP/1.1\r\nContent-Length: {DECLARED}") as connection:
        assert answer_of(connection).startswith("HTTP/1.1 401 ")
        assert connection.recv(1) == b"", "the connection stays open"
