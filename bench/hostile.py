"""Sends hostile images to a running service, and shows that nothing stalls, crashes or fails.

`python -m bench.hostile [--count 20000] [--seed 1]` starts a server of its own; `--base-url` takes one that runs,
with the photographer's token and event. Every file is checked as a selfie and sent as a photo. `--offline` needs no
server: it judges and decodes in two child processes, and counts how often a decoder dies. The exit status is 1 if a
worker died, an answer was a 5xx (a 503 with `Retry-After` is asked again), or one took more than 5 s.
"""

import argparse
import itertools
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from bench.hostile_offline import offline
from bench.processes import Family
from testkit.hostile_images import Hostile, hostile
from testkit.servers import BenchError, Launcher, create_event, temporary_folder

SECONDS = 5.0
CLIENTS = 4
BATCH = 20
TRIES = 200
TOO_MANY, BUSY, BROKEN = 429, 503, 500
DRAIN_SECONDS = 1800.0


@dataclass
class Found:
    """Answers by format and status, the slowest of each format with its kind, and what must not be."""

    statuses: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    slowest: dict[str, tuple[float, str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, what: str, status: str, took: float) -> None:
        """Count one answer; `what` names the file by its number and what was done to it."""
        with self.lock:
            self.statuses[name][status] += 1
            self.slowest[name] = max(self.slowest.get(name, (0.0, "")), (took, what))
            if took > SECONDS:
                self.wrong.append(f"{name} {what}: {took:.1f} s")
            if status.startswith("5"):
                self.wrong.append(f"{name} {what}: {status}")


@dataclass(frozen=True, slots=True)
class Target:
    """A service, and the event and token for photos; without these, only selfies are checked."""

    url: str
    event_id: int | None = None
    token: str | None = None


def _asked(send: Callable[[], httpx2.Response]) -> tuple[httpx2.Response, float]:
    """Send until the service is not too busy; return the answer, and the longest that it took to give one."""
    longest = 0.0
    for _ in range(TRIES):
        began = time.perf_counter()
        answer = send()
        longest = max(longest, time.perf_counter() - began)
        wait = answer.headers.get("Retry-After")
        if answer.status_code not in (TOO_MANY, BUSY) or wait is None:
            break
        time.sleep(min(float(wait), 5.0))
    return answer, longest


def _check(http: httpx2.Client, number: int, each: Hostile, found: Found) -> None:
    files = {"file": ("a.jpg", each.data, "image/jpeg")}
    answer, took = _asked(lambda: http.post("/api/validate-selfie", files=files))
    found.add(each.format, f"{number} ({each.kind})", str(answer.status_code), took)


def _upload(http: httpx2.Client, target: Target, batch: list[tuple[int, Hostile]], found: Found) -> None:
    # A few bytes behind a picture, so that each file is a photo of its own.
    files = [("files", (f"{at}.jpg", each.data + at.to_bytes(4, "big"), "image/jpeg")) for at, each in batch]
    path = f"/api/photographer/events/{target.event_id}/upload-photos"
    headers = {"Authorization": f"Bearer {target.token}"}
    answer, took = _asked(lambda: http.post(path, files=files, headers=headers))
    found.add("photos", f"{batch[0][0]} to {batch[-1][0]}", str(answer.status_code), took / len(batch))
    if answer.status_code < BROKEN:
        with found.lock:
            found.statuses["photos"]["files taken"] += len(answer.json().get("uploaded_photos", []))
            found.statuses["photos"]["files refused"] += len(answer.json().get("rejected", []))


def send_all(target: Target, files: Iterable[Hostile], found: Found) -> None:
    """Send all files from a few clients at once."""
    turn, lock = iter(enumerate(files)), threading.Lock()

    def client() -> None:
        with httpx2.Client(base_url=target.url, timeout=60) as http:
            while True:
                with lock:
                    batch = list(itertools.islice(turn, BATCH))
                if not batch:
                    return
                for number, each in batch:
                    _check(http, number, each, found)
                if target.token is not None:
                    _upload(http, target, batch, found)

    with ThreadPoolExecutor(CLIENTS) as pool:
        for each in [pool.submit(client) for _ in range(CLIENTS)]:
            each.result()


@contextmanager
def own_server() -> Iterator[tuple[Target, Launcher, Callable[[], int]]]:
    """Yield a server with an event, and a function that returns how many of its photos wait."""
    with temporary_folder() as folder:
        launcher = Launcher(Path(folder))
        try:
            server = launcher.start()
            event = create_event(server)

            def waiting() -> int:
                state = event.admin.call("GET", "/api/admin/jobs")["kinds"]["photos"]
                return int(state["pending"] + state["processing"])

            yield Target(server.url, event.id, event.photographer.token), launcher, waiting
        finally:
            launcher.stop()


def _drain(waiting: Callable[[], int], found: Found) -> None:
    began = time.monotonic()
    while waiting() and time.monotonic() - began < DRAIN_SECONDS:
        time.sleep(1)
    if left := waiting():
        found.wrong.append(f"{left} photos are still unfinished after {DRAIN_SECONDS:.0f} s")


def _against_own(count: int, seed: int, found: Found) -> None:
    with own_server() as (target, launcher, waiting):
        before = launcher.workers()
        with Family(before) as family:
            send_all(target, hostile(seed, count), found)
            _drain(waiting, found)
        if launcher.workers() != before:
            found.wrong.append(f"workers {before} became {launcher.workers()}")
        print(family.said())


def show(found: Found) -> None:
    """Print the answers by format, and what is wrong."""
    for name, counts in found.statuses.items():
        slowest, what = found.slowest[name]
        said = ", ".join(f"{number} x {status}" for status, number in sorted(counts.items()))
        print(f"{name:8} {said}; slowest {slowest:.2f} s: {what}")
    for line in found.wrong[:20]:
        print(f"WRONG {line}")
    print(f"{len(found.wrong)} wrong")


def main(arguments: list[str] | None = None) -> int:
    """Send the files and print the result; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--offline", action="store_true", help="judge and decode in child processes, without a server"
    )
    parser.add_argument("--base-url", help="a service that runs; with --event-id and --token also for photos")
    parser.add_argument("--event-id", type=int)
    parser.add_argument("--token", help="of a photographer of the event")
    given = parser.parse_args(arguments)
    if given.offline:
        return offline(hostile(given.seed, given.count))
    found = Found()
    try:
        if given.base_url:
            send_all(Target(given.base_url, given.event_id, given.token), hostile(given.seed, given.count), found)
        else:
            _against_own(given.count, given.seed, found)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    show(found)
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
