"""Tiles of a large picture: each of one size, overlapping, so that every small face is whole in one of them."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from faces.engine import LocatedFace

# Px by which neighbours overlap: a face of this side is whole in at least one. Larger ones are found before, in the
# picture as a whole.
OVERLAP = 96
# Longest side of a tile in px. The memory that a search takes is that of one tile.
LONGEST = 1344
# Sides are multiples of this: YuNet's coarsest grid.
GRID = 32
# A face may be found a little to either side of the middle of an overlap, so both tiles keep it there.
EITHER = 8


class Tile(NamedTuple):
    """A tile's place, and the part of the picture (from, to) whose faces it answers for, along both axes."""

    left: int
    top: int
    width: int
    height: int
    own_columns: tuple[float, float]
    own_rows: tuple[float, float]

    def owns(self, face: LocatedFace) -> bool:
        """Return whether the tile answers for a face (in px of the picture): its middle is here, and it is small."""
        x, y, width, height = face.box
        column, row = x + width / 2, y + height / 2
        return (
            max(width, height) <= OVERLAP
            and self.own_columns[0] <= column < self.own_columns[1]
            and self.own_rows[0] <= row < self.own_rows[1]
        )


def tiles(width: int, height: int) -> Iterator[Tile]:
    """Yield the tiles of a picture of that size; those at its ends may reach beyond it."""
    for top, tile_height, rows in _parts(height):
        for left, tile_width, columns in _parts(width):
            yield Tile(left, top, tile_width, tile_height, columns, rows)


def _parts(length: int) -> list[tuple[int, int, tuple[float, float]]]:
    """Return start, size and own part of the tiles along one axis."""
    count = max(1, math.ceil((length - OVERLAP) / (LONGEST - OVERLAP)))
    size = math.ceil((length + (count - 1) * OVERLAP) / count / GRID) * GRID
    step = size - OVERLAP
    found = []
    for number in range(count):
        start = number * step
        first = -math.inf if number == 0 else start + OVERLAP / 2 - EITHER
        last = math.inf if number == count - 1 else start + step + OVERLAP / 2 + EITHER
        found.append((start, size, (first, last)))
    return found
