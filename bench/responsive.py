"""The effect of a full photo queue on requests, memory, throughput, and the time of a selfie."""

import argparse
import multiprocessing
import statistics
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from sqlalchemy import create_engine, insert

import images
from bench.ingest import bare_cpu_seconds, twelve_megapixel_photo
from bench.processes import memory_mb
from faces.local import ENGINE_ID, LocalEngine
from models import Face, Photo
from testkit.passwords import PASSWORD
from testkit.sample_pictures import sample_file
from testkit.servers import Api, Launcher, Server, create_event, temporary_folder, wait_until

RATE = 100.0
CLIENTS = 8
QUEUE_SECONDS = 900.0
CLOCK_TICKS = 100


@dataclass
class Scene:
    """A running server with an event, its photographer and a guest."""

    launcher: Launcher
    server: Server
    admin: Api
    photographer: Api
    event_id: int
    guest_token: str
    pictures: int = field(default=0)

    def upload(self, base: bytes, number: int) -> None:
        """Send as many photos; they differ in a few bytes behind the picture, so each is a photo of its own."""
        path = f"/api/photographer/events/{self.event_id}/upload-photos"
        for _ in range(number):
            self.pictures += 1
            data = base + self.pictures.to_bytes(4, "big")
            self.photographer.call("POST", path, files=[("files", (f"p{self.pictures}.jpg", data, "image/jpeg"))])

    def waiting(self) -> int:
        """Return the number of unfinished photos."""
        state = self.admin.call("GET", "/api/admin/jobs")["kinds"]["photos"]
        return int(state["pending"] + state["processing"])


def make_scene(folder: Path, launcher: Launcher | None = None, **environment: str) -> Scene:
    """Start a server, that of `launcher` if given, and register everybody."""
    launcher = launcher or Launcher(folder, **environment)
    server = launcher.start()
    anyone = Api(server)
    event = create_event(server, "lea", PASSWORD, event_code="BENCH")
    data = {"username": "amy", "email": "amy@example.org", "password": PASSWORD}
    anyone.call("POST", "/api/register-with-event-code", json={"user_data": data, "event_code": "BENCH"})
    token = anyone.call("POST", "/api/login", json={"username": "amy", "password": PASSWORD})["access_token"]
    return Scene(launcher, server, event.admin, event.photographer, event.id, token)


# --- requests -------------------------------------------------------------------------------------------


def _calls(scene: Scene) -> dict[str, Callable[[httpx2.Client], Any]]:
    guest = {"Authorization": f"Bearer {scene.guest_token}"}
    login = {"username": "amy", "password": PASSWORD}
    asked = {"username": "somebody", "event_code": "BENCH"}
    return {
        "check-event-code": lambda http: http.post("/api/check-event-code", json={"event_code": "BENCH"}),
        "check-user-availability": lambda http: http.post("/api/check-user-availability", json=asked),
        "login": lambda http: http.post("/api/login", json=login),
        "my-photos": lambda http: http.get("/api/my-photos", headers=guest),
    }


def request_times(scene: Scene, number: int, going_on: Callable[[], bool]) -> dict[str, list[float]]:
    """Send the four calls in turn at a fixed rate while a condition holds; return the seconds each took."""
    calls = list(_calls(scene).items())
    times: dict[str, list[float]] = {name: [] for name, _ in calls}
    began, turn, lock = time.monotonic(), iter(range(number)), threading.Lock()

    def client() -> None:
        with httpx2.Client(base_url=scene.server.url, timeout=30) as http:
            while True:
                with lock:
                    place = next(turn, None)
                if place is None or (place % 200 == 0 and not going_on()):
                    return
                time.sleep(max(0.0, began + place / RATE - time.monotonic()))
                name, call = calls[place % len(calls)]
                start = time.perf_counter()
                answer = call(http)
                times[name].append(time.perf_counter() - start)
                assert answer.status_code == 200, answer.text

    with ThreadPoolExecutor(CLIENTS) as pool:
        for each in [pool.submit(client) for _ in range(CLIENTS)]:
            each.result()
    return times


def quantile(values: list[float], share: float) -> float:
    """Return a quantile of seconds, in milliseconds."""
    return float(np.quantile(values, share)) * 1000


def show_requests(idle: dict[str, list[float]], busy: dict[str, list[float]]) -> None:
    """Print p95 of each call, idle and busy, and whether it keeps its bound."""
    print(f"Requests at {RATE:.0f}/s: {sum(map(len, busy.values()))} with photos in the queue")
    for name, quiet in idle.items():
        calm, loaded = quantile(quiet, 0.95), quantile(busy[name], 0.95)
        bound = max(2 * calm, calm + 15)
        word = "kept" if loaded <= bound else "MISSED"
        print(f"  {name:<24} p95 idle {calm:6.1f} ms  busy {loaded:6.1f} ms  bound {bound:6.1f} ms  {word}")
    every = [each for row in busy.values() for each in row]
    print(f"  p99.9 of all: {quantile(every, 0.999):.0f} ms (bound 250)")


# --- processes --------------------------------------------------------------------------------------------


def cpu_seconds(pids: list[int]) -> float:
    """Return the CPU seconds these processes have used."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / CLOCK_TICKS


def drain(scene: Scene) -> list[tuple[int, float]]:
    """Wait for the queue to empty; return what was left and the largest process's memory, second by second."""
    seen: list[tuple[int, float]] = []

    def empty() -> bool:
        seen.append((scene.waiting(), max(map(memory_mb, scene.launcher.processes()))))
        time.sleep(0.9)
        return seen[-1][0] == 0

    wait_until(empty, QUEUE_SECONDS, "the queue to empty")
    return seen


def _bare(base: bytes, number: int, results: Any) -> None:
    engine = LocalEngine()
    bare_cpu_seconds(engine, base)
    began, cpu = time.monotonic(), 0.0
    for _ in range(number):
        cpu += bare_cpu_seconds(engine, base)[0]
    results.put((time.monotonic() - began, cpu))


def bare_throughput(base: bytes, number: int) -> tuple[float, float]:
    """Return photos a second of two processes that run the bare engine, and its CPU seconds per photo."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=_bare, args=(base, number // 2, results)) for _ in range(2)]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return number / max(row[0] for row in found), sum(row[1] for row in found) / number


def show_throughput(scene: Scene, base: bytes, number: int) -> None:
    """Print the queue's throughput and CPU per photo against the bare engine's, and the workers' memory."""
    bare_rate, bare_cpu = bare_throughput(base, number // 3)
    processes = scene.launcher.processes
    used, began = cpu_seconds(processes()), time.monotonic()
    scene.upload(base, number)
    arrived, used_by_arrival = time.monotonic() - began, cpu_seconds(processes()) - used
    left = scene.waiting()
    before, start = cpu_seconds(processes()), time.monotonic()
    seen = drain(scene)
    rate, cpu = left / (time.monotonic() - start), (cpu_seconds(processes()) - before) / left
    print(f"{number} photos of 12 megapixels: received in {arrived:.0f} s ({used_by_arrival:.0f} s CPU), {left} left")
    print(f"  throughput {rate:.2f}/s, bare engine in two processes {bare_rate:.2f}/s, ratio {rate / bare_rate:.2f}")
    print(f"  CPU per photo {cpu * 1000:.0f} ms, bare {bare_cpu * 1000:.0f} ms, ratio {cpu / bare_cpu:.2f}")
    third = max(1, len(seen) // 3)
    middle = statistics.mean(row[1] for row in seen[third : 2 * third])
    last = statistics.mean(row[1] for row in seen[2 * third :])
    highest = max(row[1] for row in seen)
    print(f"  worker memory at most {highest:.0f} MB; middle third {middle:.0f}, last third {last:.0f} MB")


# --- a selfie -----------------------------------------------------------------------------------------------


def fill_faces(scene: Scene, number: int) -> None:
    """Insert random faces into the event's database."""
    engine = create_engine(scene.launcher.environment["DATABASE_URL"])
    vectors = np.random.default_rng(2).standard_normal((number, 128))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with engine.begin() as connection:
        photo_id = connection.execute(Photo.__table__.select().limit(1)).one().id
        common = {"photo_id": photo_id, "event_id": scene.event_id, "box": [0, 0, 9, 9], "landmarks": []}
        rows = [
            {**common, "quality": 0.9, "engine_id": ENGINE_ID, "embedding": row.astype(np.float32).tobytes()}
            for row in vectors
        ]
        connection.execute(insert(Face), rows)
    engine.dispose()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def show_selfie(scene: Scene, rounds: int = 12) -> None:
    """Print the time from an accepted selfie to `done` against decode, detect and embed called directly."""
    data = sample_file("skimage", "data/astronaut.png").read_bytes()
    engine, bare = LocalEngine(), []
    stored = images.normalise_selfie(data).jpeg
    for _ in range(rounds):
        began = time.perf_counter()
        upright, faces = engine.locate_portrait(images.decode(stored))
        engine.embed(upright, faces[:1])
        bare.append(time.perf_counter() - began)
    guest = Api(scene.server, scene.guest_token)
    waits = []
    for _ in range(rounds):
        guest.call("POST", "/api/upload-selfie", files={"file": ("s.png", data)})
        # From the rows' own times: polling would use the core that does the work.
        time.sleep(0.5)
        row, state = guest.call("GET", "/api/my-selfie"), guest.call("GET", "/api/rematch-status")
        assert state["status"] == "done", state
        waits.append((_moment(state["finished_at"]) - _moment(row["created_at"])).total_seconds())
    warm, direct = statistics.median(waits[2:]) * 1000, statistics.median(bare[2:]) * 1000
    print(f"A selfie against 10,000 faces: {warm:.0f} ms to done, {direct:.0f} ms bare: {warm / direct:.2f}", end="")
    print(f"; first of all {waits[0] * 1000:.0f} ms")


def main() -> int:
    """Run all of it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=300, help="in the run for throughput and memory")
    parser.add_argument("--queue", type=int, default=500, help="in the queue while requests are timed")
    parser.add_argument("--requests", type=int, default=5200)
    parser.add_argument("--selfie-only", action="store_true")
    asked = parser.parse_args()
    base = twelve_megapixel_photo()
    with temporary_folder() as folder:
        scene = make_scene(folder)
        try:
            if asked.selfie_only:
                scene.upload(base, 1)
                drain(scene)
                fill_faces(scene, 10_000)
                show_selfie(scene)
                return 0
            idle = request_times(scene, max(400, asked.requests // 4), lambda: True)
            show_throughput(scene, base, asked.photos)
            scene.upload(base, asked.queue)
            print(f"{scene.waiting()} photos wait when the requests begin")
            show_requests(idle, request_times(scene, asked.requests, lambda: scene.waiting() > 0))
            print(f"{scene.waiting()} photos wait when they end")
            drain(scene)
            fill_faces(scene, 10_000)
            show_selfie(scene)
        finally:
            scene.launcher.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
