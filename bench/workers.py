"""Compares one to four worker processes: request times, photos a second and memory.

Photos of 12 megapixels are processed alone, for the throughput; then more of them while the calls of guests come at
100 a second from the same machine. The numbers of workers take turns.
"""

import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.ingest import twelve_megapixel_photo
from bench.report import Drawing, Measured, Result, run_part
from bench.responsive import Scene, drain, make_scene, quantile, request_times
from testkit.servers import temporary_folder

PART = "workers"
COUNTS = (1, 2, 3, 4)
ROUNDS, QUICK_ROUNDS = 3, 1
ALONE, MEANWHILE = 80, 140
REQUESTS = 2000
WARM_UP = 12


@dataclass(frozen=True, slots=True)
class Figures:
    """Photos a second; p95 of a code's check and of a login and p99 of all calls, in ms; memory of all in MB."""

    photos: float
    check: float
    login: float
    slowest: float
    memory: float


def proportional(pids: list[int]) -> float:
    """Return the memory of these processes in MB; what several share is counted once."""
    rows = [Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() for pid in pids]
    return sum(int(row.split()[1]) for lines in rows for row in lines if row.startswith("Pss:")) * 1024 / 1e6


def observe(scene: Scene, photo: bytes, alone: int, meanwhile: int) -> Figures:
    """Process photos alone, then while requests come."""
    scene.upload(photo, WARM_UP)
    drain(scene)
    scene.upload(photo, alone)
    left, began = scene.waiting(), time.monotonic()
    while (waiting := scene.waiting()) > left // 8:
        time.sleep(0.2)
    photos = (left - waiting) / (time.monotonic() - began)
    drain(scene)
    scene.upload(photo, meanwhile)
    times = request_times(scene, REQUESTS, lambda: scene.waiting() > 0)
    drain(scene)
    return Figures(
        photos=photos,
        check=quantile(times["check-event-code"], 0.95),
        login=quantile(times["login"], 0.95),
        slowest=quantile([each for row in times.values() for each in row], 0.99),
        memory=proportional(scene.launcher.processes()),
    )


def measure(quick: bool) -> Measured:
    """Measure on SQLite, whose workers share a writer: the harder case for many of them."""
    photo = twelve_megapixel_photo()
    found: dict[int, list[Figures]] = {count: [] for count in COUNTS}
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        for count in COUNTS:
            with temporary_folder() as folder:
                scene = make_scene(folder, GUNICORN_WORKERS=str(count))
                try:
                    figures = observe(scene, photo, ALONE // (3 if quick else 1), MEANWHILE // (3 if quick else 1))
                    found[count].append(figures)
                    print(count, figures, file=sys.stderr, flush=True)
                finally:
                    scene.launcher.stop()
    cores = os.cpu_count()
    results = []
    lines: dict[str, list[tuple[float, float]]] = {"check-event-code": [], "login": [], "slowest of all": []}
    for count, rows in found.items():
        middle = {name: statistics.median(getattr(row, name) for row in rows) for name in Figures.__slots__}
        note = (
            f"while photos are processed and 100 calls a second come: p95 check-event-code {middle['check']:.0f} ms, "
            f"login {middle['login']:.0f} ms, p99 of all {middle['slowest']:.0f} ms; memory {middle['memory']:.0f} MB"
        )
        name = f"photos a second with {count} worker{'s' if count > 1 else ''} on {cores} cores"
        results.append(Result(name, middle["photos"], "", note=note))
        for line, key in zip(lines, ("check", "login", "slowest"), strict=True):
            lines[line].append((float(count), middle[key]))
    drawing = Drawing("Calls while photos are processed", "workers", "ms", lines)
    return Measured(PART, results, [drawing])


if __name__ == "__main__":
    sys.exit(run_part(measure, __doc__))
