"""Which way each part of a line is written: from left to right, or from right to left.

The Unicode bidirectional algorithm (UAX #9), with its rules P2 to P3, W1 to W7, N0 to N2, I1, I2 and L2. Explicit
embeddings and isolates are left out of a poster's texts before, and lines neither end with spaces nor have tabs (L1).
HarfBuzz mirrors the brackets of what is written from right to left (L4).
"""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import TypeVar

Part = TypeVar("Part")
SIDES = ("L", "R")
# Neutral after the rules W1 to W7; characters that count for nothing (X9).
_NEUTRAL = ("B", "S", "WS", "ON")
_IGNORED = ("BN", "LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
# BD16: with more brackets open than this, a text has no pairs.
_MOST_OPEN = 63
# Opening brackets whose closing one is neither the next character nor the one after it.
_CROSSED = {"\u298d": "\u2990", "\u298f": "\u298e"}


def base_level(text: str) -> int:
    """Return the level of a paragraph: 1 if its first letter is written from right to left, else 0."""
    kinds = (unicodedata.bidirectional(each) for each in text)
    return int(next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L")


def levels(text: str, base: int | None = None) -> list[int]:
    """Return the embedding level of each character: even from left to right, odd from right to left.

    `base` is the level of the paragraph that the line belongs to; by default, the line is all of it.
    """
    base = base_level(text) if base is None else base
    # Unassigned characters count as letters.
    kinds = [unicodedata.bidirectional(each) or "L" for each in text]
    counted = [at for at, kind in enumerate(kinds) if kind not in _IGNORED]
    shown = [text[at] for at in counted]
    given = [kinds[at] for at in counted]
    resolved = _without_weak(given, SIDES[base])
    _resolve_brackets(shown, given, resolved, SIDES[base])
    resolved = _without_neutral(resolved, SIDES[base])
    found = dict(zip(counted, (_level(kind, base) for kind in resolved), strict=True))
    every, level = [], base
    for at in range(len(text)):
        level = found.get(at, level)
        every.append(level)
    return every


def _level(kind: str, base: int) -> int:
    """Return the level of a character (I1, I2)."""
    if kind == "R":
        return 1
    return 0 if kind == "L" and base == 0 else 2


def _without_weak(given: Sequence[str], start: str) -> list[str]:
    """Return the classes after the rules W1 to W7; `start` is the direction before the text."""
    kinds: list[str] = []
    for kind in given:
        kinds.append((kinds[-1] if kinds else start) if kind == "NSM" else kind)
    kinds = ["AN" if kind == "EN" and strong == "AL" else kind for kind, strong in _after_letters(kinds, start)]
    kinds = _with_separators(["R" if kind == "AL" else kind for kind in kinds])
    kinds = _with_terminators(kinds)
    kinds = ["ON" if kind in ("ES", "ET", "CS") else kind for kind in kinds]
    return ["L" if kind == "EN" and strong == "L" else kind for kind, strong in _after_letters(kinds, start)]


def _after_letters(kinds: Sequence[str], start: str) -> Iterator[tuple[str, str]]:
    """Yield each class with that of the last letter before it."""
    strong = start
    for kind in kinds:
        yield kind, strong
        if kind in ("L", "R", "AL"):
            strong = kind


def _with_separators(kinds: Sequence[str]) -> list[str]:
    """Return the classes with a single separator between two numbers made a part of them (W4)."""
    found = list(kinds)
    for at in range(1, len(found) - 1):
        around = found[at - 1]
        joins = (found[at] == "ES" and around == "EN") or (found[at] == "CS" and around in ("EN", "AN"))
        if joins and found[at + 1] == around:
            found[at] = around
    return found


def _with_terminators(kinds: Sequence[str]) -> list[str]:
    """Return the classes with signs as % and € beside a number made a part of it (W5)."""
    runs = [(kind, len(list(same))) for kind, same in groupby(kinds)]
    found: list[str] = []
    for at, (kind, length) in enumerate(runs):
        beside = [runs[other][0] for other in (at - 1, at + 1) if 0 <= other < len(runs)]
        found += ["EN" if kind == "ET" and "EN" in beside else kind] * length
    return found


def _direction(kind: str) -> str | None:
    """Return the direction that a class counts as where neutral characters are resolved, None for a neutral one."""
    return None if kind in _NEUTRAL else "L" if kind == "L" else "R"


def _resolve_brackets(shown: Sequence[str], given: Sequence[str], kinds: list[str], base: str) -> None:
    """Give both brackets of each pair the same direction, in `kinds` (N0).

    It is the paragraph's if that is found within; if only the other is, it is that one where it stands before, too.
    """
    for opening, closing in _pairs(shown, kinds):
        inside = {_direction(kind) for kind in kinds[opening + 1 : closing]} - {None}
        if not inside:
            continue
        before = next((kind for kind in map(_direction, reversed(kinds[:opening])) if kind), base)
        resolved = base if base in inside else before
        for at in (opening, closing):
            kinds[at] = resolved
            # Marks on a bracket go with it.
            for mark in range(at + 1, len(given)):
                if given[mark] != "NSM":
                    break
                kinds[mark] = resolved


def _pairs(shown: Sequence[str], kinds: Sequence[str]) -> list[tuple[int, int]]:
    """Return where brackets open and close, in the order in which they open (BD16)."""
    closes: list[tuple[str, int]] = []
    pairs: list[tuple[int, int]] = []
    for at, character in enumerate(shown):
        if kinds[at] != "ON":
            continue
        closing = _closing(character)
        if closing:
            if len(closes) == _MOST_OPEN:
                return []
            closes.append((closing, at))
            continue
        same = unicodedata.normalize("NFC", character)
        depth = next((depth for depth in reversed(range(len(closes))) if closes[depth][0] == same), None)
        if depth is not None:
            pairs.append((closes[depth][1], at))
            del closes[depth:]
    return sorted(pairs)


@cache
def _closing(character: str) -> str:
    """Return the bracket that closes this one, empty if it opens nothing: Unicode's Bidi_Paired_Bracket."""
    if not (unicodedata.category(character) == "Ps" and unicodedata.mirrored(character)):
        return ""
    following = [_CROSSED.get(character, ""), *(chr(ord(character) + step) for step in (1, 2))]
    return unicodedata.normalize(
        "NFC", next(each for each in following if each and unicodedata.category(each) == "Pe")
    )


def _without_neutral(kinds: Sequence[str], base: str) -> list[str]:
    """Return the classes with neutral characters between two of the same direction given that, else the base's."""
    runs = [(direction, list(same)) for direction, same in groupby(kinds, _direction)]
    found: list[str] = []
    for at, (direction, same) in enumerate(runs):
        if direction is None:
            before = runs[at - 1][0] if at else base
            after = runs[at + 1][0] if at + 1 < len(runs) else base
            found += [before if before is not None and before == after else base] * len(same)
        else:
            found += same
    return found


def from_left_to_right(parts: Sequence[tuple[int, Part]]) -> list[tuple[int, Part]]:
    """Return parts of a line, each with its level, in the order in which they stand from left to right (L2)."""
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
