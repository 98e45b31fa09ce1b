"""Server CPU of a guest's whole journey, against the bare work it must do, measured alone in the same run.

The journey, over HTTP with a selfie of three megapixels: check the code, availability, validate the selfie, check
again, register, log in, send the selfie, poll until it is matched, list the photos, load four thumbnails. Against it:
two password hashes, two decodes and detections of the selfie, one embedding, one normalisation. A few journeys and as
many times the bare work take turns.
"""

import secrets
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np

import images
from accounts.passwords import hash_password, verify_password
from bench.load_event import choose_people, photo_of, selfie_of
from bench.load_plan import unique
from bench.report import Drawing, Measured, Result, run_part
from bench.responsive import Scene, cpu_seconds, make_scene
from faces.local import LocalEngine
from testkit.passwords import PASSWORD
from testkit.servers import Api, BenchError, Launcher, Server, temporary_folder, wait_until

PART = "journey_cpu"
BOUND = 1.5
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
    with Api(server) as anyone:
        anyone.call("POST", "/api/check-event-code", json=CODE)
        anyone.call("POST", "/api/check-user-availability", json={**who, **CODE})
        anyone.call("POST", "/api/validate-selfie", files=picture)
        anyone.call("POST", "/api/check-event-code", json=CODE)
        account = {"user_data": {**who, "password": PASSWORD}, **CODE}
        anyone.call("POST", "/api/register-with-event-code", json=account)
        guest = anyone.logged_in(name, PASSWORD, CODE["event_code"])
    with guest:
        guest.call("POST", "/api/upload-selfie", files=picture)

        def matched() -> bool:
            time.sleep(POLL_SECONDS)
            state: str = guest.call("GET", "/api/rematch-status")["status"]
            return state == "done"

        wait_until(matched, 30, "the selfie to be matched")
        photos = guest.call("GET", "/api/my-photos")
        if len(photos) != PHOTOS:
            raise BenchError(f"the guest found {len(photos)} photos, not {PHOTOS}")
        for photo in photos[:THUMBNAILS]:
            guest.picture(photo["thumbnail_url"])


def bare(engine: LocalEngine, selfie: bytes) -> float:
    """Return the CPU seconds of the bare work of a journey."""
    began = time.process_time()
    assert verify_password(PASSWORD, hash_password(PASSWORD))
    stored = images.normalise_selfie(selfie).jpeg
    for data in (selfie, stored):
        upright, faces = engine.locate_portrait(images.decode(data))
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
        before = cpu_seconds(_pids(scene.launcher, scene.server))
        for _ in range(BLOCK * (2 if number < 0 else 1)):
            journey(scene.server, selfie)
        used = cpu_seconds(_pids(scene.launcher, scene.server)) - before
        direct = [bare(engine, selfie) for _ in range(BLOCK)]
        if number >= 0:
            journeys.append(used / BLOCK)
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
            BOUND,
            note=note,
            limit=limit,
        )
    ]
    bars = {"CPU": [(0.0, whole), (1.0, part)]}
    drawing = Drawing("A guest's whole journey", "", "ms CPU", bars, ["on the server", "bare work"])
    return Measured(PART, results, [drawing])


if __name__ == "__main__":
    sys.exit(run_part(measure, __doc__))
