"""Two downloads of one guest at a time; a place is free again when one ends, is cut off, or its process died."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

import errors
from api.throttling import SlotResponse
from tests.conftest import wait_until
from tests.throttling.clock import Clock, counted
from throttling import slots


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[Clock]:
    with counted(tmp_path / "limits.db") as clock:
        yield clock


@contextmanager
def served(app: FastAPI) -> Iterator[int]:
    """Serve the application in a thread of this process; yields its port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


def is_free(user_id: int) -> bool:
    """Tell whether the guest may begin another download."""
    try:
        slots.take(user_id).release()
    except errors.TooManyRequests:
        return False
    return True


def test_two_at_a_time(clock: Clock) -> None:
    first, _ = slots.take(1), slots.take(1)
    assert not is_free(1)
    assert is_free(2)
    first.release()
    assert is_free(1)
    first.release()
    assert is_free(1)


def test_the_place_of_a_dead_process_expires_and_that_of_a_long_download_does_not(clock: Clock) -> None:
    dead, reading = slots.take(1), slots.take(1)
    chunks = reading.renewing(iter([b"chunk"] * 100))
    for _ in range(10):
        next(chunks)
        clock.pass_(slots.RENEW_SECONDS + 1)
    assert dead.key is not None
    assert slots.take(1).key == dead.key
    assert not is_free(1)


def test_a_dropped_connection_frees_its_place(clock: Clock) -> None:
    """With a real server: the client goes away in the middle of an endless download."""
    app = FastAPI()

    @app.get("/")
    def endless() -> SlotResponse:
        return SlotResponse(slots.take(1), iter(lambda: b"x" * 65536, b""))

    with served(app) as port:
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
        for each in clients:
            each.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert each.recv(100).startswith(b"HTTP/1.1 200")
        assert not is_free(1)
        clients[0].close()
        wait_until(lambda: is_free(1))
        clients[1].close()
