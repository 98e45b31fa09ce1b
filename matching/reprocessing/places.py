"""Where a face of a photo is after the photo was read again: in another size, turned, or mirrored.

Works on numbers alone. Boxes are (x, y, width, height) in px of the upright photo.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from faces.calibration import Calibration
from matching.guest_matches import SAME_PLACE, overlap
from matching.matrices import Embeddings

Box = Sequence[float]
Size = tuple[int, int]
# Sides of pictures are rounded: the same picture in another size has the same ratio within 2 %.
SAME_RATIO = 0.02
# The share of faces of different people that are more similar: a face that is less similar is somebody else's.
UNLIKE = 1e-2


class SeenFace(NamedTuple):
    """The place of a face and, where the engine makes one, its embedding (a unit vector)."""

    box: Box
    embedding: Embeddings | None


@dataclass(frozen=True, slots=True)
class Way:
    """How places of the old picture become places of the new one: transposed first, then mirrored, then scaled."""

    old: Size
    new: Size
    transposed: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    @classmethod
    def unchanged(cls, size: Size) -> "Way":
        """Return the way on which every place stays where it is, in a picture of this size."""
        return cls(size, size)

    @property
    def changes_nothing(self) -> bool:
        """Whether every place stays where it is."""
        return self.old == self.new and not (self.transposed or self.mirrored_x or self.mirrored_y)

    def point(self, point: Sequence[float]) -> list[float]:
        """Return where a point (x, y) of the old picture is in the new one, rounded to a tenth of a pixel."""
        x, y = point[0] / self.old[0], point[1] / self.old[1]
        if self.transposed:
            x, y = y, x
        x, y = (1 - x if self.mirrored_x else x), (1 - y if self.mirrored_y else y)
        return [round(x * self.new[0], 1), round(y * self.new[1], 1)]

    def box(self, box: Box) -> list[float]:
        """Return where a box of the old picture is in the new one."""
        if self.changes_nothing:
            return list(box)
        one, other = self.point(box[:2]), self.point((box[0] + box[2], box[1] + box[3]))
        left, top = min(one[0], other[0]), min(one[1], other[1])
        return [left, top, round(abs(one[0] - other[0]), 1), round(abs(one[1] - other[1]), 1)]


def way_between(old: Size, new: Size, before: Sequence[SeenFace], after: Sequence[SeenFace]) -> Way:
    """Return how the old picture became the new one: the way on which most faces are where they are found now.

    Of ways that are equally good the likeliest. Where sizes allow no turn, or no faces tell, the picture was scaled.
    """
    ways = _possible(old, new)
    return max(ways, key=lambda way: round(_fit(way, before, after), 6))


def _possible(old: Size, new: Size) -> list[Way]:
    """Return the ways that the sizes allow, the likeliest first."""
    ratio = new[0] / new[1]
    ways = [Way(old, new)]
    if abs(ratio * old[1] / old[0] - 1) <= SAME_RATIO:
        ways += [Way(old, new, False, x, y) for x, y in ((True, True), (True, False), (False, True))]
    if abs(ratio * old[0] / old[1] - 1) <= SAME_RATIO:
        # Most cameras that are held upright ask for a quarter turn to the right (EXIF orientation 6).
        ways += [Way(old, new, True, x, y) for x, y in ((True, False), (False, True), (False, False), (True, True))]
    return ways


def _fit(way: Way, before: Sequence[SeenFace], after: Sequence[SeenFace]) -> float:
    total = 0.0
    for face in before:
        box = way.box(face.box)
        found = ((overlap(box, other.box), likeness(face, other)) for other in after)
        total += max((place * (1.0 if alike is None else max(0.0, alike)) for place, alike in found), default=0.0)
    return total


def likeness(face: SeenFace, other: SeenFace) -> float | None:
    """Return the cosine of two faces; None if one has no embedding, or they are by different engines."""
    if face.embedding is None or other.embedding is None or face.embedding.shape != other.embedding.shape:
        return None
    return float(np.dot(face.embedding, other.embedding))


def place_of(face: SeenFace, way: Way, after: Sequence[SeenFace], calibration: Calibration) -> list[float]:
    """Return the box by which a face that a guest has confirmed is found among the new ones.

    That of the face at the same place, unless it is clearly somebody else's; else that of a face that surely is the
    same person's. Without either, the old place, as a point where a stranger's face is there: it fits no face.
    """
    moved = way.box(face.box)
    there = [each for each in after if overlap(each.box, moved) >= SAME_PLACE]
    told = {id(each): likeness(face, each) for each in after}
    least = calibration.at(UNLIKE)
    own = [each for each in there if told[id(each)] is None or (told[id(each)] or 0.0) >= least]
    if own:
        return list(max(own, key=lambda each: overlap(each.box, moved)).box)
    nearest = max(after, key=lambda each: told[id(each)] or -1.0, default=None)
    if nearest is not None and (told[id(nearest)] or -1.0) >= calibration.sure:
        return list(nearest.box)
    if there:
        return [round(moved[0] + moved[2] / 2, 1), round(moved[1] + moved[3] / 2, 1), 0.0, 0.0]
    return moved


def pairs(before: Sequence[Box], after: Sequence[Box], way: Way) -> list[tuple[int, int]]:
    """Return which old face is which new one, as their numbers in the sequences; each at most once, nearest first."""
    boxes = [way.box(each) for each in before]
    found = sorted(
        ((overlap(box, other), -i, -j) for i, box in enumerate(boxes) for j, other in enumerate(after)), reverse=True
    )
    taken = dict[int, int]()
    for place, i, j in found:
        if place >= SAME_PLACE and -i not in taken and -j not in taken.values():
            taken[-i] = -j
    return sorted(taken.items())
