"""Tells the RAW files of cameras from TIFF, and finds the JPEG previews that lie in them.

CR2, NEF, ARW, DNG, ORF, RW2, PEF and SRW are TIFF structures with the sensor's values in one directory and previews
in others; RAF has a header of its own, CR3 is a file of boxes (`image_headers/canon_boxes.py`).
"""

import contextlib
from collections.abc import Iterator

from image_headers.directories import OTHER_MARKS, Directory, Entry, Tiff
from image_headers.header import DamagedImage

COMPRESSION, PHOTOMETRIC, MAKE, STRIP_AT, STRIP_BYTES = 259, 262, 271, 273, 279
TILE_AT, TILE_BYTES, SUB_IFDS = 324, 325, 330
SUBFILE, JPEG_AT, JPEG_BYTES = 254, 513, 514
SUB_IFD, MAKER_NOTE, DNG_VERSION, PANASONIC_JPEG = 34665, 37500, 50706, 46
REDUCED = 1
# How the pixels of a sensor are marked: a colour filter array, or linear values of it.
SENSOR = {32803, 34892}
# Compressions that only cameras write: Sony, Samsung, Nikon, Pentax.
CAMERA_COMPRESSIONS = {32767, 32770, 34713, 65535}
JPEG_COMPRESSIONS = {6, 7}
# Directories that are looked into: the chain, those below each, and a maker's note.
MAX_DIRECTORIES = 40
RAF = b"FUJIFILMCCD-RAW "
RAF_JPEG_AT, RAF_JPEG_BYTES = 84, 88
# Where the places of the JPEG, of the sensor's header and of its values stand.
RAF_PARTS = (84, 92, 100)
# Olympus's note: its name and version, then a directory whose offsets count from the note's beginning.
OLYMPUS_NOTES = {b"OLYMPUS\0": 12, b"OM SYSTEM\0": 16}
OLYMPUS_SETTINGS, OLYMPUS_AT, OLYMPUS_BYTES = 0x2020, 0x0101, 0x0102
# Nikon's note is a TIFF structure of its own; Nikon keeps a preview below it too.
NIKON_NOTE, NIKON_PREVIEW = b"Nikon\0", 17
MAKERS = {"NIKON": "NEF", "SONY": "ARW", "PENTAX": "PEF", "RICOH": "PEF", "SAMSUNG": "SRW", "OLYMPUS": "ORF"}
Place = tuple[int, int]


def is_raw(tiff: Tiff, page: Directory) -> bool:
    """Return whether a TIFF structure is the RAW file of a camera; `page` is its first directory."""
    entries = page.entries
    has_picture = STRIP_AT in entries or TILE_AT in entries
    if tiff.mark in OTHER_MARKS or DNG_VERSION in entries or _is_cr2(tiff):
        return True
    if JPEG_AT in entries and not has_picture:
        return True
    if tiff.one(entries.get(SUBFILE)) & REDUCED and SUB_IFDS in entries:
        return True
    return any(_is_sensor(tiff, each) for each in (page, *_below(tiff, page)))


def kind_of(tiff: Tiff, page: Directory) -> str:
    """Return the usual ending of such a file, in capitals."""
    if _is_cr2(tiff):
        return "CR2"
    if DNG_VERSION in page.entries:
        return "DNG"
    if tiff.mark in OTHER_MARKS:
        return "RW2" if tiff.mark == 0x55 else "ORF"
    maker = tiff.text(page.entries.get(MAKE)).upper()
    return next((kind for name, kind in MAKERS.items() if maker.startswith(name)), "DNG")


def _is_cr2(tiff: Tiff) -> bool:
    return tiff.data[tiff.start + 8 : tiff.start + 10] == b"CR"


def _is_sensor(tiff: Tiff, directory: Directory) -> bool:
    meaning = tiff.one(directory.entries.get(PHOTOMETRIC))
    return meaning in SENSOR or tiff.one(directory.entries.get(COMPRESSION)) in CAMERA_COMPRESSIONS


def _below(tiff: Tiff, directory: Directory) -> Iterator[Directory]:
    """Yield the directories below one; those that are malformed are left out."""
    offsets: tuple[int, ...] = ()
    with contextlib.suppress(DamagedImage):
        offsets = tiff.numbers(directory.entries.get(SUB_IFDS))[:MAX_DIRECTORIES]
    for offset in offsets:
        with contextlib.suppress(DamagedImage):
            yield tiff.directory(offset)


def _all(tiff: Tiff) -> Iterator[Directory]:
    """Yield the directories of the chain and those below each."""
    with contextlib.suppress(DamagedImage):
        for found in tiff.chain(tiff.first):
            yield found
            yield from _below(tiff, found)


def previews(tiff: Tiff, page: Directory) -> Iterator[Place]:
    """Yield where the JPEGs in a RAW file of TIFF's structure begin and end, if they are JPEGs at all."""
    for number, found in enumerate(_all(tiff)):
        if number >= MAX_DIRECTORIES:
            return
        with contextlib.suppress(DamagedImage):
            yield from _in_directory(tiff, found)
    with contextlib.suppress(DamagedImage):
        yield from _in_note(tiff, page)


def _in_directory(tiff: Tiff, directory: Directory) -> Iterator[Place]:
    entries = directory.entries
    if JPEG_AT in entries:
        yield _place(tiff, tiff.one(entries[JPEG_AT]), tiff.one(entries.get(JPEG_BYTES)))
    if PANASONIC_JPEG in entries:
        yield entries[PANASONIC_JPEG].at, entries[PANASONIC_JPEG].end
    places, sizes = tiff.numbers(entries.get(STRIP_AT)), tiff.numbers(entries.get(STRIP_BYTES))
    if tiff.one(entries.get(COMPRESSION)) in JPEG_COMPRESSIONS and len(places) == len(sizes) == 1:
        yield _place(tiff, places[0], sizes[0])


def _place(tiff: Tiff, offset: int, size: int) -> Place:
    return tiff.start + offset, tiff.start + offset + size


def _in_note(tiff: Tiff, page: Directory) -> Iterator[Place]:
    """Yield the preview that Olympus and Nikon keep in the maker's note."""
    camera = page.entries.get(SUB_IFD)
    note = tiff.directory(tiff.one(camera)).entries.get(MAKER_NOTE) if camera is not None else None
    if note is None or note.end > len(tiff.data):
        return
    head = tiff.data[note.at : note.at + 16]
    skipped = next((size for name, size in OLYMPUS_NOTES.items() if head.startswith(name)), 0)
    if skipped:
        yield from _olympus(tiff, note, skipped)
    elif head.startswith(NIKON_NOTE):
        inner = Tiff(tiff.data, note.at + 10)
        main = inner.directory(inner.first)
        if NIKON_PREVIEW in main.entries:
            yield from _in_directory(inner, inner.directory(inner.one(main.entries[NIKON_PREVIEW])))


def _olympus(tiff: Tiff, note: Entry, skipped: int) -> Iterator[Place]:
    inner = Shifted(tiff, note.at)
    settings = inner.directory(skipped).entries.get(OLYMPUS_SETTINGS)
    if settings is None:
        return
    # A directory of its own, or its bytes in the entry's place.
    offset = inner.one(settings) if settings.kind in (4, 13) else settings.at - note.at
    entries = inner.directory(offset).entries
    at, size = inner.one(entries.get(OLYMPUS_AT)), inner.one(entries.get(OLYMPUS_BYTES))
    if at and size:
        yield note.at + at, note.at + at + size


class Shifted(Tiff):
    """Directories whose offsets count from another place of the file, in the byte order of its TIFF structure."""

    def __init__(self, tiff: Tiff, start: int) -> None:
        self.data, self.start, self.left = tiff.data, start, tiff.left
        self.order, self.big, self.mark, self.first = tiff.order, False, tiff.mark, 0


def is_cut(tiff: Tiff) -> bool:
    """Return whether a strip or tile of any picture, the sensor's values too, is not in the file."""
    for number, found in enumerate(_all(tiff)):
        if number >= MAX_DIRECTORIES:
            break
        for place, size in ((STRIP_AT, STRIP_BYTES), (TILE_AT, TILE_BYTES)):
            pairs = zip(tiff.numbers(found.entries.get(place)), tiff.numbers(found.entries.get(size)), strict=False)
            if any(tiff.start + at + length > len(tiff.data) for at, length in pairs):
                return True
    return False


def raf_is_cut(data: bytes) -> bool:
    """Return whether a part that the header of a RAF file names is not in the file."""
    parts = ((int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]) for at in RAF_PARTS)
    return any(at + int.from_bytes(size, "big") > len(data) for at, size in parts)


def raf_preview(data: bytes) -> Place:
    """Return where the JPEG of a RAF file begins and ends."""
    at, size = (int.from_bytes(data[each : each + 4], "big") for each in (RAF_JPEG_AT, RAF_JPEG_BYTES))
    return at, at + size
