"""What decoding in child processes costs and holds: start, memory, and calls while hostile selfies are decoded.

The hostile selfies are JPEGs of 64 megapixels with 95 scans: no limit refuses them, each takes more than its time.
"""

import statistics
import threading
import time
from collections import Counter
from typing import Any

import httpx2

from bench.ingest import twelve_megapixel_photo
from bench.processes import Family, memory_mb
from bench.responsive import make_scene, quantile
from bench.workers import proportional
from decoding.children import make_children
from settings import get_settings
from testkit.hostile import slow_jpeg
from testkit.sample_pictures import sample_file
from testkit.servers import TLS, Launcher, temporary_folder, wait_until

PHOTOS = 30
HOSTILE_SENDERS = 4
HOSTILE_SECONDS = 20.0


def start_seconds() -> tuple[float, float]:
    """Return the seconds until a first child has its engine, and those of a further one, on this machine now."""
    children = make_children(get_settings())
    began = time.perf_counter()
    children.checks.load()
    first = time.perf_counter() - began
    further = []
    for _ in range(5):
        children.jobs.close()
        children = make_children(get_settings())
        began = time.perf_counter()
        children.jobs.load()
        further.append(time.perf_counter() - began)
    children.close()
    return first, statistics.median(further)


def under_fire(url: str, seconds: float) -> tuple[Counter[tuple[int, str]], float, dict[str, list[float]]]:
    """Send hostile selfies and, meanwhile, ask other things.

    Returns how often each status and error came, the longest of these answers in seconds, and the seconds of the
    other calls.
    """
    end, answers, longest = time.monotonic() + seconds, Counter[tuple[int, str]](), [0.0]
    hostile, good = slow_jpeg(), sample_file("skimage", "data/astronaut.png").read_bytes()

    def attack() -> None:
        with httpx2.Client(base_url=url, verify=TLS, timeout=60) as client:
            while time.monotonic() < end:
                began = time.perf_counter()
                answer = client.post("/api/validate-selfie", files={"file": ("s.jpg", hostile, "image/jpeg")})
                longest[0] = max(longest[0], time.perf_counter() - began)
                answers[answer.status_code, answer.json().get("error", "")] += 1

    attackers = [threading.Thread(target=attack) for _ in range(HOSTILE_SENDERS)]
    for each in attackers:
        each.start()
    calls: dict[str, tuple[str, str, dict[str, Any]]] = {
        "livez": ("GET", "/livez", {}),
        "check-event-code": ("POST", "/api/check-event-code", {"json": {"event_code": "BENCH"}}),
        "validate-selfie": ("POST", "/api/validate-selfie", {"files": {"file": ("g.png", good, "image/png")}}),
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    with httpx2.Client(base_url=url, verify=TLS, timeout=60) as client:
        while time.monotonic() < end:
            for name, (method, path, body) in calls.items():
                began = time.perf_counter()
                status = client.request(method, path, **body).status_code
                times[name].append(time.perf_counter() - began)
                if name == "validate-selfie":
                    answers[status, "a guest's own"] += 1
            time.sleep(0.1)
    for each in attackers:
        each.join()
    return answers, longest[0], times


def main() -> None:
    """Print the figures."""
    first, further = start_seconds()
    print(
        f"a child with its engine: the first, with its template, after {first:.2f} s, a further one {further:.2f} s"
    )
    with temporary_folder() as folder:
        scene = make_scene(folder, GUNICORN_WORKERS="1")
        try:
            (worker,) = scene.launcher.workers()
            with_children = proportional_of(scene.launcher)
            print(f"memory of an idle worker {memory_mb(worker):.0f} MB; with its children {with_children:.0f} MB")
            with Family([worker]) as family:
                scene.upload(twelve_megapixel_photo(), PHOTOS)
                wait_until(lambda: scene.waiting() == 0, 300, "the photos")
                print(f"  after {PHOTOS} photos with its children {proportional_of(scene.launcher):.0f} MB")
                answers, longest, times = under_fire(scene.server.url, HOSTILE_SECONDS)
            print(f"  at the highest: worker {family.largest_worker:.0f} MB, child {family.largest_child:.0f} MB")
            assert scene.launcher.workers() == [worker], "a worker died"
        finally:
            scene.launcher.stop()
    print(f"{HOSTILE_SENDERS} senders of hostile selfies for {HOSTILE_SECONDS:.0f} s; longest answer {longest:.1f} s")
    for (status, error), count in sorted(answers.items()):
        print(f"  {count:4} x {status} {error}")
    for name, row in times.items():
        middle, high = quantile(row, 0.5), quantile(row, 0.99)
        print(f"  meanwhile {name}: median {middle:.0f} ms, p99 {high:.0f} ms ({len(row)} calls)")


def proportional_of(launcher: Launcher) -> float:
    """Return the memory of the workers and all they started in MB; what several share is counted once."""
    return proportional(launcher.processes())


if __name__ == "__main__":
    main()
