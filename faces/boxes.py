"""Arithmetic on the boxes and landmarks of faces: moved, scaled, turned, and those of one face merged."""

from collections.abc import Iterable

import cv2
import numpy as np

from faces.engine import BgrImage, Landmarks, LocatedFace

# Overlap (intersection over union) from which two boxes are one face.
SAME_FACE = 0.3
# Part of the smaller box inside the other one from which a weak box is a part of a sure face, not a face of its own.
INSIDE = 0.6
# A face with a score below this is weak: it may be a part of one that fills the frame, or lie on its side.
WEAK = 0.88


def moved(face: LocatedFace, scale: tuple[float, float], left: float = 0.0, top: float = 0.0) -> LocatedFace:
    """Return the face moved by `left` and `top`, then scaled by (x, y)."""
    x, y, width, height = face.box
    across, down = scale
    box = (x + left) * across, (y + top) * down, width * across, height * down
    return LocatedFace(box, _scaled(face.landmarks, left, top, across, down), face.quality)


def _scaled(landmarks: Landmarks, left: float, top: float, across: float, down: float) -> Landmarks:
    return np.asarray((landmarks + np.array([left, top])) * np.array([across, down]), np.float32)


def side(face: LocatedFace) -> float:
    """Return the smaller side of the face's box."""
    return min(face.box[2:])


def within(face: LocatedFace, width: float, height: float) -> LocatedFace:
    """Return the face with the part of its box that is in a picture of that size; its landmarks stay."""
    x, y, box_width, box_height = face.box
    left, top = max(0.0, x), max(0.0, y)
    right, bottom = min(width, x + box_width), min(height, y + box_height)
    return LocatedFace((left, top, max(0.0, right - left), max(0.0, bottom - top)), face.landmarks, face.quality)


def merged(faces: Iterable[LocatedFace]) -> list[LocatedFace]:
    """Return the faces by descending score, without those that are one with a surer face or a weak part of it."""
    kept = list[LocatedFace]()
    for face in sorted(faces, key=lambda each: -each.quality):
        if not any(_is_part(face, other) for other in kept):
            kept.append(face)
    return kept


def _common(face: LocatedFace, other: LocatedFace) -> float:
    x, y, width, height = face.box
    a, b, other_width, other_height = other.box
    across = min(x + width, a + other_width) - max(x, a)
    down = min(y + height, b + other_height) - max(y, b)
    return max(0.0, across) * max(0.0, down)


def _area(face: LocatedFace) -> float:
    return face.box[2] * face.box[3]


def overlap(face: LocatedFace, other: LocatedFace) -> float:
    """Return the intersection over union of two boxes: 0 to 1."""
    common = _common(face, other)
    return common / max(1e-9, _area(face) + _area(other) - common)


def _is_part(face: LocatedFace, surer: LocatedFace) -> bool:
    inside = _common(face, surer) / max(1e-9, min(_area(face), _area(surer)))
    return overlap(face, surer) >= SAME_FACE or (face.quality < WEAK and inside >= INSIDE)


# How a picture that lies on its side is turned upright: by 90° to the right, to the left, and by 180°.
TURNS = (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180)


def rotated(image: BgrImage, turn: int) -> BgrImage:
    """Return the image turned by one of `TURNS`."""
    return np.asarray(cv2.rotate(image, turn), np.uint8)


def turned_back(face: LocatedFace, turn: int, width: float, height: float) -> LocatedFace:
    """Return a face of a turned picture where it is in the picture of `width` by `height` before it was turned.

    Landmarks keep their order: the right eye stays the person's.
    """
    x, y, box_width, box_height = face.box
    corners = np.array([[x, y], [x + box_width, y + box_height], *face.landmarks.tolist()], np.float64)
    across, down = corners[:, 0], corners[:, 1]
    back = {
        cv2.ROTATE_90_CLOCKWISE: (down, height - across),
        cv2.ROTATE_90_COUNTERCLOCKWISE: (width - down, across),
        cv2.ROTATE_180: (width - across, height - down),
    }[turn]
    points = np.stack(back, axis=1)
    left, top = points[:2].min(axis=0).tolist()
    right, bottom = points[:2].max(axis=0).tolist()
    return LocatedFace((left, top, right - left, bottom - top), points[2:].astype(np.float32), face.quality)
