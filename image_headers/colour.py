"""Finds where a file says which colours its numbers mean. Profiles are located, not read."""

from collections.abc import Sequence

from image_headers.boxes import Box, Boxes
from image_headers.header import UNSAID, Colour, Place

# The largest profiles of printing presses have 3 MB; Firefox reads none of more than 4 MB.
MAX_PROFILE = 4 * 1024 * 1024
# A JPEG's profile comes in segments (ICC.1:2022, B.4): this name, the segment's number from 1, how many there are.
SEGMENT = b"ICC_PROFILE\0"
SEGMENT_HEAD = len(SEGMENT) + 2
PNG_CHUNKS = frozenset((b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"))
# Five at most are allowed.
MAX_CHUNKS = 100
FRACTION = 100_000
CORNERS = 8


def _bounded(pieces: tuple[Place, ...]) -> tuple[Place, ...]:
    return pieces if sum(end - at for at, end in pieces) <= MAX_PROFILE else ()


def of_segments(data: bytes, segments: list[Place], *, inks: bool) -> Colour:
    """Return what the APP2 segments of a JPEG say, given the places of their bodies.

    Segments may be in any order. Where one is missing, the profile counts as none; of two with one number, the first
    counts. A single one may have any number.
    """
    numbered: dict[int, Place] = {}
    for at, end in segments:
        if end - at > SEGMENT_HEAD:
            numbered.setdefault(data[at + len(SEGMENT)], (at + SEGMENT_HEAD, end))
    numbers = sorted(numbered)
    if not numbers:
        return Colour(inks=inks)
    # How many there are, as the first says. Some programs count from 0.
    count = data[numbered[numbers[0]][0] - 1]
    whole = numbers == list(range(numbers[0], numbers[0] + count)) or (len(numbers) == 1 and count < 2)
    if not whole:
        return Colour(inks=inks)
    return Colour(_bounded(tuple(numbered[each] for each in numbers)), inks=inks)


def of_chunks(data: bytes, chunks: Sequence[tuple[bytes, Place]]) -> Colour:
    """Return what the chunks of a PNG say, the first of each name.

    Their rank is cICP, iCCP, sRGB, gAMA with cHRM (PNG, 3rd edition, 4.3): `sRGB` makes the last two void.
    """
    places: dict[bytes, Place] = {}
    for name, place in chunks:
        places.setdefault(name, place)
    coded = gamma = None
    corners: tuple[float, ...] = ()
    if b"cICP" in places and places[b"cICP"][1] - places[b"cICP"][0] == 4:
        at, _ = places[b"cICP"]
        # The third number is 0: PNG has no YCbCr. The fourth says whether the whole range is used, as it should.
        coded = (data[at], data[at + 1]) if data[at + 2 : at + 4] == b"\0\1" else None
    if b"sRGB" not in places:
        numbers = {name: _fractions(data, places.get(name)) for name in (b"gAMA", b"cHRM")}
        gamma = numbers[b"gAMA"][0] if len(numbers[b"gAMA"]) == 1 else None
        corners = numbers[b"cHRM"] if len(numbers[b"cHRM"]) == CORNERS else ()
    pieces = _bounded((places[b"iCCP"],)) if b"iCCP" in places else ()
    return Colour(
        pieces, packed=True, coded=coded, gamma=gamma, corners=corners, chunks=tuple(place for _, place in chunks)
    )


def _fractions(data: bytes, place: Place | None) -> tuple[float, ...]:
    at, end = place or (0, 0)
    if end - at not in (4, 4 * CORNERS):
        return ()
    return tuple(int.from_bytes(data[each : each + 4], "big") / FRACTION for each in range(at, end, 4))


def of_place(at: int, end: int, size: int) -> Colour:
    """Return what a profile in one piece says: where it begins and ends, in a file of `size` bytes."""
    return Colour(_bounded(((at, end),))) if at < end <= size else UNSAID


def of_boxes(boxes: Boxes, properties: list[Box]) -> Colour:
    """Return what the first `colr` boxes among a picture's properties say (ISO/IEC 14496-12, 12.1.5)."""
    pieces: tuple[Place, ...] = ()
    coded = None
    for box in properties:
        if box.name != b"colr" or box.end - box.at < 8:
            continue
        kind = boxes.data[box.at : box.at + 4]
        if kind in (b"prof", b"rICC") and not pieces:
            pieces = _bounded(((box.at + 4, box.end),))
        elif kind == b"nclx" and coded is None:
            coded = boxes.number(box.at + 4, 2, box.end), boxes.number(box.at + 6, 2, box.end)
    return Colour(pieces, coded=coded)
