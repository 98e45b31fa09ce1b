"""A closer look at what may be a small face: many are enlarged and searched together, each in a cell of one picture."""

from collections.abc import Callable, Sequence

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
# How far the face found may be from where it was expected, as a fraction of the cell, and its side in px.
ASTRAY = 0.16
SIDES = (20.0, 72.0)

# Returns the faces with at least that score in a picture, in px of it.
Look = Callable[[BgrImage, float], list[LocatedFace]]


def closer(look: Look, image: BgrImage, faces: Sequence[LocatedFace], lowest: float) -> list[LocatedFace | None]:
    """Return each face as it is found in an enlarged cutting, or None where no face is found; in px of `image`."""
    found = list[LocatedFace | None]()
    for start in range(0, len(faces), MOST_CELLS):
        found += _closer(look, image, faces[start : start + MOST_CELLS], lowest)
    return found


def _closer(look: Look, image: BgrImage, faces: Sequence[LocatedFace], lowest: float) -> list[LocatedFace | None]:
    rows = next(each for each in ROWS if each * COLUMNS >= len(faces))
    sheet = np.zeros((rows * CELL, COLUMNS * CELL, 3), np.uint8)
    scales, corners = [], []
    for place, face in enumerate(faces):
        x, y, width, height = face.box
        scale = FACE / max(1.0, min(width, height))
        left, top = x + width / 2 - CELL / 2 / scale, y + height / 2 - CELL / 2 / scale
        row, column = divmod(place, COLUMNS)
        cell = sheet[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
        matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
        cv2.warpAffine(image, matrix, (CELL, CELL), dst=cell, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        scales.append(scale)
        corners.append((left, top))
    best: list[LocatedFace | None] = [None] * len(faces)
    for face in look(sheet, lowest):
        x, y, width, height = face.box
        column, row = int((x + width / 2) // CELL), int((y + height / 2) // CELL)
        place = row * COLUMNS + column
        if not (0 <= row < rows and 0 <= column < COLUMNS and place < len(faces)):
            continue
        astray = max(abs((x + width / 2) / CELL - column - 0.5), abs((y + height / 2) / CELL - row - 0.5))
        known = best[place]
        if astray > ASTRAY or not SIDES[0] <= side(face) <= SIDES[1] or (known and known.quality >= face.quality):
            continue
        best[place] = face
    return [
        None if face is None else _back(face, place, scales[place], corners[place]) for place, face in enumerate(best)
    ]


def _back(face: LocatedFace, place: int, scale: float, corner: tuple[float, float]) -> LocatedFace:
    """Return a face of the sheet in px of the image that its cell was cut from."""
    row, column = divmod(place, COLUMNS)
    in_cell = moved(face, (1 / scale, 1 / scale), -column * CELL, -row * CELL)
    return moved(in_cell, (1.0, 1.0), *corner)
