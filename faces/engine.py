"""The interface of a face engine: it locates faces in an image and computes an embedding of each."""

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
    """The engine cannot be loaded. The message names what is missing or damaged, and what to do."""


class RecogniserAway(EngineUnavailable):
    """A recogniser over the network cannot be used now. This process can still answer requests."""


@dataclass(frozen=True, slots=True)
class LocatedFace:
    """A face: `box` (x, y, width, height) and `landmarks` (5, 2) in px; `quality`, the detector's score, 0 to 1.

    Landmarks are, as (x, y): right eye, left eye, nose, right and left corner of the mouth; right is the person's.
    """

    box: tuple[float, float, float, float]
    landmarks: Landmarks
    quality: float


@dataclass(frozen=True, slots=True)
class DetectedFace(LocatedFace):
    """A located face and its `embedding`, (dimensions,), float32.

    Its length is 1; that of a weak or tiny face is less (`faces/certainty.py`).
    """

    embedding: Embeddings


class FaceEngine(Protocol):
    """An engine for one thread. Images are (height, width, 3), BGR, 8 bits, upright.

    An image may be a photo decoded at a fraction of its size. `scale` is then the photo's width divided by the
    image's, and boxes and landmarks are in px of the photo.
    """

    # Stored with every embedding; embeddings of different engines are never compared.
    engine_id: str
    # Length of an embedding.
    dimensions: int
    # Side of a face, in px of the image, from which a larger image does not improve its embedding.
    sharp_side: float

    def photo_side(self, width: int, height: int) -> int:
        """Return the px of its long side at which a photo of that size must be decoded at least; 0: no matter."""

    def locate(self, image: BgrImage, *, long_side: int | None = None, scale: float = 1.0) -> list[LocatedFace]:
        """Return the faces, searched with the image's long side at `long_side` px, or at the engine's default."""

    def embed(self, image: BgrImage, faces: Sequence[LocatedFace], *, scale: float = 1.0) -> Embeddings:
        """Return the embeddings of `faces`, in their order: (n, dimensions), float32, each row of length 1."""

    def locate_portrait(self, image: BgrImage, *, scale: float = 1.0) -> tuple[BgrImage, list[LocatedFace]]:
        """Return a selfie, turned or padded if its face was only found so, and the faces in it."""

    def detect(
        self, image: BgrImage, *, scale: float = 1.0, full: Callable[[], BgrImage] | None = None
    ) -> list[DetectedFace]:
        """Return the faces of a photo with their embeddings.

        If `image` is not the photo at full size, `full` returns the photo as large as memory allows; it is called
        only if a face is smaller than `sharp_side` in `image`.
        """


def with_embeddings(
    engine: FaceEngine,
    faces: Sequence[LocatedFace],
    image: BgrImage,
    scale: float,
    full: Callable[[], BgrImage] | None,
) -> list[DetectedFace]:
    """Return the located faces with their embeddings: the common part of every engine's `detect`."""
    if not faces:
        return []
    if full is not None and any(min(face.box[2:]) < engine.sharp_side * scale for face in faces):
        sharper = full()
        image, scale = sharper, scale * max(image.shape[:2]) / max(sharper.shape[:2])
    rows = engine.embed(image, faces, scale=scale)
    return [DetectedFace(face.box, face.landmarks, face.quality, row) for face, row in zip(faces, rows, strict=True)]


# Long side in px at which the face of a selfie is searched: at 640, YuNet finds 55 of 60 faces of 60 to 150 px in
# photos of 12 megapixels, and the face of a selfie is larger.
PORTRAIT_LONG_SIDE = 640
# Margin around a selfie, as a fraction of its long side.
PADDING = 0.25
# Score of the largest face that ends the search. Of 500 LFW portraits, each in four orientations, 99.6 % were turned
# upright at 0.92 and 82 % at 0.88; an upright one takes 1.3 attempts on average.
SURE = 0.92
TURNS = (None, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180)


def padded(image: BgrImage) -> BgrImage:
    """Return the image with a grey margin of 1/4 of its long side: YuNet misses a face that fills the frame."""
    margin = round(max(image.shape[:2]) * PADDING)
    return np.asarray(
        cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(127, 127, 127)),
        np.uint8,
    )


def find_portrait(
    engine: FaceEngine, image: BgrImage, scale: float, *, long_side: int = PORTRAIT_LONG_SIDE
) -> tuple[BgrImage, list[LocatedFace]]:
    """Return a selfie in the orientation in which its largest face has the highest score, and the faces there.

    Tried as it is, then turned by 90°, 270° and 180°; each time also padded if no face is found. A detector for
    upright faces also finds turned ones, with lower scores and wrong landmarks: so only a score of at least SURE ends
    the search early. Without any face, `image` is returned unchanged.
    """
    best, best_faces, best_quality = image, list[LocatedFace](), 0.0
    for turn in TURNS:
        attempt = image if turn is None else np.asarray(cv2.rotate(image, turn), np.uint8)
        faces = engine.locate(attempt, long_side=long_side, scale=scale)
        if not faces:
            attempt = padded(attempt)
            faces = engine.locate(attempt, long_side=long_side, scale=scale)
        quality = max(faces, key=lambda face: face.box[3]).quality if faces else 0.0
        if quality > best_quality:
            best, best_faces, best_quality = attempt, faces, quality
        if quality >= SURE:
            break
    return best, best_faces
