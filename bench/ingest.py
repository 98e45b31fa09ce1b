"""CPU of one 12-megapixel photo with six faces: by the service's job, in a child process as it is served and in the
process of the thread; by its engine alone; and by OpenCV alone.

OpenCV alone is the baseline: full decode, YuNet at long side 1280, SFace, two renditions, all by its own classes.
All run in turn, so that a change of the machine's speed affects all of them.
"""

import statistics
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

import images
from accounts import service as accounts
from accounts.service import NewAccount
from bench.opencv_alone import OpenCvAlone
from database import forget_engine
from decoding.children import make_children
from decoding.decoder import Decoder, InThisProcess
from decoding.pool import ChildPool
from events import service as events
from events.service import NewEvent
from faces.engine import FaceEngine
from faces.providers import make_engine
from jobs import queue as job_queue
from jobs import work as jobs
from migrations.upgrade import upgrade
from models import PHOTOGRAPHER
from photos import receiving
from settings import Settings, get_settings
from testkit.passwords import PASSWORD
from testkit.sample_pictures import sample_file
from testkit.servers import temporary_folder

ROUNDS = 15
WIDTH, HEIGHT = 4000, 3000


def twelve_megapixel_photo(number: int = 0) -> bytes:
    """Return a 4000 x 3000 JPEG with the six people of the sample photo; each `number` has bytes of its own."""
    group = np.asarray(cv2.imread(str(sample_file("insightface", "data/images/t1.jpg"))))
    scale = WIDTH / group.shape[1]
    large = cv2.resize(group, (WIDTH, round(group.shape[0] * scale)), interpolation=cv2.INTER_CUBIC)
    photo = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    photo[: large.shape[0]] = large[:HEIGHT]
    # Sensor noise, so that the file is as large as a camera's and each one differs.
    noise = np.random.default_rng(number).integers(-6, 7, photo.shape, np.int16)
    photo = np.clip(photo.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    return bytes(cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def bare_cpu_seconds(engine: FaceEngine, data: bytes) -> tuple[float, int]:
    """Return the CPU seconds of what the job asks of pictures and engine, and the faces found."""
    began = time.process_time()
    image = images.decode(data, long_side=images.WEB_LONG_SIDE)
    images.renditions(image)
    scale = WIDTH / image.shape[1]
    faces = engine.detect(image, scale=scale, full=lambda: images.decode(data))
    return time.process_time() - began, len(faces)


def _timed(yardstick: OpenCvAlone, data: bytes) -> tuple[float, int]:
    began = time.process_time()
    rows = yardstick.faces_and_renditions(data)
    return time.process_time() - began, len(rows)


def cpu_seconds_of(pid: int) -> float:
    """Return the CPU seconds of all threads of another process so far."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in tasks) / 1e9


def job_seconds(decoder: Decoder, data: bytes, photo_event: int, photographer: int) -> tuple[float, float]:
    """Return the seconds of CPU, of this process and its child together, and of the clock, from claim to `done`."""
    event = next(each for each in events.all_events() if each.id == photo_event)
    receiving.receive(event, photographer, "bench.jpg", data)
    claim = job_queue.claim_next()
    assert claim is not None
    pid = decoder.idle_pid() if isinstance(decoder, ChildPool) else None
    before = time.process_time() + (cpu_seconds_of(pid) if pid else 0.0)
    began = time.perf_counter()
    jobs.run(claim, decoder)
    wall = time.perf_counter() - began
    return time.process_time() + (cpu_seconds_of(pid) if pid else 0.0) - before, wall


IN_CHILD, HERE = "claim to done", "the same without child"


def measure(settings: Settings) -> tuple[dict[str, list[float]], set[int]]:
    """Return the CPU seconds of each way, round by round, and how many faces were found."""
    account = accounts.create_staff(NewAccount("bench", "bench@example.org", PASSWORD), PHOTOGRAPHER)
    event = events.create(NewEvent("bench", photographer_ids=[account.id]))
    engine, yardstick = make_engine(settings), OpenCvAlone()
    children, here = make_children(settings), InThisProcess(lambda: engine)
    children.jobs.load()
    taken: dict[str, list[float]] = defaultdict(list)
    found = set()
    for number in range(ROUNDS + 1):
        data, again = twelve_megapixel_photo(2 * number), twelve_megapixel_photo(2 * number + 1)
        for name, (seconds, faces) in (
            ("OpenCV alone", _timed(yardstick, data)),
            ("engine", bare_cpu_seconds(engine, data)),
        ):
            taken[name].append(seconds)
            found.add(faces)
        jobs_in_turn = [(IN_CHILD, children.jobs, data), (HERE, here, again)]
        for name, decoder, photo in jobs_in_turn if number % 2 else reversed(jobs_in_turn):
            cpu, wall = job_seconds(decoder, photo, event.id, account.id)
            taken[name].append(cpu)
            taken[f"{name}, clock"].append(wall)
    children.close()
    # The first round loads and warms up.
    return {name: seconds[1:] for name, seconds in taken.items()}, found


def _ratios(over: list[float], under: list[float]) -> str:
    ratios = [one / other for one, other in zip(over, under, strict=True)]
    return f"{statistics.median(ratios):7.2f}      ({min(ratios):.2f} to {max(ratios):.2f})"


def main() -> None:
    """Print the figures and their ratios."""
    with temporary_folder() as folder:
        settings = get_settings()
        settings.database_url = f"sqlite:///{folder}/bench.db"
        settings.storage_url = f"file://{folder}/storage"
        settings.face_recognizer_provider = "local"
        upgrade()
        taken, found = measure(settings)
        forget_engine()
    print(f"A photo of {WIDTH} x {HEIGHT} px, faces found: {found}, {ROUNDS} rounds, median (min to max)")
    for name, row in taken.items():
        low, high = min(row) * 1000, max(row) * 1000
        what = "ms" if name.endswith("clock") else "ms CPU"
        print(f"  {name:<32}{statistics.median(row) * 1000:7.1f} {what} ({low:.1f} to {high:.1f})")
    print(f"  {'engine / OpenCV':<32}{_ratios(taken['engine'], taken['OpenCV alone'])}")
    print(f"  {'claim to done / engine':<32}{_ratios(taken[IN_CHILD], taken['engine'])}")
    print(f"  {'with child / without':<32}{_ratios(taken[IN_CHILD], taken[HERE])}")
    print(f"  {'the same by the clock':<32}{_ratios(taken[f'{IN_CHILD}, clock'], taken[f'{HERE}, clock'])}")


if __name__ == "__main__":
    main()
