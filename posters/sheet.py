"""What is on a sheet of paper: things with places in mm from its upper left corner, before a file is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from posters.lines import Setting

# Beyond the cut, so that a cut that is off by a little shows no white edge.
BLEED = 3.0
# White space around a QR code that scanners need, in modules.
QUIET_ZONE = 4


@dataclass(frozen=True, slots=True)
class Ink:
    """A colour: parts of cyan, magenta, yellow and black (0 to 1) for a printer, and `#rrggbb` for a screen."""

    cmyk: tuple[float, float, float, float]
    screen: str


BLACK = Ink((0, 0, 0, 1), "#1c1b1a")
GREY = Ink((0, 0, 0, 0.68), "#6b6762")
WHITE = Ink((0, 0, 0, 0), "#ffffff")
ACCENT = Ink((0.12, 0.82, 1, 0.14), "#b4431f")


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle, with round corners if `radius` is not 0."""

    x: float
    y: float
    width: float
    height: float
    ink: Ink
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class Words:
    """A text in lines whose first begins at `y`; each line lies at `align` of the width.

    0 is left, 0.5 the middle, 1 right.
    """

    setting: Setting
    x: float
    y: float
    width: float
    align: float
    ink: Ink


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code: rows of modules, without the white space around it. Always black on what is white beneath it."""

    modules: Sequence[Sequence[bool]]
    x: float
    y: float
    size: float


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG that has the proportions of its place."""

    jpeg: bytes
    x: float
    y: float
    width: float
    height: float


Item: TypeAlias = Box | Words | Code | Picture


@dataclass(frozen=True, slots=True)
class Face:
    """One side that is looked at: its items in its own mm, and where it lies on the sheet.

    It is `width` by `height` large, drawn `scale` times as large from `x`, `y`, and, if `turned`, by 180 degrees
    around its middle. Nothing is drawn outside `clip` (x, y, width, height on the sheet).
    """

    items: Sequence[Item]
    width: float
    height: float
    x: float
    y: float
    scale: float
    turned: bool
    clip: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as it is cut; `folds` and `cuts` are where marks outside the sheet say to fold or cut it further.

    Each is (direction, place): `"y"` for a line across at that height, `"x"` for one from top to bottom.
    """

    width: float
    height: float
    faces: Sequence[Face]
    folds: Sequence[tuple[str, float]] = ()
    cuts: Sequence[tuple[str, float]] = ()


def dark_runs(modules: Sequence[bool]) -> list[tuple[int, int]]:
    """Return where the dark stretches of a row of a QR code begin, and how many modules each has."""
    runs, at = [], 0
    for dark, same in groupby(modules):
        length = len(list(same))
        if dark:
            runs.append((at, length))
        at += length
    return runs
