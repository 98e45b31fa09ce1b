"""Photos detected, embedded and matched: the service's engine against the package `face_recognition` (dlib, HOG).

Both look at the same photos of a composed event, one core each, photo by photo in turn; dlib in a process of its own,
since importing it changes how Pillow treats damaged files.
"""

import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterable
from multiprocessing.connection import Connection
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import images
from bench.composed import ComposedEvent, compose
from bench.report import Drawing, Measured, Result, run_part
from bench.tally import Tally, tally_of
from faces.local import LocalEngine

PART = "dlib_compare"
GUESTS, QUICK_GUESTS = 24, 4
COSINE = 0.40
# The package's default tolerance, and the one with the best F1 here.
TOLERANCES = (0.6, 0.5)
Vectors = NDArray[Any]


def dlib_worker(pipe: "Connection[Any, Any]") -> None:
    """For each picture received, send back CPU seconds and encodings; stop at None."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import io

    import face_recognition

    while (data := pipe.recv()) is not None:
        began = time.process_time()
        picture = face_recognition.load_image_file(io.BytesIO(data))
        places = face_recognition.face_locations(picture, model="hog")
        encodings = np.array(face_recognition.face_encodings(picture, places)).reshape(-1, 128)
        pipe.send((time.process_time() - began, encodings))


class Dlib:
    """The process in which dlib runs."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=dlib_worker, args=(theirs,), daemon=True)
        self._process.start()

    def look(self, data: bytes) -> tuple[float, Vectors]:
        """Return CPU seconds and encodings (n, 128)."""
        self._pipe.send(data)
        seconds, encodings = self._pipe.recv()
        return float(seconds), np.asarray(encodings)

    def close(self) -> None:
        """End the process."""
        self._pipe.send(None)
        self._process.join()


def ours(engine: LocalEngine, data: bytes) -> tuple[float, Vectors]:
    """Return CPU seconds and embeddings (n, 128), by the same steps as the service's job."""
    began = time.process_time()
    image = images.decode(data, long_side=images.WEB_LONG_SIDE)
    header = images.inspect(data, 10**9)
    scale = max(header.width, header.height) / max(image.shape[:2])
    faces = engine.detect(image, scale=scale, full=lambda: images.decode(data))
    rows = np.array([face.embedding for face in faces], np.float32).reshape(-1, 128)
    return time.process_time() - began, rows


def our_selfie(engine: LocalEngine, data: bytes) -> Vectors:
    """Return the embedding of the selfie's largest face."""
    upright, faces = engine.locate_portrait(images.decode(data))
    return np.asarray(engine.embed(upright, [max(faces, key=lambda face: face.box[3])])[0])


def matched(guests: dict[str, Vectors], rows: Vectors, cosine: float) -> set[str]:
    """Return the guests whose embedding is that similar to one of `rows`."""
    if not len(rows):
        return set()
    return {name for name, vector in guests.items() if (rows @ vector).max() >= cosine}


def matched_by_distance(guests: dict[str, Vectors], rows: Vectors, tolerance: float) -> set[str]:
    """Return the guests within `tolerance` of one of `rows`, as the package's `compare_faces` does."""
    if not len(rows):
        return set()
    return {name for name, vector in guests.items() if np.linalg.norm(rows - vector, axis=1).min() <= tolerance}


def _pairs(found: dict[str, set[str]]) -> Iterable[tuple[str, str]]:
    return ((photo, name) for photo, names in found.items() for name in names)


def compare(event: ComposedEvent) -> tuple[list[float], list[float], Tally, dict[float, Tally]]:
    """Return the CPU seconds of each photo with either engine, and the score of each."""
    cv2.setNumThreads(1)
    engine, other = LocalEngine(), Dlib()
    guests = {name: our_selfie(engine, data) for name, data in event.selfies.items()}
    known = {name: rows[0] for name, data in event.selfies.items() if len(rows := other.look(data)[1])}
    taken: tuple[list[float], list[float]] = ([], [])
    found, theirs = dict[str, set[str]](), {each: dict[str, set[str]]() for each in TOLERANCES}
    for name, data in event.photos.items():
        seconds, rows = ours(engine, data)
        began = time.process_time()
        found[name] = matched(guests, rows, COSINE)
        taken[0].append(seconds + time.process_time() - began)
        seconds, encodings = other.look(data)
        began = time.process_time()
        for tolerance in TOLERANCES:
            theirs[tolerance][name] = matched_by_distance(known, encodings, tolerance)
        taken[1].append(seconds + (time.process_time() - began) / len(TOLERANCES))
    other.close()
    right = {each: tally_of(_pairs(theirs[each]), event.truth) for each in TOLERANCES}
    return *taken, tally_of(_pairs(found), event.truth), right


def measure(quick: bool) -> Measured:
    """Measure on an event composed of the portraits beside the project."""
    event = compose(QUICK_GUESTS if quick else GUESTS)
    mine, theirs, right, others = compare(event)
    one, other = statistics.median(mine) * 1000, statistics.median(theirs) * 1000
    what = f"{len(event.photos)} photos of 2400 x 1600, {sum(map(len, event.truth.values()))} appearances"
    results = [
        Result(
            "photo processing, times faster than face_recognition",
            statistics.median(two / first for first, two in zip(mine, theirs, strict=True)),
            "x",
            3,
            at_least=True,
            note=f"CPU a photo, one core each: {one:.0f} ms against {other:.0f} ms; {what}",
        ),
        Result(f"F1 of the engine at cosine {COSINE}", right.f1, "", note=_told(right)),
        *(
            Result(f"F1 of face_recognition at tolerance {each}", found.f1, "", note=_told(found))
            for each, found in others.items()
        ),
    ]
    bars = {
        "CPU of a photo": [(0.0, one), (1.0, other)],
    }
    drawing = Drawing("A photo detected, embedded and matched", "", "ms CPU", bars, ["Reperio", "face_recognition"])
    return Measured(PART, results, [drawing])


def _told(found: Tally) -> str:
    return f"precision {found.precision:.3f}, recall {found.recall:.3f}"


if __name__ == "__main__":
    sys.exit(run_part(measure, __doc__))
