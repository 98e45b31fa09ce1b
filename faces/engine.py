"""What a face engine is: it finds faces and turns each into an embedding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

BgrImage: TypeAlias = NDArray[np.uint8]
Landmarks: TypeAlias = NDArray[np.float32]
Embeddings: TypeAlias = NDArray[np.float32]


class EngineUnavailable(Exception):
    """The engine cannot work; the message names what is missing or damaged, and the remedy."""


@dataclass(frozen=True, slots=True)
class LocatedFace:
    """A face's `box` (x, y, width, height) and five `landmarks` (5, 2) in px; `quality` is the detector's, 0 to 1."""

    box: tuple[float, float, float, float]
    landmarks: Landmarks
    quality: float


@dataclass(frozen=True, slots=True)
class DetectedFace(LocatedFace):
    """A located face with its `embedding` (dimensions,), of unit length."""

    embedding: Embeddings


class FaceEngine(Protocol):
    """One instance serves one thread. Images are (height, width, 3), BGR, 8 bits, upright.

    An image may be a photo decoded at a fraction of its size: `scale` is then the photo's px per px of the image, and
    faces are in px of the photo.
    """

    engine_id: str
    dimensions: int
    # A face with fewer px a side in an image gains from a larger one.
    sharp_side: float

    def locate(self, image: BgrImage, *, long_side: int | None = None, scale: float = 1.0) -> list[LocatedFace]:
        """Return the faces, found at `long_side` px (or the engine's own choice)."""

    def embed(self, image: BgrImage, faces: Sequence[LocatedFace], *, scale: float = 1.0) -> Embeddings:
        """Return an (n, dimensions) matrix of unit rows, in the order of `faces`."""

    def locate_portrait(self, image: BgrImage, *, scale: float = 1.0) -> tuple[BgrImage, list[LocatedFace]]:
        """Return a selfie as it had to be turned and padded for its face to be found, and the faces in it."""

    def detect(
        self, image: BgrImage, *, scale: float = 1.0, full: Callable[[], BgrImage] | None = None
    ) -> list[DetectedFace]:
        """Return the faces of a photo with their embeddings.

        `full` gives the photo at its full size, where `image` is not: it is asked only if a face needs more pixels.
        """


def with_embeddings(
    engine: FaceEngine, image: BgrImage, scale: float, full: Callable[[], BgrImage] | None
) -> list[DetectedFace]:
    """Locate and embed: what every engine's `detect` does."""
    faces = engine.locate(image, scale=scale)
    if not faces:
        return []
    if full is not None and any(min(face.box[2:]) < engine.sharp_side * scale for face in faces):
        image, scale = full(), 1.0
    rows = engine.embed(image, faces, scale=scale)
    return [DetectedFace(face.box, face.landmarks, face.quality, row) for face, row in zip(faces, rows, strict=True)]


PORTRAIT_LONG_SIDE = 640
PADDING = 0.25
# Of 500 LFW portraits, each turned four ways, the right way up was found for 99.6 % at 0.92, for 82 % at 0.88;
# an upright one takes 1.3 attempts on average.
SURE = 0.92
TURNS = (None, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180)


def padded(image: BgrImage) -> BgrImage:
    """Return the picture with a margin of a quarter of its long side: detectors miss a face that fills the frame."""
    margin = round(max(image.shape[:2]) * PADDING)
    return np.asarray(
        cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(127, 127, 127)),
        np.uint8,
    )


def find_portrait(engine: FaceEngine, image: BgrImage, scale: float) -> tuple[BgrImage, list[LocatedFace]]:
    """Look for a selfie's face: as it is, and padded where nothing shows; then turned by 90°, 270° and 180°.

    A detector made for upright faces also half believes in turned ones and misplaces their eyes. So an attempt ends
    the search only if it is sure of its largest face; else all four are made and the surest counts. Without any face
    the image comes back as it was.
    """
    best, best_faces, best_quality = image, list[LocatedFace](), 0.0
    for turn in TURNS:
        attempt = image if turn is None else np.asarray(cv2.rotate(image, turn), np.uint8)
        faces = engine.locate(attempt, long_side=PORTRAIT_LONG_SIDE, scale=scale)
        if not faces:
            attempt = padded(attempt)
            faces = engine.locate(attempt, long_side=PORTRAIT_LONG_SIDE, scale=scale)
        quality = max(faces, key=lambda face: face.box[3]).quality if faces else 0.0
        if quality > best_quality:
            best, best_faces, best_quality = attempt, faces, quality
        if quality >= SURE:
            break
    return best, best_faces
