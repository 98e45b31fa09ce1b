"""Which way each part of a line is written: from left to right, or from right to left.

A part of the Unicode bidirectional algorithm (UAX #9): without explicit embeddings, whose characters are left out of
a poster's texts, and without paired brackets. HarfBuzz mirrors those.
"""

import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import TypeVar

Part = TypeVar("Part")
LEFT, RIGHT, NUMBER, NEUTRAL = "L", "R", "N", " "
_CLASSES = {"L": LEFT, "R": RIGHT, "AL": RIGHT, "EN": NUMBER, "AN": NUMBER}


def levels(text: str) -> list[int]:
    """Return the embedding level of each character: even from left to right, odd from right to left."""
    classes = _strong(text)
    base = RIGHT if next((each for each in classes if each != NEUTRAL), LEFT) == RIGHT else LEFT
    resolved = _resolved(classes, base)
    low = 1 if base == RIGHT else 0
    return [_level(each, low) for each in resolved]


def _level(direction: str, base: int) -> int:
    if direction == RIGHT:
        return 1
    if direction == NUMBER:
        return 2
    return 2 if base else 0


def _strong(text: str) -> list[str]:
    """Return the class of each character; a number after letters from left to right belongs to them."""
    found: list[str] = []
    before = ""
    for each in text:
        kind = unicodedata.bidirectional(each)
        if kind == "NSM":
            found.append(found[-1] if found else NEUTRAL)
            continue
        direction = _CLASSES.get(kind, NEUTRAL)
        if direction == NUMBER and before != RIGHT:
            direction = LEFT
        if direction in (LEFT, RIGHT):
            before = direction
        found.append(direction)
    return found


def _resolved(classes: Sequence[str], base: str) -> list[str]:
    """Return the classes with each neutral one between two of the same direction given that, else the base's."""
    found: list[str] = []
    runs = [(kind, len(list(same))) for kind, same in groupby(classes)]
    for at, (kind, length) in enumerate(runs):
        if kind == NEUTRAL:
            before = _as_letters(runs[at - 1][0]) if at else base
            after = _as_letters(runs[at + 1][0]) if at + 1 < len(runs) else base
            kind = before if before == after else base
        found += [kind] * length
    return found


def _as_letters(kind: str) -> str:
    return RIGHT if kind == NUMBER else kind


def from_left_to_right(parts: Sequence[tuple[int, Part]]) -> list[tuple[int, Part]]:
    """Return parts of a line, each with its level, in the order in which they stand from left to right."""
    ordered = list(parts)
    odd = [level for level, _ in parts if level % 2]
    if not odd:
        return ordered
    for least in range(max(level for level, _ in parts), min(odd) - 1, -1):
        ordered = _turned(ordered, least)
    return ordered


def _turned(parts: Sequence[tuple[int, Part]], least: int) -> list[tuple[int, Part]]:
    """Return the parts with every stretch of this level or a higher one reversed."""
    turned: list[tuple[int, Part]] = []
    for inside, same in groupby(parts, lambda each: each[0] >= least):
        stretch = list(same)
        turned += stretch[::-1] if inside else stretch
    return turned
