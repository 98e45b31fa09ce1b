"""A closer look at what may be small faces: many are enlarged and searched together, in the cells of one picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from faces.boxes import moved, side
from faces.engine import BgrImage, LocatedFace

# Px of a cell, and of the face in it: large enough for the detector to be sure, and with what is around it.
CELL, FACE = 128, 40
# Cells in a row, and at most in one picture: about as many px as one search of a whole photo.
COLUMNS, MOST_CELLS = 8, 64
# Pictures have 1, 2, 4 or 8 rows, so that the detector meets few sizes.
ROWS = (1, 2, 4, 8)
# How far a face may be from the middle of its cell, as a fraction of the cell, and its side in px.
ASTRAY = 0.16
SIDES = (20.0, 72.0)

# Returns the faces with at least that score in a picture, in px of it.
Look = Callable[[BgrImage, float], list[LocatedFace]]


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell's corner in the sheet, and the corner in the image of what is cut out for it, enlarged by `scale`."""

    column: int
    row: int
    left: float
    top: float
    scale: float

    def fill(self, sheet: BgrImage, image: BgrImage) -> None:
        """Draw what is cut out of the image."""
        cell = sheet[self.row : self.row + CELL, self.column : self.column + CELL]
        matrix = np.array([[self.scale, 0, -self.left * self.scale], [0, self.scale, -self.top * self.scale]])
        cv2.warpAffine(image, matrix, (CELL, CELL), dst=cell, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def holds(self, face: LocatedFace) -> bool:
        """Return whether a face of the sheet is the one expected: in the middle of the cell, and as large."""
        x, y, width, height = face.box
        astray = max(abs(x + width / 2 - self.column - CELL / 2), abs(y + height / 2 - self.row - CELL / 2))
        return astray <= ASTRAY * CELL and SIDES[0] <= side(face) <= SIDES[1]

    def back(self, face: LocatedFace) -> LocatedFace:
        """Return a face of the sheet in px of the image."""
        in_cell = moved(face, (1 / self.scale, 1 / self.scale), -self.column, -self.row)
        return moved(in_cell, (1.0, 1.0), self.left, self.top)


def _cell(place: int, face: LocatedFace) -> _Cell:
    x, y, width, height = face.box
    scale = FACE / max(1.0, side(face))
    row, column = divmod(place, COLUMNS)
    half = CELL / 2 / scale
    return _Cell(column * CELL, row * CELL, x + width / 2 - half, y + height / 2 - half, scale)


def closer(look: Look, image: BgrImage, faces: Sequence[LocatedFace], lowest: float) -> list[LocatedFace | None]:
    """Return each face as it is found in an enlarged cutting, or None where no face is found; in px of `image`."""
    found = list[LocatedFace | None]()
    for start in range(0, len(faces), MOST_CELLS):
        cells = [_cell(place, face) for place, face in enumerate(faces[start : start + MOST_CELLS])]
        found += _in_cells(look, image, cells, lowest)
    return found


def _in_cells(look: Look, image: BgrImage, cells: Sequence[_Cell], lowest: float) -> list[LocatedFace | None]:
    rows = next(each for each in ROWS if each * COLUMNS >= len(cells))
    sheet = np.zeros((rows * CELL, COLUMNS * CELL, 3), np.uint8)
    for cell in cells:
        cell.fill(sheet, image)
    # By descending score, so that the first one in a cell is the surest.
    seen = sorted(look(sheet, lowest), key=lambda face: -face.quality)
    best = [next((face for face in seen if cell.holds(face)), None) for cell in cells]
    return [cell.back(face) if face is not None else None for cell, face in zip(cells, best, strict=True)]
