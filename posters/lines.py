"""Text set in lines: fonts for every character, the order of writing, breaks, and a size at which all of it fits."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

from posters.directions import base_level, from_left_to_right, levels
from posters.typefaces import Glyph, Typeface, chain

# Invisible characters that change how those beside them are drawn: they stay.
JOINERS = "\u200c\u200d"
ELLIPSIS = "…"
# Every space but those at which no line may end.
_SPACES = re.compile(r"[^\S\u00a0\u202f]+")
# Each step of a search for a size is that much smaller; below this part of the largest, words may be broken.
STEP = 0.96
COMFORTABLE = 0.45
# Between two of these a line may end without a space: Chinese, Japanese and Korean.
_DENSE = ((0x2E80, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF), (0x20000, 0x3FFFF))


@dataclass(frozen=True, slots=True)
class Style:
    """How a text is set: its font, the space between letters in ems, and the distance of lines in ems.

    `base` is the level of its paragraph, by which all its lines run (`posters.directions`); None: as each begins.
    """

    font: str
    tracking: float = 0.0
    leading: float = 1.2
    base: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Glyphs of one font that stand side by side, beginning `x` ems from the start of their line."""

    typeface: Typeface
    glyphs: tuple[Glyph, ...]
    x: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line, its width in ems."""

    runs: tuple[Run, ...]
    width: float


@dataclass(frozen=True, slots=True)
class Setting:
    """A text in lines, at a size in mm."""

    lines: tuple[Line, ...]
    size: float
    leading: float

    @property
    def height(self) -> float:
        """The height of all lines in mm, from the top of the first to the bottom of the last."""
        return self.size * (1 + self.leading * (len(self.lines) - 1)) if self.lines else 0.0

    @property
    def width(self) -> float:
        """The width of the longest line in mm."""
        return self.size * max((line.width for line in self.lines), default=0.0)


def printable(text: str, style: Style) -> str:
    """Return the text as it can be printed: composed, in one line, without what no font has."""
    fonts = chain(style.font)
    kept = [
        part
        for part in _clusters(unicodedata.normalize("NFC", _SPACES.sub(" ", text)))
        if part in JOINERS or part.isspace() or any(font.has(part) for font in fonts)
    ]
    # Joiners with nothing to join would be a line that nobody sees.
    seen = any(not (part in JOINERS or part.isspace()) for part in kept)
    return _SPACES.sub(" ", "".join(kept)).strip() if seen else ""


def lacking(text: str, style: Style) -> str:
    """Return what no font has of a text, each character with its marks and once; invisible ones are not named."""
    fonts = chain(style.font)
    parts = _clusters(unicodedata.normalize("NFC", text))
    missing = [part for part in parts if not (part.isspace() or any(font.has(part) for font in fonts))]
    return "".join(dict.fromkeys(part for part in missing if part not in JOINERS))


def fit(text: str, style: Style, width: float, height: float, sizes: tuple[float, float], most: int = 20) -> Setting:
    """Return the text at the largest of the sizes (largest and smallest, in mm) at which it fits, in `most` lines.

    A word is broken only where it would be set very small otherwise. What does not fit even so ends with an ellipsis.
    """
    shown = printable(text, style)
    style = replace(style, base=base_level(shown))
    pieces = _pieces(shown)
    longest = max((_set(piece.rstrip(), style).width for piece in pieces), default=0.0)
    size, least = sizes
    while size > least:
        # Rather letters that can be read than words that are whole.
        parts = pieces if size > COMFORTABLE * sizes[0] else _cut(pieces, style, width / size)
        if longest * size <= width or parts is not pieces:
            broken = _broken(parts, style, width / size)
            if len(broken) <= _room(height, size, style, most):
                return _setting(_balanced(parts, style, width / size, len(broken)), style, size)
        size *= STEP
    broken = _broken(_cut(pieces, style, width / least), style, width / least)
    room = max(1, _room(height, least, style, most))
    if len(broken) > room:
        broken = [*broken[: room - 1], _shortened(broken[room - 1], style, width / least)]
    return _setting(broken, style, least)


def _room(height: float, size: float, style: Style, most: int) -> int:
    """Return how many lines there is room for."""
    return min(most, int((height / size - 1) / style.leading + 1 + 1e-6)) if height >= size else 0


def _setting(lines: Iterable[str], style: Style, size: float) -> Setting:
    return Setting(tuple(_set(line, style) for line in lines), size, style.leading)


def _broken(pieces: Sequence[str], style: Style, width: float) -> list[str]:
    """Return the lines of a text, each filled before the next begins; `width` in ems."""
    lines: list[str] = []
    line = ""
    for piece in pieces:
        if line and _set((line + piece).rstrip(), style).width > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def _balanced(pieces: Sequence[str], style: Style, width: float, count: int) -> list[str]:
    """Return the same number of lines as even as they can be."""
    low, high = width / 2, width
    for _ in range(7):
        middle = (low + high) / 2
        narrow = max((_set(piece.rstrip(), style).width for piece in pieces), default=0.0) > middle
        low, high = (middle, high) if narrow or len(_broken(pieces, style, middle)) > count else (low, middle)
    return _broken(pieces, style, high)


def _shortened(line: str, style: Style, width: float) -> str:
    while line and _set(line + ELLIPSIS, style).width > width:
        line = line[:-1].rstrip()
    return line + ELLIPSIS


def _pieces(text: str) -> list[str]:
    """Return the parts of a text between which a line may end, each with the space after it."""
    pieces: list[str] = []
    for part in _clusters(text):
        last = pieces[-1] if pieces else " "
        if last.endswith((" ", "-", "–", "—", "/")) or (_is_dense(last[-1]) and _is_dense(part[0])):
            pieces.append(part)
        else:
            pieces[-1] += part
    return pieces


def _cut(pieces: Sequence[str], style: Style, width: float) -> list[str]:
    """Return the pieces with those that are wider than a line cut into parts that are not."""
    cut: list[str] = []
    for piece in pieces:
        part = ""
        for cluster in _clusters(piece):
            if part and _set(part + cluster.rstrip(), style).width > width:
                cut.append(part)
                part = ""
            part += cluster
        cut.append(part)
    return cut


def _is_dense(character: str) -> bool:
    return any(low <= ord(character) <= high for low, high in _DENSE)


def _clusters(text: str) -> list[str]:
    """Return the characters, each with the marks on it; formatting characters and variants are left out."""
    clusters: list[str] = []
    for each in text:
        category = unicodedata.category(each)
        if 0xFE00 <= ord(each) <= 0xFE0F or 0x1F3FB <= ord(each) <= 0x1F3FF:
            continue
        if category[0] == "C" and each not in JOINERS and category not in ("Cn", "Co"):
            continue
        if clusters and category in ("Mn", "Me", "Mc"):
            clusters[-1] += each
        else:
            clusters.append(each)
    return clusters


@lru_cache(maxsize=5000)
def _set(text: str, style: Style) -> Line:
    """Return a text in one line."""
    fonts = chain(style.font)
    found: list[tuple[int, Typeface, str]] = []
    at = 0
    directions = levels(text, style.base)
    font = fonts[0]
    for part in _clusters(text):
        at = text.index(part[0], at)
        if not (part.isspace() or part in JOINERS):
            font = next((each for each in fonts if each.has(part)), fonts[0])
        elif not font.has(part):
            font = fonts[0]
        found.append((directions[at], font, part))
        at += 1
    runs = [
        (level, (font, "".join(part for _, _, part in same)))
        for (level, font), same in groupby(found, lambda each: (each[0], each[1]))
    ]
    return _placed(from_left_to_right(runs), style)


def _placed(runs: Sequence[tuple[int, tuple[Typeface, str]]], style: Style) -> Line:
    placed: list[Run] = []
    x = 0.0
    for level, (font, part) in runs:
        glyphs = tuple(font.shape(part, backwards=level % 2 == 1, tracking=style.tracking))
        placed.append(Run(font, glyphs, x))
        x += sum(each.advance for each in glyphs)
    return Line(tuple(placed), max(0.0, x - (style.tracking if placed else 0.0)))
