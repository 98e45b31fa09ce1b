"""The calls that run most often, on this checkout and on another one, in turns of the same run.

`python -m bench.hot_calls --against PATH` starts both services with one worker each, on SQLite, with one event, and
sends each call over one kept-alive connection, first to one, then to the other. It prints CPU and wall time of a call
and the median of the ratios, and fails if one is above 1.10. The other checkout needs its environment in `.venv`.
"""

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from bench.responsive import cpu_seconds
from testkit.builders import people
from testkit.servers import Api, Launcher, create_event, temporary_folder, wait_until

BOUND = 1.10
TURNS, CALLS = 15, 300
PASSWORD = "Secret.000"  # noqa: S105 - of a guest of this run


class Checkout(Launcher):
    """A service that runs from a checkout of its own."""

    def __init__(self, folder: Path, root: Path, **environment: str) -> None:
        given = {"FACE_RECOGNIZER_PROVIDER": "fake", "GUNICORN_WORKERS": "1", "ACCESS_LOG": "false", **environment}
        super().__init__(folder, **given)
        self._root = root

    def _launch(self, output: IO[bytes]) -> "subprocess.Popen[bytes]":
        command = [str(self._root / ".venv" / "bin" / "python"), *self.command()[1:]]
        return subprocess.Popen(command, cwd=self._root, env=self.environment, stdout=output, stderr=output)


@dataclass
class Side:
    """One of the two services: its worker, a connection, and what a guest of its event needs for the calls."""

    workers: list[int]
    connection: http.client.HTTPConnection
    token: str
    picture: str

    def send(self, method: str, path: str, body: bytes | None = None) -> None:
        """Send one request and read its answer.

        Raises:
            AssertionError: it is not a 200.
        """
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        answer.read()
        assert answer.status == 200, f"{method} {path}: {answer.status}"


def _json(**fields: str) -> bytes:
    return json.dumps(fields).encode()


HOT: dict[str, Callable[[Side], None]] = {
    "check-event-code": lambda side: side.send("POST", "/api/check-event-code", _json(event_code="BENCH")),
    "me": lambda side: side.send("GET", "/api/me"),
    "my-photos": lambda side: side.send("GET", "/api/my-photos"),
    "rematch-status": lambda side: side.send("GET", "/api/rematch-status"),
    "signed picture": lambda side: side.send("GET", side.picture),
    "login": lambda side: side.send("POST", "/api/login", _json(username="amy", password=PASSWORD)),
}


def prepared(launcher: Launcher, folder: Path) -> Side:
    """Start a service; return it with a guest who is in three photos."""
    server = launcher.start()
    event = create_event(server, event_code="BENCH")
    files = []
    for number in (1, 2, 3):
        path = folder / f"{number}.jpg"
        path.write_bytes(people(1, number + 10))
        files.append(path)
    event.photographer.upload(event.id, files)
    with Api(server) as anyone:
        data = {"username": "amy", "email": "amy@example.org", "password": PASSWORD}
        anyone.call("POST", "/api/register-with-event-code", json={"user_data": data, "event_code": "BENCH"})
        guest = anyone.logged_in("amy", PASSWORD)
        guest.call("POST", "/api/upload-selfie", files={"file": ("a.jpg", people(1), "image/jpeg")})
        wait_until(lambda: len(guest.call("GET", "/api/my-photos")) == 3, 60, "three matches")
        address = urlsplit(guest.call("GET", "/api/my-photos")[0]["thumbnail_url"])
        token = anyone.call("POST", "/api/login", json={"username": "amy", "password": PASSWORD})["access_token"]
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.url).port or 80, timeout=30)
    return Side(launcher.workers(), connection, token, f"{address.path}?{address.query}")


def turn(side: Side, call: Callable[[Side], None], calls: int) -> tuple[float, float]:
    """Return CPU and wall time of one call in ms."""
    cpu, began = cpu_seconds(side.workers), time.perf_counter()
    for _ in range(calls):
        call(side)
    wall = time.perf_counter() - began
    return (cpu_seconds(side.workers) - cpu) / calls * 1000, wall / calls * 1000


def compare(here: Side, there: Side, turns: int) -> bool:
    """Print a line for each call; return whether all are within the bound."""
    held = True
    print(f"{'call':<18}{'CPU before':>12}{'now':>8}{'ratio':>8}{'wall before':>13}{'now':>8}{'ratio':>8}")
    for name, call in HOT.items():
        calls = CALLS // 10 if name == "login" else CALLS
        pairs = [(turn(there, call, calls), turn(here, call, calls)) for _ in range(turns + 1)][1:]
        shown = ""
        for which in (0, 1):
            before, now = (statistics.median(each[side][which] for each in pairs) for side in (0, 1))
            ratio = statistics.median(each[1][which] / each[0][which] for each in pairs)
            shown += f"{before:>12.2f}{now:>8.2f}{ratio:>8.2f} "
            held = held and (which == 1 or ratio <= BOUND)
        print(f"{name:<18}{shown}", flush=True)
    return held


def main() -> None:
    """Compare, and end with status 1 if a call takes more than a tenth more CPU than before."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--against", type=Path, required=True, help="a checkout of the release before")
    parser.add_argument("--turns", type=int, default=TURNS)
    asked = parser.parse_args()
    with temporary_folder() as folder:
        (folder / "here").mkdir()
        (folder / "there").mkdir()
        launchers = [
            Checkout(folder / "here", Path(__file__).resolve().parents[1]),
            Checkout(folder / "there", asked.against.resolve()),
        ]
        try:
            here, there = (prepared(each, folder) for each in launchers)
            sys.exit(0 if compare(here, there, asked.turns) else 1)
        finally:
            for each in launchers:
                each.stop()


if __name__ == "__main__":
    main()
