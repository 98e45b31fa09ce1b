"""Attacks on a server of its own, one after the other, while it is measured how other callers are served.

`python -m bench.attack [attack …]` prints a table and fails if a bound is broken: p99 of `/livez` and of
`check-event-code` under 250 ms, memory of each worker at most 150 MB over its idle size, no worker replaced.
"""

import argparse
import http.client
import itertools
import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bench.processes import memory_mb
from bench.responsive import quantile
from testkit.hostile_images import many_scans, png_bomb
from testkit.servers import Launcher, NewEvent, create_event, temporary_folder

SECONDS = 20.0
P99_MS, GROWTH_MB = 250.0, 150.0
HEAD = "Host: localhost\r\nContent-Type: {kind}\r\n"
MULTIPART = "multipart/form-data; boundary=x"
BOMB_SIDE, SCANS, SCANS_SIDE = 8000, 200, 3000


@dataclass
class Target:
    """The server under attack, and whose tokens the attacker has."""

    launcher: Launcher
    event: NewEvent
    guest: str
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        """The port of the server."""
        return urlsplit(self.launcher.url).port or 0

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def post(self, path: str, body: bytes, kind: str, token: str = "") -> int:
        """Send a POST request on a connection of its own; return its status, 0 if the connection breaks."""
        headers = {"Content-Type": kind, **({"Authorization": f"Bearer {token}"} if token else {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def repeat(self, threads: int, step: Callable[[int], object]) -> None:
        """Call `step` with numbers in several threads until the attack ends."""
        numbers = itertools.count()

        def work() -> None:
            while not self.stop.is_set():
                step(next(numbers))

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()

    def hold(self, count: int, head: str, piece: bytes, every: float) -> None:
        """Open connections that begin with `head` and then send `piece` every few seconds; replace those that end."""
        with ExitStack() as stack:
            held: list[socket.socket] = []
            while not self.stop.is_set():
                while len(held) < count:
                    held.append(stack.enter_context(self.connect()))
                    held[-1].sendall(head.encode())
                for each in list(held):
                    try:
                        each.sendall(piece)
                    except OSError:
                        held.remove(each)
                self.stop.wait(every)


def upload_of(picture: bytes, name: str = "file") -> bytes:
    """Return a multipart body with one file."""
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="a"\r\nContent-Type: image/jpeg\r\n\r\n'
    return head.encode() + picture + b"\r\n--x--\r\n"


def stalled_uploads(target: Target) -> None:
    """Uploads of selfies that send a byte a second."""
    kind = HEAD.format(kind=MULTIPART)
    target.hold(200, f"POST /api/validate-selfie HTTP/1.1\r\n{kind}Content-Length: 9000000\r\n\r\n", b"-", 1)


def slow_headers(target: Target) -> None:
    """Requests whose headers never end."""
    target.hold(500, "GET / HTTP/1.1\r\n", b"X: 1\r\n", 1)


def many_connections(target: Target) -> None:
    """More connections than a worker keeps, which send nothing."""
    target.hold(3000, "", b"", 1)


def body_before_role(target: Target) -> None:
    """200 MB for a photographer's call, with a guest's token."""
    head = (
        f"POST /api/upload-photos HTTP/1.1\r\n{HEAD.format(kind=MULTIPART)}Authorization: Bearer {target.guest}\r\n"
    )

    def step(_: int) -> None:
        with suppress(OSError), target.connect() as connection:
            connection.sendall(f"{head}Content-Length: 200000000\r\n\r\n".encode())
            for _ in range(200):
                connection.sendall(bytes(1_000_000))

    target.repeat(4, step)


def decode_bombs(target: Target) -> None:
    """Small PNGs of 64 megapixels as selfies to validate."""
    body = upload_of(png_bomb(BOMB_SIDE))
    target.repeat(4, lambda _: target.post("/api/validate-selfie", body, MULTIPART))


def scan_bombs(target: Target) -> None:
    """JPEGs with 200 scans as selfies to validate and as photos."""
    picture, token = many_scans(SCANS, SCANS_SIDE), target.event.photographer.token

    def step(number: int) -> None:
        if number % 4:
            target.post("/api/validate-selfie", upload_of(picture), MULTIPART)
        else:
            # Different bytes: the same photo is taken once.
            target.post("/api/upload-photos", upload_of(picture + b"%d" % number, "files"), MULTIPART, token)

    target.repeat(4, step)


def login_guessing(target: Target) -> None:
    """Wrong passwords of the photographer's account."""

    def step(number: int) -> None:
        body = json.dumps({"username": "lea", "password": f"wrong {number}"}).encode()
        target.post("/api/login", body, "application/json")

    target.repeat(8, step)


def code_guessing(target: Target) -> None:
    """Event codes that do not exist."""

    def step(number: int) -> None:
        target.post("/api/check-event-code", json.dumps({"event_code": f"G{number}"}).encode(), "application/json")

    target.repeat(8, step)


ATTACKS: tuple[Callable[[Target], None], ...] = (
    stalled_uploads,
    body_before_role,
    decode_bombs,
    scan_bombs,
    login_guessing,
    code_guessing,
    many_connections,
    slow_headers,
)


@dataclass
class Observed:
    """Seconds of each call of other people, failures among them, and the largest memory of a worker in MB."""

    times: dict[str, list[float]]
    failures: int = 0
    peak: dict[int, float] = field(default_factory=dict)


def observe(target: Target, code: str, seconds: float) -> Observed:
    """Call the service as others do for a while, and watch its workers."""
    seen = Observed({"livez": [], "code": []})
    asked = json.dumps({"event_code": code}).encode()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, method, path, body in (
            ("livez", "GET", "/livez", None),
            ("code", "POST", "/api/check-event-code", asked),
        ):
            began = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=30)
            try:
                connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
                answer = connection.getresponse()
                answer.read()
                # A guard that slows guesses down may do so to everybody at the attacker's address.
                seen.failures += answer.status not in (200, 429)
            except (OSError, http.client.HTTPException):
                seen.failures += 1
            finally:
                connection.close()
            seen.times[name].append(time.perf_counter() - began)
        for pid in target.launcher.workers():
            seen.peak[pid] = max(seen.peak.get(pid, 0.0), memory_mb(pid))
        time.sleep(0.02)
    return seen


def measure(target: Target, attack: Callable[[Target], None], seconds: float) -> bool:
    """Run one attack, print its line of the table, and tell whether every bound held."""
    before = {pid: memory_mb(pid) for pid in target.launcher.workers()}
    target.stop.clear()
    attacker = threading.Thread(target=attack, args=(target,))
    attacker.start()
    seen = observe(target, target.event.code, seconds)
    target.stop.set()
    attacker.join()
    grown = max((seen.peak.get(pid, 0.0) - size for pid, size in before.items()), default=0.0)
    alive = set(target.launcher.workers()) == set(before)
    worst = max(quantile(times, 0.99) for times in seen.times.values())
    figures = " | ".join(
        f"{quantile(times, 0.5):.0f} / {quantile(times, 0.99):.0f} / {quantile(times, 1):.0f}"
        for times in seen.times.values()
    )
    held = worst < P99_MS and grown < GROWTH_MB and alive and not seen.failures
    workers = "the same" if alive else "REPLACED"
    print(
        f"| {attack.__name__.replace('_', ' ')} | {figures} | {seen.failures} | {grown:.0f} | {workers} "
        f"| {'held' if held else 'BROKEN'} |",
        flush=True,
    )
    return held


def prepared(launcher: Launcher) -> Target:
    """Start the server; return it with an event and a guest."""
    server = launcher.start()
    event = create_event(server)
    who = {"username": "guest", "email": "guest@example.org", "password": "a guest of the bench"}
    event.admin.call("POST", "/api/register-with-event-code", json={"user_data": who, "event_code": event.code})
    guest = event.admin.logged_in("guest", who["password"], event.code)
    return Target(launcher, event, guest.token)


def main() -> int:
    """Run the attacks that are named, else all; return 1 if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [attack.__name__ for attack in ATTACKS]
    parser.add_argument("attack", nargs="*", help=", ".join(names))
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each attack lasts")
    asked = parser.parse_args()
    if unknown := {*asked.attack} - {*names}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    chosen = [attack for attack in ATTACKS if not asked.attack or attack.__name__ in asked.attack]
    with temporary_folder() as folder:
        launcher = Launcher(folder, FACE_RECOGNIZER_PROVIDER="local", ACCESS_LOG="false")
        try:
            target = prepared(launcher)
            print("| attack | livez ms p50 / p99 / max | code ms p50 / p99 / max | failed | grown MB | workers | |")
            print("|---|---|---|---|---|---|---|", flush=True)
            held = [measure(target, attack, asked.seconds) for attack in chosen]
        finally:
            launcher.stop()
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
