"""Walks the scans of a JPEG that comes in several (ITU-T T.81, annexes F and G): which coefficients they bring.

A progressive picture that is cut off between two scans is one that decoders show without a complaint, only coarser.
"""

from dataclasses import dataclass

from image_headers.jpeg import AFTER_SCAN, END, MARKER, MAX_SCANS, MAX_SEGMENTS, MAX_STRAY, START_OF_SCAN

COEFFICIENTS = 64
# Segments between scans: tables, restart interval, comment, application data.
BETWEEN = {0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)}


@dataclass(frozen=True, slots=True)
class Scans:
    """`end` is where the last scan ends; `ended`: the end marker is there. `complete`: every coefficient came."""

    end: int
    ended: bool
    complete: bool


def walk(data: bytes, at: int, components: int) -> Scans:
    """Return what the scans from `at`, the marker of the first one, bring of a picture of so many components."""
    precision: dict[int, list[int | None]] = {}
    end, scans = len(data), 0
    for _ in range(MAX_SEGMENTS):
        marker = data[at + 1] if at + 4 <= len(data) else END[1]
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == START_OF_SCAN[1] and scans < MAX_SCANS and _note(data[at + 4 : at + 2 + length], precision):
            scans += 1
            found = AFTER_SCAN.search(data, at + 2 + length)
            at = end = found.start() if found else len(data)
            if _is_complete(precision, components):
                break
        elif marker in BETWEEN and length >= 2 and at + 2 + length <= len(data):
            at += 2 + length
            found = MARKER.search(data, at, at + MAX_STRAY)
            at = found.start() if found else len(data)
        else:
            break
    return Scans(end, data[end : end + 2] == END, _is_complete(precision, components))


def _note(body: bytes, precision: dict[int, list[int | None]]) -> bool:
    """Note to how many bits a scan brings its coefficients; return False for what is no scan's header."""
    count = body[0] if body else 0
    if not 1 <= count <= 4 or len(body) != 4 + 2 * count:
        return False
    first, last, low = body[-3], body[-2], body[-1] & 15
    if first > last or last >= COEFFICIENTS:
        # Some encoders of sequential pictures leave these at zero or worse.
        first, last, low = 0, COEFFICIENTS - 1, 0
    for component in body[1 : 1 + 2 * count : 2]:
        bits = precision.setdefault(component, [None] * COEFFICIENTS)
        bits[first : last + 1] = [low] * (last + 1 - first)
    return True


def _is_complete(precision: dict[int, list[int | None]], components: int) -> bool:
    return len(precision) >= components and all(low == 0 for bits in precision.values() for low in bits)
