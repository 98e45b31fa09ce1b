"""CPU of one 12-megapixel photo with six faces: through the service's own job, against the engine called directly.

Both run in one process, in turn, so that a machine that changes its speed changes both.
"""

import statistics
import time

import cv2
import numpy as np

import images
import job_queue
import jobs
from accounts import service as accounts
from accounts.service import NewAccount
from bench.client import temporary_folder
from bench.pictures import sample_file
from database import forget_engine
from events import service as events
from events.service import NewEvent
from faces.engine import FaceEngine
from faces.providers import make_engine
from migrations.upgrade import upgrade
from models import PHOTOGRAPHER
from photos import service as photos
from settings import Settings, get_settings

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
    """Return the CPU seconds of decode + detect at long side 1280 + embed + two renditions, and the faces found."""
    began = time.process_time()
    image = images.decode(data)
    faces = engine.detect(image)
    images.renditions(image)
    return time.process_time() - began, len(faces)


def job_cpu_seconds(engine: FaceEngine, data: bytes, photo_event: int, photographer: int) -> float:
    """Return the CPU seconds from the claim of an uploaded photo to `done`, all threads together."""
    event = next(each for each in events.every() if each.id == photo_event)
    photos.receive(event, photographer, "bench.jpg", data)
    began = time.process_time()
    claim = job_queue.claim()
    assert claim is not None
    jobs.run(claim, engine)
    return time.process_time() - began


def measure(settings: Settings) -> tuple[list[float], list[float], int]:
    """Return the CPU seconds of the bare engine and of the job, round by round, and the faces of a photo."""
    account = accounts.create_staff(NewAccount("bench", "bench@example.org", "bench"), PHOTOGRAPHER)
    event = events.create(NewEvent("bench", photographer_ids=[account.id]))
    engine = make_engine(settings)
    bare, job, faces = [], [], 0
    for number in range(ROUNDS + 1):
        data = twelve_megapixel_photo(number)
        seconds, faces = bare_cpu_seconds(engine, data)
        bare.append(seconds)
        job.append(job_cpu_seconds(engine, data, event.id, account.id))
    # The first round loads and warms up.
    return bare[1:], job[1:], faces


def main() -> None:
    """Print both figures and their ratio."""
    with temporary_folder() as folder:
        settings = get_settings()
        settings.database_url = f"sqlite:///{folder}/bench.db"
        settings.storage_url = f"file://{folder}/storage"
        settings.face_recognizer_provider = "local"
        upgrade()
        bare, job, faces = measure(settings)
        forget_engine()
    ratios = [ours / theirs for ours, theirs in zip(job, bare, strict=True)]
    print(f"A photo of {WIDTH} x {HEIGHT} px with {faces} faces, {ROUNDS} rounds, median (min to max)")
    for name, row in (("bare engine", bare), ("claim to done", job)):
        low, high = min(row) * 1000, max(row) * 1000
        print(f"  {name:<14}{statistics.median(row) * 1000:7.1f} ms CPU ({low:.1f} to {high:.1f})")
    print(f"  ratio         {statistics.median(ratios):7.2f}      ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
