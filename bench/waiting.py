"""What guests cost who wait for their matching, beside guests who ask each second, and how soon they learn of it.

`python -m bench.waiting [--postgresql]` starts the service with two processes. 2,000 guests, each on a connection of
its own and from one address, wait with `rematch-status?wait=25` for a minute, while another process ends the matching
of ten a second. Then that of all ends in one transaction. Before, a few guests ask once a second, slowly enough for
the service to keep up: the CPU of one call, times 2,000, is what asking each second costs.
"""

import argparse
import asyncio
import contextlib
import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Engine, create_engine, text

from accounts.tokens import issue
from bench.processes import memory_mb
from bench.responsive import cpu_seconds
from settings import get_settings
from testkit.postgres import databases
from testkit.servers import Launcher, temporary_folder

GUESTS, POLLERS, CHANGES = 2000, 50, 10
# Seconds in which the guests begin to wait.
RAMP = 25.0
BEFORE, LATER = "2026-01-01 00:00:00", "2100-01-01 00:00:00"
# What is asked for: a share of the CPU of asking each second, megabytes, and seconds.
SHARE, MEMORY_MB, LEARNED = 0.1, 150.0, 1.0
USERS = (
    "INSERT INTO users (id, username, username_key, event_id, created_at) VALUES (:id, :name, :name, 1, :at)",
    "INSERT INTO sessions (id, user_id, token_version, created_at, last_used_at, expires_at) "
    "VALUES (:name, :id, 0, :at, :now, :until)",
    "INSERT INTO user_events (user_id, event_id, joined_at, status) VALUES (:id, 1, :at, 'done')",
    "INSERT INTO selfies (user_id, created_at, lease_until) VALUES (:id, :at, :until)",
)
EVENT = (
    "INSERT INTO events (id, name, event_code, code_key, expires_at, active_engine_id, created_at) "
    "VALUES (1, 'Bench', 'BENCH', 'bench', :until, 'fake-1', :at)"
)


@dataclass
class Guest:
    """One guest: its connection, what it asks for, and when its matching ended."""

    number: int
    token: str
    port: int
    committed: float | None = None
    told: float | None = None
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, wait: int) -> dict[str, object]:
        """Send one request and return its answer."""
        if self.connection is None:
            self.connection = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.connection
        query = f"?wait={wait}" if wait else ""
        head = f"Host: localhost\r\nAuthorization: Bearer {self.token}\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n"
        writer.write(f"GET /api/rematch-status{query} HTTP/1.1\r\n{head}".encode())
        head_read = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head_read.split(b"content-length:")[1].split(b"\r\n")[0])
        answer: dict[str, object] = json.loads(await reader.readexactly(length))
        if b"connection: close" in head_read:
            writer.close()
            self.connection = None
        return answer


@dataclass
class Scene:
    """The running service and its guests."""

    launcher: Launcher
    engine: Engine
    guests: list[Guest] = field(default_factory=list)
    busy: int = 0
    # Whether those who are told ask no more.
    is_last: bool = False

    def cpu(self) -> float:
        """Return the CPU seconds of the service so far."""
        return cpu_seconds(self.launcher.workers())

    def memory(self) -> float:
        """Return the memory of the workers in MB."""
        return sum(memory_mb(each) for each in self.launcher.workers())

    def learned(self) -> list[float]:
        """Return after how many seconds guests learned of their changes, counted from the commit; and begin anew."""
        found = [
            max(0.0, each.told - each.committed)
            for each in self.guests
            if each.told is not None and each.committed is not None
        ]
        for each in self.guests:
            each.told = each.committed = None
        return found

    def change(self, numbers: Sequence[int], status: str) -> None:
        """Write the state of these guests' portraits, in one transaction of this process."""
        statement = "UPDATE selfies SET status = :status, lease_until = :until WHERE user_id = :id"
        with self.engine.begin() as connection:
            connection.execute(text(statement), [{"id": each, "status": status, "until": LATER} for each in numbers])


def fill(engine: Engine, guests: int) -> None:
    """Insert an event and its guests, whose portraits stay in the queue."""
    with engine.begin() as connection:
        connection.execute(text(EVENT), {"until": LATER, "at": BEFORE})
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        rows = [
            {"id": each, "name": f"g{each}", "at": BEFORE, "until": LATER, "now": now}
            for each in range(1000, 1000 + guests)
        ]
        for statement in USERS:
            connection.execute(text(statement), rows)


def guests_of(launcher: Launcher, guests: int) -> list[Guest]:
    """Return the guests, who connect with their first request."""
    port = urlsplit(launcher.url).port or 80
    return [Guest(each, issue(each, 0, timedelta(hours=1), f"g{each}"), port) for each in range(1000, 1000 + guests)]


async def poll(scene: Scene, pollers: int, seconds: float) -> float:
    """Let a few guests ask once a second; return the CPU seconds of one call."""

    async def one(guest: Guest) -> int:
        await asyncio.sleep(random.random())
        end, calls = time.monotonic() + seconds, 0
        while (began := time.monotonic()) < end:
            await guest.ask(0)
            calls += 1
            await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))
        return calls

    await asyncio.gather(*(each.ask(0) for each in scene.guests[:pollers]))
    before = scene.cpu()
    calls = await asyncio.gather(*(one(each) for each in scene.guests[:pollers]))
    return (scene.cpu() - before) / sum(calls)


async def wait(scene: Scene, guest: Guest) -> None:
    """Wait again and again, as the app does; note how soon the guest learns that its matching has ended."""
    await asyncio.sleep(random.random() * RAMP)
    while True:
        answer = await guest.ask(25)
        if "status" not in answer:
            # Too many at the same moment (503): the app asks again a little later.
            scene.busy += 1
            await asyncio.sleep(1 + random.random())
        elif answer["status"] != "queued":
            guest.told = time.monotonic()
            if scene.is_last:
                return
            await asyncio.to_thread(scene.change, [guest.number], "pending")


async def end_some(scene: Scene, seconds: float) -> None:
    """End the matching of CHANGES guests each second, of one after the other."""
    end = time.monotonic() + seconds
    order = iter(random.sample(scene.guests, len(scene.guests)))
    while time.monotonic() < end:
        guest = next(order)
        await asyncio.to_thread(scene.change, [guest.number], "done")
        guest.committed = time.monotonic()
        await asyncio.sleep(1 / CHANGES)


def told(seconds: list[float]) -> str:
    """Return the median, the 95th percentile and the most of these times."""
    ordered = sorted(seconds)
    p95 = ordered[int(len(ordered) * 0.95)]
    return f"median {statistics.median(ordered):.2f} s, p95 {p95:.2f} s, most {ordered[-1]:.2f} s"


async def run(scene: Scene, guests: int, seconds: float) -> bool:
    """Measure and print; return whether all is as asked."""
    scene.guests = guests_of(scene.launcher, guests)
    a_call = await poll(scene, POLLERS, 15.0)
    asking = a_call * guests
    print(f"asking each second: {a_call * 1000:.2f} ms CPU a call, {asking:.2f} s CPU a second for {guests} guests")
    before = scene.memory()
    tasks = [asyncio.create_task(wait(scene, each)) for each in scene.guests]
    await asyncio.sleep(RAMP + 10)
    assert not any(each.done() for each in tasks), "a guest was not answered"
    memory = scene.memory() - before
    cpu = scene.cpu()
    await asyncio.sleep(seconds)
    idle = (scene.cpu() - cpu) / seconds
    cpu = scene.cpu()
    await end_some(scene, seconds)
    waiting = (scene.cpu() - cpu) / seconds
    await asyncio.sleep(2)
    print(f"waiting: {idle:.3f} s CPU a second without changes, {waiting:.3f} with {CHANGES} changes a second")
    print(f"waiting: {waiting / asking:.3f} of asking; {memory:.0f} MB for all, {memory * 1000 / guests:.0f} KB each")
    some = scene.learned()
    print(f"one guest's change is learned: {told(some)}")
    everyone = await learned_by_all(scene)
    print(f"the change of all {len(everyone)} in one transaction is learned: {told(everyone)}")
    print(f"answered 503, too many at the same moment: {scene.busy}")
    await asyncio.gather(*tasks)
    return waiting <= asking * SHARE and memory <= MEMORY_MB and sorted(some)[int(len(some) * 0.95)] <= LEARNED


async def learned_by_all(scene: Scene) -> list[float]:
    """End the matching of all in one transaction; return after how many seconds each learned of it."""
    scene.is_last = True
    await asyncio.to_thread(scene.change, [each.number for each in scene.guests], "done")
    now = time.monotonic()
    for each in scene.guests:
        each.committed = now
    while any(each.told is None for each in scene.guests) and time.monotonic() < now + 60:
        await asyncio.sleep(0.1)
    return scene.learned()


def main() -> None:
    """Measure; end with status 1 if a bound is not held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--guests", type=int, default=GUESTS)
    parser.add_argument("--seconds", type=float, default=50.0)
    asked = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with temporary_folder() as folder, databases(folder, asked.postgresql) as new_database:
        address = new_database() or f"sqlite:///{folder}/bench.db"
        held = measured(folder, address, asked.guests, asked.seconds)
    sys.exit(0 if held else 1)


def measured(folder: Path, address: str, guests: int, seconds: float) -> bool:
    """Run the service and the guests on a new database."""
    launcher = Launcher(folder, address, FACE_RECOGNIZER_PROVIDER="fake", GUNICORN_WORKERS="2", ACCESS_LOG="false")
    get_settings().secret_key = launcher.environment["SECRET_KEY"]
    launcher.start()
    engine = create_engine(address)
    try:
        fill(engine, guests)
        return asyncio.run(run(Scene(launcher, engine), guests, seconds))
    finally:
        engine.dispose()
        with contextlib.suppress(ProcessLookupError):
            launcher.stop()


if __name__ == "__main__":
    main()
