"""One installation on four hosts while machines fail: `python -m bench.hosts [--short]`, as root.

The hosts are network namespaces: a web machine, two workers, and PostgreSQL with an object storage. Guests and photos
arrive while one worker is killed, the other is cut off from the network and comes back, and the web machine restarts.
A calm run with the same people and pictures gives the expected matches.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import psycopg

from bench.chaos import differences
from bench.crowd import Crowd, Outcome, Plan
from testkit.event_photos import send_photos
from testkit.network_hosts import Host, network, unavailable
from testkit.sample_pictures import default_pictures
from testkit.servers import BenchError, Launcher, create_event, one_installation, temporary_folder
from testkit.store_host import Store, store_host

SHORT, FULL = Plan(seconds=25, guests=8, photos=40), Plan(seconds=60, guests=24, photos=120)
# Twice as long as a lease.
AWAY_SECONDS = 30.0
PORT = "8000"


@dataclass(frozen=True, slots=True)
class Installation:
    """The machines of a run, and the host of the second worker, whose link is cut."""

    web: Launcher
    workers: tuple[Launcher, Launcher]
    cut_off: Host
    store: Store


@contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """Run the four hosts.

    Raises:
        BenchError: a host or a machine does not start.
    """
    folder.mkdir()
    with ExitStack() as stack:
        net = stack.enter_context(network())
        hosts = [net.host() for _ in range(4)]
        store = stack.enter_context(store_host(folder, hosts[3].address, hosts[3].prefix))
        shared = {"GUNICORN_WORKERS": "1", "PORT": PORT, **store.environment}
        machine = stack.enter_context(one_installation(folder, store.database_url, **shared))

        def on(host: Host, role: str, name: str) -> Launcher:
            made = machine(role)
            made.address, made.prefix, made.log = host.address, host.prefix, folder / f"{name}.log"
            made.start()
            return made

        web = on(hosts[0], "web", "web")
        workers = (on(hosts[1], "worker", "worker-1"), on(hosts[2], "worker", "worker-2"))
        yield Installation(web, workers, hosts[2], store)


def pictures(plan: Plan, folder: Path) -> tuple[list[bytes], list[bytes]]:
    """Return real photos and portraits, each of other bytes: the photos differ in a comment of the JPEG."""
    found = default_pictures(folder)
    portraits = [each for all_of_one in found.portraits.values() for each in all_of_one]
    photos = [path for path in found.photos if path.suffix.lower() in (".jpg", ".jpeg")]
    return (
        [_numbered(path.read_bytes(), n) for n, path in enumerate(islice(cycle(photos), plan.photos))],
        [path.read_bytes() for path in islice(cycle(portraits), plan.guests)],
    )


def _numbered(jpeg: bytes, number: int) -> bytes:
    comment = f"photo {number}".encode()
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def wreck(on: Installation, seconds: float, away_seconds: float, over: threading.Event) -> list[str]:
    """Kill the first worker, cut the second off and join it again, restart the web machine; return what was done."""
    began, told = time.monotonic(), list[str]()
    first, _ = on.workers

    def kill_first() -> None:
        first.kill()
        told.append("a worker was killed")

    def restart_web() -> None:
        on.web.stop()
        on.web.start()
        told.append("the web machine was restarted")

    def join() -> None:
        on.cut_off.join()
        told.append(f"the other worker was cut off for {away_seconds:.0f} s")

    steps: list[tuple[float, Callable[[], object]]] = [
        (0.15 * seconds, kill_first),
        (0.25 * seconds, first.start),
        (0.35 * seconds, on.cut_off.cut),
        (0.6 * seconds, restart_web),
        (0.35 * seconds + away_seconds, join),
    ]
    for at, step in sorted(steps, key=lambda each: each[0]):
        over.wait(max(0.0, began + at - time.monotonic()))
        step()
    return told


def play(folder: Path, plan: Plan, away_seconds: float | None) -> tuple[Outcome, list[str]]:
    """Play one run and return what became of it; it is calm without `away_seconds`.

    Raises:
        BenchError: something was refused or never ended.
    """
    outcome, told = Outcome(), list[str]()
    with installation(folder) as on:
        photos, selfies = pictures(plan, folder)
        crowd = Crowd(on.web.server, plan, outcome)
        began, over = time.monotonic(), threading.Event()
        problems = list[BenchError]()

        def wrecking() -> None:
            try:
                told.extend(wreck(on, plan.seconds, away_seconds or 0, over))
            except BenchError as problem:
                problems.append(problem)

        wrecker = threading.Thread(target=wrecking)
        if away_seconds is not None:
            wrecker.start()
        crowd.arrive(photos, selfies)
        if away_seconds is not None:
            wrecker.join()
        if problems:
            raise problems[0]
        crowd.settle()
        outcome.seconds = time.monotonic() - began
        crowd.examine()
        told += _attempts(on.store.database_url)
        if away_seconds is not None:
            told += _comes_back(on, [_numbered(each, 9000) for each in photos[:2]])
    return outcome, told


def _attempts(database_url: str) -> list[str]:
    """Return a sentence about attempts that were given up or refused."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FILTER (WHERE attempts > 1), max(attempts) FROM photos").fetchone()
    assert row is not None
    return [f"{row[0]} photos took a second attempt, the most {row[1]}"]


def _comes_back(on: Installation, photos: list[bytes]) -> list[str]:
    """Return a sentence about the worker that was cut off: it takes jobs again, with the other one gone."""
    on.workers[0].kill()
    event = create_event(on.web.server, photographer="after")
    began = time.monotonic()
    send_photos(event.photographer, event.id, photos, seconds=90)
    return [f"the worker that was cut off did two photos alone in {time.monotonic() - began:.1f} s"]


def main() -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--short", action="store_true", help="fewer people and photos")
    asked = parser.parse_args()
    if (reason := unavailable()) is not None:
        print(f"not possible here: {reason}", file=sys.stderr)
        return 2
    plan = SHORT if asked.short else FULL
    with temporary_folder() as folder:
        calm, _ = play(folder / "calm", Plan(1, plan.guests, plan.photos), None)
        wild, told = play(folder / "wild", plan, AWAY_SECONDS)
        lost = differences(calm, wild)
    print(*told, sep="\n")
    print(
        f"{wild.accepted_selfies} portraits and {wild.accepted_photos} photos accepted, all through after "
        f"{wild.seconds:.0f} s (calm: {calm.seconds:.0f} s); {sum(map(len, wild.matches.values()))} matches"
    )
    print("nothing lost, nothing twice, matches as in the calm run" if not lost else "\n".join(lost))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
