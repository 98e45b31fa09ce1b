"""An engine for tests: a solid coloured square is a face, and its colour is the person.

`fake_photo` draws squares; `FakeEngine` finds them, also after JPEG compression and scaling. A colour always has the
same embedding; embeddings of different colours are nearly orthogonal. `OtherFakeEngine` is a second engine: its
embeddings have another length and other numbers, and its boxes are larger.
"""

import hashlib
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from faces.engine import (
    BgrImage,
    DetectedFace,
    Embeddings,
    LocatedFace,
    find_portrait,
    with_embeddings,
)

ENGINE_ID, OTHER_ENGINE_ID = "fake-colours", "other-fake-colours"
DIMENSIONS, OTHER_DIMENSIONS = 128, 64
BACKGROUND = (255, 255, 255)
# Colours differ by at least this many levels in a channel: more than JPEG compression changes.
STEP = 64
# Smallest side of a square in px.
MIN_BLOCK = 20


def fake_colour(number: int) -> tuple[int, int, int]:
    """Return the colour (BGR) of person `number`, 0 to 62: each channel is in the middle of a step."""
    levels = number % 63
    return tuple(32 + STEP * (levels // 4**channel % 4) for channel in range(3))


def fake_photo(
    colours: Sequence[tuple[int, int, int]], *, block: int = 160, margin: int = 60, quality: int = 95
) -> bytes:
    """Return a JPEG with one face for each of `colours` (BGR): a row of squares, `block` px a side, on white."""
    pitch = block + margin
    picture = np.full((block + 2 * margin, max(1, len(colours)) * pitch + margin, 3), BACKGROUND, np.uint8)
    for place, colour in enumerate(colours):
        left = margin + place * pitch
        picture[margin : margin + block, left : left + block] = colour
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


class FakeEngine:
    """A FaceEngine that recognises colours."""

    engine_id = ENGINE_ID
    dimensions = DIMENSIONS
    sharp_side = float(MIN_BLOCK)
    # Goes into every embedding: engines with different seeds see no resemblance in each other's.
    seed = ""
    # By how much the boxes are larger than the squares, as a fraction of their side.
    border = 0.0

    def photo_side(self, width: int, height: int) -> int:
        """Return 0: the squares are found at any size."""
        return 0

    def locate(self, image: BgrImage, *, long_side: int | None = None, scale: float = 1.0) -> list[LocatedFace]:
        """Return the squares from left to right. `long_side` has no effect."""
        ground = (image.min(axis=2) < 224).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(ground)
        found = []
        for label in range(1, count):
            x, y, width, height, area = (int(value) for value in stats[label])
            if min(width, height) * scale >= MIN_BLOCK and area > 0.9 * width * height:
                found.append(_face(x * scale, y * scale, width * scale, height * scale, self.border))
        return sorted(found, key=lambda face: face.box[0])

    def embed(self, image: BgrImage, faces: Sequence[LocatedFace], *, scale: float = 1.0) -> Embeddings:
        """Return the embeddings of the squares' colours: (n, dimensions), float32, each row of length 1."""
        rows = [_embedding(_colour(image, face, scale), self.seed, self.dimensions) for face in faces]
        return np.stack(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    def locate_portrait(self, image: BgrImage, *, scale: float = 1.0) -> tuple[BgrImage, list[LocatedFace]]:
        """Return the selfie as `find_portrait` does, and the squares in it."""
        return find_portrait(self, image, scale)

    def detect(
        self, image: BgrImage, *, scale: float = 1.0, full: Callable[[], BgrImage] | None = None
    ) -> list[DetectedFace]:
        """Return the squares of a photo with their embeddings."""
        return with_embeddings(self, self.locate(image, scale=scale), image, scale, full)


class OtherFakeEngine(FakeEngine):
    """A second engine that recognises colours, for tests of a change from one engine to another."""

    engine_id = OTHER_ENGINE_ID
    dimensions = OTHER_DIMENSIONS
    seed = "other"
    border = 0.1


def _face(x: float, y: float, width: float, height: float, border: float) -> LocatedFace:
    fractions = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    landmarks = (fractions * (width, height) + (x, y)).astype(np.float32)
    box = (x - border * width, y - border * height, width * (1 + 2 * border), height * (1 + 2 * border))
    return LocatedFace((float(box[0]), float(box[1]), float(box[2]), float(box[3])), landmarks, 1.0)


def _colour(image: BgrImage, face: LocatedFace, scale: float) -> tuple[int, ...]:
    x, y, width, height = (int(value / scale) for value in face.box)
    middle = image[y + height // 4 : y + 3 * height // 4, x + width // 4 : x + 3 * width // 4]
    return tuple(int(level) // STEP for level in np.median(middle.reshape(-1, 3), axis=0))


def _embedding(colour: tuple[int, ...], seed: str, dimensions: int) -> Embeddings:
    number = int.from_bytes(hashlib.sha256(f"{colour!r}{seed}".encode()).digest()[:8], "big")
    vector = np.random.default_rng(number).standard_normal(dimensions)
    unit: Embeddings = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit
