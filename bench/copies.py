"""What guests' copies of originals cost: `.venv/bin/python -m bench.copies`.

Prints the figures of docs/privacy.md: a JPEG of 12 megapixels with 2 MB behind the picture, read as it is and as a
copy, in turn; its plan, from memory and from storage; and the renditions of a HEIC of the same size with and without
`full`, without the search for faces. Times are of the processor.
"""

import io
import json
import os
import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial

import cv2
import numpy as np
import pillow_heif
from PIL import Image

import images
import storage
from photos.copies.service import Source
from settings import get_settings
from stripping.copies import plans
from stripping.reader import chunks_of
from testkit.metadata import MAKE, exif_of
from testkit.pictures import saved
from testkit.servers import temporary_folder

WIDTH, HEIGHT, NOISE = 4000, 3000, 9
BEHIND = 2_000_000
ROUNDS, HEIC_ROUNDS = 60, 9
KEY = "photos/1/bench.jpg"


def _photo() -> Image.Image:
    """Return a picture with the detail and the noise of a camera's."""
    dice = np.random.default_rng(1)
    coarse = dice.integers(0, 256, (HEIGHT // 40, WIDTH // 40, 3), np.uint8)
    smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    noisy = smooth + dice.integers(-NOISE, NOISE + 1, smooth.shape, np.int16)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def _heic(photo: Image.Image) -> bytes:
    target = io.BytesIO()
    pillow_heif.from_pillow(photo).save(target, quality=90)
    return target.getvalue()


def _drain(chunks: Iterable[bytes]) -> None:
    for _ in chunks:
        pass


def _read(source: Source) -> None:
    _drain(source.opened(0, source.size))


def _without_full(data: bytes) -> None:
    """Make the renditions as a photo's job does (`decoding.tasks.photo`)."""
    images.renditions(images.decode(data, long_side=images.WEB_LONG_SIDE))


def _with_full(data: bytes) -> bytes:
    """Make the same and `full` (`decoding.tasks.whole`); return `full`."""
    image = images.decode(data, long_side=WIDTH)
    full = images.to_jpeg(image, images.FULL_QUALITY)
    images.renditions(images.reduced(image, images.WEB_LONG_SIDE))
    return full


def _in_turn(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Do each work once in every round; print the median and the least in ms, and return the medians."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            begun = time.process_time()
            work()
            taken[name].append((time.process_time() - begun) * 1000)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, times in taken.items():
        print(f"{name}: {medians[name]:.1f} ms, at least {min(times):.1f}")
    return medians


def main() -> None:
    """Print the figures."""
    print(f"load average: {os.getloadavg()[0]:.1f}")
    photo = _photo()
    jpeg = saved(photo, "JPEG", quality=95, exif=exif_of({MAKE: "Camera"})) + np.random.default_rng(2).bytes(BEHIND)
    with temporary_folder() as folder:
        get_settings().storage_url = f"file://{folder}/storage"
        storage.prepare()
        storage.put(KEY, jpeg)
        plan = plans("image/jpeg", chunks_of(jpeg)).plain
        whole, copy = Source(KEY, len(jpeg)), Source(KEY, len(jpeg), plan)
        written = len(json.dumps(plan.as_json()))
        print(f"file: {whole.size / 1e6:.1f} MB, copy: {copy.size / 1e6:.1f} MB, plan: {written} bytes")
        works: dict[str, Callable[[], object]] = {
            "read as it is": partial(_read, whole),
            "read as a copy": partial(_read, copy),
            "plan, from memory": lambda: plans("image/jpeg", chunks_of(jpeg)),
            "plan, from storage": lambda: plans("image/jpeg", storage.stream(KEY)[1]),
        }
        _in_turn(works, ROUNDS)
    heic = _heic(photo)
    ways: dict[str, Callable[[], object]] = {
        "HEIC without full": partial(_without_full, heic),
        "HEIC with full": partial(_with_full, heic),
    }
    without, with_full = _in_turn(ways, HEIC_ROUNDS).values()
    print(f"{with_full / without:.2f} times; full has {len(_with_full(heic)) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
