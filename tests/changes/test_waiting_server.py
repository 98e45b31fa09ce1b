"""Requests that wait at a real server: its end, clients that go away, two processes, and a venue's one address."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import create_engine, text

from testkit.passwords import PASSWORD
from testkit.servers import Api, Launcher, create_event
from tests.conftest import wait_until

pytestmark = pytest.mark.server
TOKEN = "m" * 20
OPEN, CLIENTS = 60, 300
FAR = "2100-01-01 00:00:00"


class Place:
    """A server with two processes, and a guest whose portrait stays in the queue."""

    def __init__(self, folder: Path, address: str | None) -> None:
        address = address or f"sqlite:///{folder}/bench.db"
        self.launcher = Launcher(
            folder,
            address,
            FACE_RECOGNIZER_PROVIDER="fake",
            GUNICORN_WORKERS="2",
            MONITORING_TOKEN=TOKEN,
            MAX_WAITING_PER_ACCOUNT=str(CLIENTS),
            MAX_OPEN_REQUESTS=str(OPEN),
        )
        server = self.launcher.start()
        self.engine = create_engine(address)
        event = create_event(server, event_code="WAIT")
        with Api(server) as anyone:
            data = {"username": "amy", "email": "amy@example.org", "password": PASSWORD}
            anyone.call("POST", "/api/register-with-event-code", json={"user_data": data, "event_code": "WAIT"})
            self.guest = anyone.logged_in("amy", PASSWORD)
        self.event = event
        self.queue()

    def queue(self) -> None:
        """Queue a portrait that no thread takes."""
        statement = "INSERT INTO selfies (user_id, created_at, lease_until) SELECT id, :at, :until FROM users"
        with self.engine.begin() as connection:
            connection.execute(
                text(f"{statement} WHERE username = 'amy'"), {"at": "2026-01-01 00:00:00", "until": FAR}
            )

    def finish(self) -> None:
        """End the guest's matching, from this process."""
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE selfies SET status = 'done' WHERE status = 'pending'"))

    def waiting(self) -> int:
        """Return how many requests wait, in all processes."""
        lines = httpx2.get(f"{self.launcher.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
        found = [line for line in lines.splitlines() if line.startswith("reperio_waiting_requests ")]
        return int(float(found[0].split()[1])) if found else 0

    def ask(self) -> socket.socket:
        """Return a connection on which a request waits."""
        connection = socket.create_connection(("127.0.0.1", int(self.launcher.url.rsplit(":", 1)[1])), 10)
        head = f"Host: localhost\r\nAuthorization: Bearer {self.guest.token}\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n"
        connection.sendall(f"GET /api/rematch-status?wait=25 HTTP/1.1\r\n{head}".encode())
        return connection


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)],
    ids=["sqlite", "postgresql"],
)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The server on each database. The last test stops it."""
    address = None
    if request.param == "postgresql":
        address = request.getfixturevalue("postgres")("psycopg")
    made = Place(tmp_path_factory.mktemp("server"), address)
    yield made
    made.launcher.stop()
    made.engine.dispose()


def status_of(connection: socket.socket) -> int:
    """Return the status of the answer."""
    connection.settimeout(10)
    return int(connection.recv(4096).split()[1])


def begin_to_wait(place: Place, clients: ExitStack) -> list[socket.socket]:
    """Return connections on which requests wait. In groups: until it waits, a request counts as an open one."""
    waiting: list[socket.socket] = []

    def all_wait() -> bool:
        return place.waiting() == len(waiting)

    while len(waiting) < CLIENTS:
        waiting += [clients.enter_context(place.ask()) for _ in range(OPEN - 10)]
        wait_until(all_wait)
    return waiting


def test_hundreds_behind_one_proxy_wait_and_learn_of_a_change_and_those_who_leave_are_forgotten(place: Place) -> None:
    with ExitStack() as clients:
        waiting = begin_to_wait(place, clients)
        # Others are served, far above the limit of open requests.
        assert place.guest.call("GET", "/api/me")["username"] == "amy"
        for each in waiting[:200]:
            each.close()
        wait_until(lambda: place.waiting() == CLIENTS - 200)
        began = time.monotonic()
        place.finish()
        assert {status_of(each) for each in waiting[200:]} == {200}
        assert time.monotonic() - began < 5
        wait_until(lambda: place.waiting() == 0)


def test_a_stop_answers_those_who_wait_and_does_not_wait_for_them(place: Place) -> None:
    place.queue()
    with place.ask() as one, place.ask() as other:
        wait_until(lambda: place.waiting() == 2)
        began = time.monotonic()
        place.launcher.stop()
        assert {status_of(one), status_of(other)} == {200}
        assert time.monotonic() - began < 12
