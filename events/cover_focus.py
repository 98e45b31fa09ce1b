"""Which part of a cover stays where its place has other proportions, so that no head is cut off."""

from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]
# Around a face's box, as parts of its sides: hair above, a chin and shoulders below, ears.
ABOVE, BELOW, BESIDE = 0.6, 0.4, 0.3
# Where no face is known, a tall picture keeps what is around the upper third of its height.
MIDDLE, HIGH = 0.5, 0.2


@dataclass(frozen=True, slots=True)
class Focus:
    """The parts of what is cut off that go at the left and at the top, as CSS's `object-position` takes them."""

    x: float = MIDDLE
    y: float = HIGH


def focus_on(size: tuple[float, float], boxes: Sequence[Sequence[float]], place: float) -> Focus:
    """Return where to cut a picture with faces for a place whose width is `place` times its height.

    `size` (width, height) and `boxes` (x, y, width, height) are in px. Where not all faces fit into what is kept, the
    larger ones count.
    """
    width, height = size
    if not boxes or min(width, height) <= 0:
        return Focus()
    kept_wide, kept_tall = min(1.0, place * height / width), min(1.0, width / height / place)
    largest, *others = sorted((_with_hair(box, width, height) for box in boxes), key=_area, reverse=True)
    inside = largest
    for other in others:
        both = _around(inside, other)
        if both[2] - both[0] <= kept_wide and both[3] - both[1] <= kept_tall:
            inside = both
    left, top, right, bottom = inside
    return Focus(_part(left, right, MIDDLE), _part(top, bottom, HIGH))


def _part(begin: float, end: float, otherwise: float) -> float:
    """Return the part of what is cut off that goes before: as much of the spare before as of that after.

    Whatever is cut then, what lies between `begin` and `end` stays as long as there is room for it.
    """
    spare = begin + 1 - end
    return begin / spare if spare > 0 else otherwise


def _with_hair(box: Sequence[float], width: float, height: float) -> Box:
    """Return left, top, right and bottom of a whole head in parts of the picture."""
    x, y, wide, tall = box
    sides = (x - BESIDE * wide) / width, (y - ABOVE * tall) / height
    ends = (x + wide * (1 + BESIDE)) / width, (y + tall * (1 + BELOW)) / height
    left, top, right, bottom = (min(1.0, max(0.0, each)) for each in (*sides, *ends))
    return left, top, right, bottom


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
