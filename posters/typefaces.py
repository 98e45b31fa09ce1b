"""The fonts of the posters: which characters each has, how a run of text is shaped, and the outlines of glyphs."""

import logging
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

import uharfbuzz
from reportlab.pdfbase.ttfonts import TTFError, TTFontFile

from settings import get_settings

log = logging.getLogger("reperio.posters")
FOLDER = Path(__file__).with_name("fonts")
# Tried in this order for what the chosen font lacks: Latin, Greek and Cyrillic; Hebrew; Arabic; pictures in outline.
FALLBACKS = ("noto-sans-medium", "noto-sans-hebrew-medium", "noto-sans-arabic-medium", "noto-emoji")


@dataclass(frozen=True, slots=True)
class Glyph:
    """A glyph of a shaped run. Lengths are in ems: how far it advances, and where it is drawn from there."""

    number: int
    advance: float
    dx: float
    dy: float


class Typeface:
    """A TrueType font file."""

    def __init__(self, name: str, path: Path) -> None:
        """`name` is unique among all fonts."""
        self.name, self.path = name, path
        face = uharfbuzz.Face(uharfbuzz.Blob(path.read_bytes()))
        self._font = uharfbuzz.Font(face)
        self._em = float(face.upem)
        self._characters = frozenset(face.unicodes)
        # A font of HarfBuzz must not be used by two threads at a time.
        self._lock = threading.Lock()

    def has(self, characters: str) -> bool:
        """Return whether the font has all of these characters."""
        return all(ord(each) in self._characters for each in characters)

    def shape(self, text: str, *, backwards: bool, tracking: float) -> list[Glyph]:
        """Return the glyphs of a run in the order in which they stand from left to right.

        `backwards`: the run is written from right to left. `tracking`, in ems, is added after each letter with its
        marks, not between the two; with any, letters are not joined to ligatures.
        """
        buffer = uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.direction = "rtl" if backwards else "ltr"
        with self._lock:
            uharfbuzz.shape(self._font, buffer, {"kern": True, "liga": not tracking})
        em = self._em
        letters = [info.cluster for info in buffer.glyph_infos]
        after = [tracking if here != following else 0.0 for here, following in pairwise([*letters, -1])]
        return [
            Glyph(info.codepoint, place.x_advance / em + space, place.x_offset / em, place.y_offset / em)
            for info, place, space in zip(buffer.glyph_infos, buffer.glyph_positions, after, strict=True)
        ]

    def width(self, number: int) -> float:
        """Return the width of a glyph as the font has it, in ems: what it advances without kerning or tracking."""
        with self._lock:
            return float(self._font.get_glyph_h_advance(number)) / self._em

    def outline(self, number: int) -> str:
        """Return the outline of a glyph as the data of an SVG path: 1 em is 1,000 units, y rises."""
        return _outline(self, number)

    def trace(self, number: int) -> str:
        """Return the outline, made again: see `outline`."""
        pen = _Pen(1000 / self._em)
        with self._lock:
            self._font.draw_glyph(number, _pen_functions(), pen)
        return "".join(pen.parts)


@lru_cache(maxsize=2000)
def _outline(typeface: Typeface, number: int) -> str:
    return typeface.trace(number)


class _Pen:
    def __init__(self, scale: float) -> None:
        self._scale = scale
        self.parts: list[str] = []

    def draw(self, command: str, *lengths: float) -> None:
        self.parts.append(command + " ".join(f"{length * self._scale:.0f}" for length in lengths))


@cache
def _pen_functions() -> uharfbuzz.DrawFuncs:
    functions = uharfbuzz.DrawFuncs()
    functions.set_move_to_func(lambda x, y, pen: pen.draw("M", x, y))
    functions.set_line_to_func(lambda x, y, pen: pen.draw("L", x, y))
    functions.set_quadratic_to_func(lambda a, b, x, y, pen: pen.draw("Q", a, b, x, y))
    functions.set_cubic_to_func(lambda a, b, c, d, x, y, pen: pen.draw("C", a, b, c, d, x, y))
    functions.set_close_path_func(lambda pen: pen.draw("Z"))
    return functions


@cache
def typeface(name: str) -> Typeface:
    """Return one of the fonts in `posters/fonts/`, by the name of its file."""
    return Typeface(name, FOLDER / f"{name}.ttf")


@cache
def _of_the_machine(paths: Sequence[str]) -> Sequence[Typeface]:
    """Return the fonts of these files that are there and can be printed; of the others, the log says why not."""
    fonts: list[Typeface] = []
    for path in paths:
        if not Path(path).is_file():
            continue
        try:
            # As reading it for a PDF does: it must have TrueType outlines, and may be a collection.
            TTFontFile(path)
        except (TTFError, OSError, struct.error) as error:
            log.warning("POSTER_FONT: %s is not used: %s", path, error)
        else:
            fonts.append(Typeface(f"of-the-machine-{len(fonts)}-{Path(path).stem}", Path(path)))
    return tuple(fonts)


def chain(name: str) -> Sequence[Typeface]:
    """Return a font and those that are tried after it, the last ones those that the settings name."""
    return [*(typeface(each) for each in (name, *FALLBACKS)), *_of_the_machine(get_settings().poster_fonts)]
