"""Gunicorn servers on temporary databases, and a small client of their REST API."""

import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx2

from testkit.passwords import PASSWORD
from testkit.warm import WarmProcess

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60.0
CHEAP_APP = "testkit.cheap_app:app"
STOP_SECONDS = 40.0
POLL_SECONDS = 0.1
# Shared by all clients: loading certificates takes 24 ms, and these servers speak plain HTTP.
TLS = ssl.create_default_context()


class BenchError(Exception):
    """A step failed; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its address, the administrator's name and password, and the id of its master process."""

    url: str
    admin: str
    password: str
    pid: int


def free_port() -> int:
    """Return a TCP port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Launcher:
    """Starts and stops the service on one database, storage and port, any number of times."""

    # Tests set it: their servers start as forks of a process that has imported the packages.
    warm = False

    def __init__(
        self, folder: Path, database_url: str | None = None, *, app: str = "main:app", **environment: str
    ) -> None:
        self._app = app
        port, password = free_port(), secrets.token_urlsafe(12)
        self.log = folder / "server.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "PUBLIC_URL"},
            "DATABASE_URL": database_url or f"sqlite:///{folder}/bench.db",
            "STORAGE_URL": f"file://{folder}/storage",
            "PORT": str(port),
            "ADMIN_USERNAME": "admin",
            "ADMIN_PASSWORD": password,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "APP_ENV": "development",
            "MAIL_OUTBOX": "off",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | WarmProcess | None = None
        # The address at which it is reached, and what its command begins with: those of a host of its own.
        self.address, self.prefix = "127.0.0.1", list[str]()
        self.password = self.environment["ADMIN_PASSWORD"]

    def start(self) -> Server:
        """Start the server and wait until it is ready.

        Raises:
            BenchError: the server did not start; the message holds the end of its log.
        """
        with self.log.open("ab") as output:
            self._process = self._launch(output)
        _wait_ready(self.server, self._process, self.log)
        return self.server

    def _launch(self, output: IO[bytes]) -> "subprocess.Popen[bytes] | WarmProcess":
        command, descriptors = self.command(), self.descriptors()
        if self.warm and command[0] == sys.executable and not descriptors:
            return WarmProcess(command[1:], self.environment, output.fileno(), output.fileno())
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=output, stderr=subprocess.STDOUT, pass_fds=descriptors
        )

    @property
    def url(self) -> str:
        """The address of the server, for clients."""
        return f"http://{self.address}:{self.environment['PORT']}"

    def command(self) -> list[str]:
        """Return what is run."""
        return [*self.prefix, sys.executable, "-m", "gunicorn", self._app, "-c", "gunicorn_config.py"]

    def descriptors(self) -> tuple[int, ...]:
        """Return the descriptors that the server inherits."""
        return ()

    @property
    def server(self) -> Server:
        """The running server."""
        assert self._process is not None
        return Server(self.url, "admin", self.password, self._process.pid)

    def stop(self) -> None:
        """Stop with SIGTERM and wait for the end."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill master and workers with SIGKILL."""
        if self._process is None:
            return
        workers = self.workers()
        self._process.kill()
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        return [] if self._process is None else _children(self._process.pid)

    def processes(self) -> list[int]:
        """Return the process ids of the workers and of all that they started."""
        found = self.workers()
        # The list grows while it is read.
        for pid in found:
            found += _children(pid)
        return found


@contextmanager
def one_installation(folder: Path, database_url: str, **environment: str) -> Iterator[Callable[..., Launcher]]:
    """Yields a function that returns a new machine of one installation, to be started: `machine("web", PORT=…)`.

    The machines share the database, the storage in `folder`, and the keys; each is killed at the end.
    """
    shared = {"SECRET_KEY": secrets.token_urlsafe(48), "ADMIN_PASSWORD": secrets.token_urlsafe(12), **environment}
    machines = list[Launcher]()

    def machine(role: str, **own: str) -> Launcher:
        machines.append(Launcher(folder, database_url, ROLE=role, **{**shared, **own}))
        return machines[-1]

    try:
        yield machine
    finally:
        for each in machines:
            each.kill()


def _children(pid: int) -> list[int]:
    try:
        tasks = [each.read_text().split() for each in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(child) for each in tasks for child in each]


@contextmanager
def run_server(
    folder: Path, database_url: str | None = None, *, app: str = "main:app", **environment: str
) -> Iterator[Server]:
    """Run the service on a temporary database and storage in `folder`; stop it at the end.

    Raises:
        BenchError: the server did not start; the message holds the end of its log.
    """
    launcher = Launcher(folder, database_url, app=app, **environment)
    try:
        yield launcher.start()
    finally:
        launcher.stop()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yields a new folder, which is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="reperio-") as name:
        yield Path(name)


def _wait_ready(server: Server, process: "subprocess.Popen[bytes] | WarmProcess", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx2.get(f"{server.url}/readyz", verify=TLS).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(POLL_SECONDS)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise BenchError(f"the server did not start:\n{tail}")


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until `condition` is true; `what` names it in the error.

    Raises:
        BenchError: it is still false after `seconds`.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise BenchError(f"{what}: not within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)


class Api:
    """The REST calls of one user, or without a token."""

    def __init__(self, server: Server, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._server, self.token = server, token or ""
        self._http = httpx2.Client(base_url=server.url, headers=headers, timeout=120, verify=TLS)

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """Send a request and return the JSON of the response.

        Raises:
            BenchError: the status is not 200.
        """
        answer = self._http.request(method, path, **kwargs)
        if answer.status_code != 200:
            raise BenchError(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def picture(self, url: str) -> bytes:
        """Return the bytes at an address.

        Raises:
            BenchError: the status is not 200.
        """
        answer = self._http.get(url)
        if answer.status_code != 200:
            raise BenchError(f"GET {url} answered {answer.status_code}")
        return bytes(answer.content)

    def logged_in(self, username: str, password: str, event_code: str | None = None) -> "Api":
        """Log in and return the calls of that user."""
        body = {"username": username, "password": password, "event_code": event_code}
        return Api(self._server, self.call("POST", "/api/login", json=body)["access_token"])

    def upload(self, event_id: int, files: Sequence[Path]) -> Any:
        """Upload photos to an event; return the JSON of the response."""
        parts = [("files", (path.name, path.read_bytes())) for path in files]
        return self.call("POST", f"/api/photographer/events/{event_id}/upload-photos", files=parts)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event on a server, with the calls of its administrator and of its photographer."""

    id: int
    code: str
    admin: Api
    photographer: Api


def create_event(server: Server, photographer: str = "lea", password: str = PASSWORD, **fields: Any) -> NewEvent:
    """Create a photographer and an event that is assigned to them; `fields` are those of the event.

    Raises:
        BenchError: the server refuses one of the two.
    """
    with Api(server) as anyone:
        admin = anyone.logged_in(server.admin, server.password)
        who = {"username": photographer, "email": f"{photographer}@example.org", "password": password}
        photographer_id = admin.call("POST", "/api/admin/photographers", json=who)["photographer_id"]
        body = {"name": "Event", "photographer_id": photographer_id, **fields}
        event = admin.call("POST", "/api/admin/create-event", json=body)
        return NewEvent(event["event_id"], event["event_code"], admin, anyone.logged_in(photographer, password))
