"""Server CPU of a guest's whole journey, against the bare work it must do, measured alone in the same run.

The journey, over HTTP with a selfie of three megapixels, on one connection as an app keeps it: check the code,
availability, validate the selfie, check again, register, log in, send the selfie, poll until it is matched, list the
photos, load four thumbnails. Against it: one password hash, one decode and normalisation of the selfie, one decode of
the result, one detection, one embedding. A few journeys and as many times the bare work take turns.

`--against PATH` measures the journey of another checkout, which has its environment in `.venv`, in the same turns.
"""

import argparse
import secrets
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np

import images
from accounts.passwords import hash_password
from bench.hot_calls import Checkout
from bench.load_event import choose_people, photo_of, selfie_of
from bench.load_plan import unique
from bench.report import Drawing, Measured, Result, run_part
from bench.responsive import Scene, cpu_seconds, make_scene
from faces.local import LocalEngine
from testkit.passwords import PASSWORD
from testkit.servers import ROOT, Api, BenchError, Launcher, Server, temporary_folder, wait_until

PART = "journey_cpu"
BLOCK = 5
BLOCKS, QUICK_BLOCKS = 12, 2
PHOTOS = 8
THUMBNAILS = 4
POLL_SECONDS = 0.25
CODE = {"event_code": "BENCH"}


def prepare(scene: Scene) -> bytes:
    """Fill the event with photos of the same few people; return the selfie of one of them."""
    people = choose_people(None, 6)
    dice = np.random.default_rng(5)
    files = [("files", (f"p{number}.jpg", photo_of(people, dice), "image/jpeg")) for number in range(PHOTOS)]
    scene.photographer.call("POST", f"/api/photographer/events/{scene.event_id}/upload-photos", files=files)
    wait_until(lambda: scene.waiting() == 0, 120, "the photos to be processed")
    return selfie_of(people[0], dice)


def journey(server: Server, selfie: bytes) -> None:
    """Make the calls of one guest.

    Raises:
        BenchError: a step did not go as it must.
    """
    name = f"guest-{secrets.token_hex(6)}"
    who = {"username": name, "email": f"{name}@example.org"}
    picture = {"file": ("selfie.jpg", unique(selfie, name), "image/jpeg")}
    with Api(server) as app:
        app.call("POST", "/api/check-event-code", json=CODE)
        app.call("POST", "/api/check-user-availability", json={**who, **CODE})
        app.call("POST", "/api/validate-selfie", files=picture)
        app.call("POST", "/api/check-event-code", json=CODE)
        account = {"user_data": {**who, "password": PASSWORD}, **CODE}
        app.call("POST", "/api/register-with-event-code", json=account)
        token = app.call("POST", "/api/login", json={"username": name, "password": PASSWORD, **CODE})["access_token"]
        guest = {"headers": {"Authorization": f"Bearer {token}"}}
        app.call("POST", "/api/upload-selfie", files=picture, **guest)

        def matched() -> bool:
            time.sleep(POLL_SECONDS)
            state: str = app.call("GET", "/api/rematch-status", **guest)["status"]
            return state == "done"

        wait_until(matched, 30, "the selfie to be matched")
        photos = app.call("GET", "/api/my-photos", **guest)
        if len(photos) != PHOTOS:
            raise BenchError(f"the guest found {len(photos)} photos, not {PHOTOS}")
        for photo in photos[:THUMBNAILS]:
            app.picture(photo["thumbnail_url"])


def bare(engine: LocalEngine, selfie: bytes) -> float:
    """Return the CPU seconds of the bare work of a journey."""
    began = time.process_time()
    hash_password(PASSWORD)
    stored = images.normalise_selfie(selfie).jpeg
    upright, faces = engine.locate_portrait(images.decode(stored))
    assert len(faces) == 1
    engine.embed(upright, faces)
    return time.process_time() - began


def _pids(launcher: Launcher, server: Server) -> list[int]:
    return [server.pid, *launcher.processes()]


def take_turns(scene: Scene, selfie: bytes, blocks: int) -> tuple[list[float], list[float], float]:
    """Return the CPU seconds of a journey and of the bare work, block by block, and of the idle server a second."""
    cv2.setNumThreads(1)
    engine = LocalEngine()
    journeys, alone = list[float](), list[float]()
    # The first block warms both up: every worker has by then loaded its engines.
    for number in range(-1, blocks):
        used = _journeys(scene, selfie, BLOCK * (2 if number < 0 else 1))
        direct = [bare(engine, selfie) for _ in range(BLOCK)]
        if number >= 0:
            journeys.append(used)
            alone.append(statistics.median(direct))
    before, began = cpu_seconds(_pids(scene.launcher, scene.server)), time.monotonic()
    time.sleep(3)
    return journeys, alone, (cpu_seconds(_pids(scene.launcher, scene.server)) - before) / (time.monotonic() - began)


def measure(quick: bool) -> Measured:
    """Measure on SQLite with the default workers."""
    with temporary_folder() as folder:
        scene = make_scene(Path(folder))
        try:
            selfie = prepare(scene)
            journeys, alone, idle = take_turns(scene, selfie, QUICK_BLOCKS if quick else BLOCKS)
        finally:
            scene.launcher.stop()
    ratios = [one / other for one, other in zip(journeys, alone, strict=True)]
    whole, part = statistics.median(journeys) * 1000, statistics.median(alone) * 1000
    note = (
        f"{whole:.0f} ms against {part:.0f} ms; by block {min(ratios):.2f} to {max(ratios):.2f}; "
        f"the idle server's {idle * 1000:.0f} ms a second count as the journey's"
    )
    limit = "Beside the bare work: the HTTP of some 14 requests, their statements and the job's, 3 to 4 ms each."
    results = [
        Result(
            "server CPU of a guest's journey ÷ its bare work",
            statistics.median(ratios),
            "x",
            note=note,
            limit=limit,
        )
    ]
    bars = {"CPU": [(0.0, whole), (1.0, part)]}
    drawing = Drawing("A guest's whole journey", "", "ms CPU", bars, ["on the server", "bare work"])
    return Measured(PART, results, [drawing])


def compare(other: Path, blocks: int) -> None:
    """Print the CPU of a journey here and at another checkout, and the median of the ratios by block."""
    with temporary_folder() as one, temporary_folder() as two:
        settings = {"FACE_RECOGNIZER_PROVIDER": "local", "GUNICORN_WORKERS": "2"}
        scenes = [
            make_scene(Path(one), Checkout(Path(one), ROOT, **settings)),
            make_scene(Path(two), Checkout(Path(two), other.resolve(), **settings)),
        ]
        try:
            selfies = [prepare(each) for each in scenes]
            used: list[list[float]] = [[], []]
            for number in range(-1, blocks):
                for place in (0, 1) if number % 2 else (1, 0):
                    spent = _journeys(scenes[place], selfies[place], BLOCK * (2 if number < 0 else 1))
                    if number >= 0:
                        used[place].append(spent)
        finally:
            for each in scenes:
                each.launcher.stop()
    ratios = [here / there for here, there in zip(*used, strict=True)]
    here, there = (statistics.median(each) * 1000 for each in used)
    print(f"CPU of a guest's journey: {here:.0f} ms here, {there:.0f} ms there")
    print(f"ratio by block: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")


def _journeys(scene: Scene, selfie: bytes, number: int) -> float:
    """Return the CPU seconds of one of so many journeys."""
    before = cpu_seconds(_pids(scene.launcher, scene.server))
    for _ in range(number):
        journey(scene.server, selfie)
    return (cpu_seconds(_pids(scene.launcher, scene.server)) - before) / number


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--against", type=Path, help="a checkout of another version")
    asked, rest = parser.parse_known_args()
    if asked.against is None:
        sys.exit(run_part(measure, __doc__))
    compare(asked.against, QUICK_BLOCKS if "--quick" in rest else BLOCKS)
