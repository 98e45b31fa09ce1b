"""CPU of a 12-megapixel photo with six faces: the engine's (what the job asks of it) against OpenCV alone.

Both decode, detect, embed and make two renditions of the same photos, in turn, in one process, on one core. It also
scores both on the same composed event, and compares their embeddings.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import images
from bench.composed import ComposedEvent, compose
from bench.dlib_compare import our_selfie
from bench.ingest import bare_cpu_seconds, twelve_megapixel_photo
from bench.opencv_alone import OpenCvAlone
from bench.report import Drawing, Measured, Result, run_part
from bench.tally import Tally, tally_of
from faces.local import LocalEngine
from testkit.sample_pictures import NoPictures

PART = "engine"
ROUNDS, QUICK_ROUNDS = 25, 4
GUESTS, QUICK_GUESTS = 40, 6
COSINE = 0.40
FACES = 6
Vectors = NDArray[Any]


def has_bf16() -> bool:
    """Tell whether the processor computes in bfloat16 by AVX-512."""
    return "avx512_bf16" in Path("/proc/cpuinfo").read_text()


def smaller_faces(number: int) -> bytes:
    """Return a 12-megapixel photo whose six faces are too small to be embedded from half of its size."""
    large = images.decode(twelve_megapixel_photo(number))
    height, width = large.shape[:2]
    small = cv2.resize(large, None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA)
    ground = cv2.resize(large[-600:], (width, height), interpolation=cv2.INTER_LINEAR)
    ground[: small.shape[0], : small.shape[1]] = small
    return bytes(cv2.imencode(".jpg", ground, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def ratios(picture: Callable[[int], bytes], rounds: int) -> tuple[list[float], list[float]]:
    """Return the CPU seconds of each photo by the engine and by OpenCV alone, in turn; both must see six faces."""
    engine, yardstick = LocalEngine(), OpenCvAlone()
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(-1, rounds):
        data = picture(number + 1)
        seconds, found = bare_cpu_seconds(engine, data)
        began = time.process_time()
        rows = yardstick.faces_and_renditions(data)
        other = time.process_time() - began
        assert found == len(rows) == FACES, (found, len(rows))
        # The first round loads and warms up.
        if number >= 0:
            taken[0].append(seconds)
            taken[1].append(other)
    return taken


def _matched(guests: dict[str, Vectors], rows: Vectors) -> set[str]:
    return {name for name, vector in guests.items() if len(rows) and (rows @ vector).max() >= COSINE}


def accuracy(event: ComposedEvent) -> tuple[Tally, Tally, list[float]]:
    """Return how right engine and OpenCV alone are, and the cosine of the embeddings both give a face."""
    engine, yardstick = LocalEngine(), OpenCvAlone()
    guests = {name: our_selfie(engine, data) for name, data in event.selfies.items()}
    theirs = {name: _largest(yardstick, images.decode(data)) for name, data in event.selfies.items()}
    found: tuple[set[tuple[str, str]], set[tuple[str, str]]] = (set(), set())
    alike = []
    for name, data in event.photos.items():
        image = images.decode(data)
        reduced = images.decode(data, long_side=images.WEB_LONG_SIDE)
        scale = image.shape[1] / reduced.shape[1]
        faces = engine.detect(reduced, scale=scale, full=lambda image=image: image)  # type: ignore[misc]
        boxes, vectors = yardstick.faces(image)
        rows = np.stack([face.embedding for face in faces])
        found[0].update((name, guest) for guest in _matched(guests, rows))
        found[1].update((name, guest) for guest in _matched(theirs, vectors))
        alike += _alike(np.array([face.box for face in faces]), rows, boxes, vectors)
    return tally_of(found[0], event.truth), tally_of(found[1], event.truth), alike


def _largest(yardstick: OpenCvAlone, image: Vectors) -> Vectors:
    boxes, vectors = yardstick.faces(image)
    return np.asarray(vectors[int(boxes[:, 3].argmax())])


def _alike(ours: Vectors, rows: Vectors, boxes: Vectors, vectors: Vectors) -> list[float]:
    centres, others = ours[:, :2] + ours[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:4] / 2
    distances = np.linalg.norm(centres[:, None] - others[None], axis=2)
    nearest = distances.argmin(axis=1)
    return [float(rows[place] @ vectors[near]) for place, near in enumerate(nearest) if distances[place, near] < 10]


def _ratio(name: str, taken: tuple[list[float], list[float]], bound: float | None) -> Result:
    each = [one / other for one, other in zip(*taken, strict=True)]
    ours, theirs = (statistics.median(row) * 1000 for row in taken)
    note = f"{ours:.0f} ms against {theirs:.0f} ms; by photo {min(each):.2f} to {max(each):.2f}"
    return Result(name, statistics.median(each), "x", bound, note=note)


def measure(quick: bool) -> Measured:
    """Measure; accuracy is measured only where labelled portraits are available."""
    bound, rounds = 0.6 if has_bf16() else 0.75, QUICK_ROUNDS if quick else ROUNDS
    kind = "with" if has_bf16() else "without"
    six = ratios(twelve_megapixel_photo, rounds)
    small = ratios(smaller_faces, max(3, rounds // 3))
    results = [
        _ratio(f"CPU of a 12-megapixel photo with six faces ÷ OpenCV alone ({kind} AVX-512 BF16)", six, bound),
        _ratio("the same with faces so small that the photo is decoded twice", small, bound),
    ]
    try:
        event = compose(QUICK_GUESTS if quick else GUESTS)
    except NoPictures as problem:
        print(f"How right both are is left out: {problem}", file=sys.stderr)
    else:
        ours, theirs, alike = accuracy(event)
        there = f"{len(event.photos)} photos, {sum(map(len, event.truth.values()))} appearances"
        told = f"{there}; precision {ours.precision:.3f}, recall {ours.recall:.3f}"
        results += [
            Result("F1 less than that of OpenCV alone", round(theirs.f1 - ours.f1, 4), "", 0.005, note=told),
            Result("F1 of the engine", ours.f1, ""),
            Result("F1 of OpenCV alone", theirs.f1, ""),
            Result("cosine of both embeddings of a face, the median", statistics.median(alike), ""),
        ]
    bars = {
        "six large faces": [(0.0, statistics.median(six[0]) * 1000), (1.0, statistics.median(six[1]) * 1000)],
        "six small faces": [(0.0, statistics.median(small[0]) * 1000), (1.0, statistics.median(small[1]) * 1000)],
    }
    drawing = Drawing("A 12-megapixel photo with six faces", "", "ms CPU", bars, ["Reperio", "OpenCV alone"])
    return Measured(PART, results, [drawing])


if __name__ == "__main__":
    sys.exit(run_part(measure, __doc__))
