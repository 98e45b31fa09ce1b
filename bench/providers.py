"""Compares the engines: precision and recall, CPU of a photo, and the latency of requests meanwhile.

The events are composed of the portraits beside the project and played through the API of a real server. Then calls of
guests come at 100 a second while 100 photos of 12 megapixels are processed; the engines take turns.
"""

import statistics
import sys
from dataclasses import dataclass

from bench.composed import GUESTS, compose, write
from bench.demo import play
from bench.ingest import twelve_megapixel_photo
from bench.processes import Family
from bench.report import Measured, Result, run_part
from bench.responsive import cpu_seconds, drain, make_scene, quantile, request_times
from testkit.sample_pictures import Pictures
from testkit.servers import Launcher, temporary_folder

PART = "providers"
PROVIDERS = ("local", "dlib")
SEEDS, QUICK_GUESTS = (7, 11), 6
QUEUE, REQUESTS, ROUNDS = 100, 1200, 3
# All guests come from one address.
UNLIMITED = {"RATE_REGISTRATIONS_MINUTE": "0", "RATE_WRONG_CODES_MINUTE": "0"}


@dataclass(frozen=True, slots=True)
class Quality:
    """An event through the service: precision and recall, CPU seconds a photo, MB of the largest child."""

    precision: float
    recall: float
    cpu: float
    child: float


def quality_of(provider: str, pictures: Pictures) -> Quality:
    """Play an event on a server with this engine."""
    with temporary_folder() as folder:
        launcher = Launcher(folder, FACE_RECOGNIZER_PROVIDER=provider, **UNLIMITED)
        try:
            server = launcher.start()
            with Family(launcher.workers()) as family:
                used = cpu_seconds(launcher.processes())
                report = play(server, pictures, 1)
                used = cpu_seconds(launcher.processes()) - used
            return Quality(
                report.mean_precision, report.mean_recall, used / len(pictures.photos), family.largest_child
            )
        finally:
            launcher.stop()


def p95_with(provider: str, photo: bytes, queue: int, requests: int) -> dict[str, tuple[float, float]]:
    """Return p95 of each call in ms, idle and while photos are processed."""
    with temporary_folder() as folder:
        scene = make_scene(folder, FACE_RECOGNIZER_PROVIDER=provider)
        try:
            scene.upload(photo, 2)
            drain(scene)
            idle = request_times(scene, requests, lambda: True)
            scene.upload(photo, queue)
            busy = request_times(scene, requests, lambda: scene.waiting() > 0)
            print(
                f"{provider}: {scene.waiting()} photos wait at the end of the requests", file=sys.stderr, flush=True
            )
        finally:
            scene.launcher.stop()
    return {name: (quantile(idle[name], 0.95), quantile(busy[name], 0.95)) for name in idle}


def _quality(guests: int, seeds: tuple[int, ...]) -> list[Result]:
    found: dict[str, list[Quality]] = {provider: [] for provider in PROVIDERS}
    for seed in seeds:
        with temporary_folder() as folder:
            pictures = write(compose(guests, seed), folder)
            for provider in PROVIDERS:
                found[provider].append(quality_of(provider, pictures))
                print(seed, provider, found[provider][-1], file=sys.stderr, flush=True)
    results = []
    for provider, rows in found.items():
        each = f"; events: {', '.join(f'{row.precision:.4f} and {row.recall:.3f}' for row in rows)}"
        what = f"{len(seeds)} events of {guests} guests"
        precision, recall = (statistics.mean(getattr(row, name) for row in rows) for name in ("precision", "recall"))
        results += [
            Result(f"{provider}: precision", precision, "", 0.99, at_least=True, note=what + each),
            Result(f"{provider}: recall", recall, "", 0.65, at_least=True),
            Result(f"{provider}: CPU a photo", statistics.mean(row.cpu for row in rows) * 1000, "ms"),
            Result(f"{provider}: memory of the largest child", max(row.child for row in rows), "MB", 1000),
        ]
    return results


def _latency(queue: int, requests: int, rounds: int) -> list[Result]:
    photo = twelve_megapixel_photo()
    found: dict[str, list[dict[str, tuple[float, float]]]] = {provider: [] for provider in PROVIDERS}
    for _ in range(rounds):
        for provider in PROVIDERS:
            found[provider].append(p95_with(provider, photo, queue, requests))
            print(provider, found[provider][-1], file=sys.stderr, flush=True)
    results = []
    for call in ("check-event-code", "login"):
        for provider, rows in found.items():
            idle, busy = (statistics.median(row[call][place] for row in rows) for place in (0, 1))
            note = f"idle {idle:.1f} ms; the medians of {rounds} rounds"
            bound = max(2 * idle, idle + 15)
            results.append(Result(f"{provider}: {call}, p95 with photos", busy, "ms", round(bound, 1), note=note))
    return results


def measure(quick: bool) -> Measured:
    """Measure quality and cost, then latency."""
    if quick:
        return Measured(PART, [*_quality(QUICK_GUESTS, SEEDS[:1]), *_latency(20, 200, 1)])
    return Measured(PART, [*_quality(GUESTS, SEEDS), *_latency(QUEUE, REQUESTS, ROUNDS)])


if __name__ == "__main__":
    sys.exit(run_part(measure, __doc__))
