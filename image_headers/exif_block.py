"""Writes an EXIF block of its own from directories that lie anywhere in a file, as in TIFF and RAW.

Readers of EXIF look at 64 kB from the block's beginning; in these formats the directories may lie behind the picture.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from image_headers.directories import LONG, SHORT, Directory, Entry, Tiff
from image_headers.header import DamagedImage

MAKE, MODEL, ORIENTATION, CHANGED, SUB_IFD, GPS_IFD = 0x010F, 0x0110, 0x0112, 0x0132, 0x8769, 0x8825
INDEX_IFD = 0xA005
# Of the GPS directory only the time: where a photo was taken stays in the original.
GPS_TAGS = {7, 29}
MAIN_TAGS = {MAKE, MODEL, ORIENTATION, CHANGED}
# Dates, zones, fractions of seconds, serial numbers, lens: what is longer is a maker's note or a comment.
MAX_VALUE = 128
CAMERA_TAGS = 200
# Types that EXIF 2.32 knows.
KINDS = {1, 2, 3, 4, 5, 7, 9, 10}
Values = dict[int, tuple[int, int, bytes]]


def _values(tiff: Tiff, entries: Mapping[int, Entry], tags: set[int] | None = None) -> Values:
    """Return type, count and bytes of the short values among the entries, of these tags if given."""
    found: Values = {}
    for tag, entry in sorted(entries.items()):
        size = entry.end - entry.at
        if (tags is None or tag in tags) and entry.kind in KINDS and 0 < size <= MAX_VALUE:
            value = tiff.data[entry.at : entry.end]
            if len(value) == size and len(found) < CAMERA_TAGS:
                found[tag] = entry.kind, entry.count, value
    return found


def _below(tiff: Tiff, entry: Entry | None) -> Mapping[int, Entry]:
    """Return the entries of the directory that an entry points to; none where it is malformed."""
    try:
        offset = tiff.one(entry)
        return tiff.directory(offset).entries if offset else {}
    except DamagedImage:
        return {}


@dataclass(frozen=True, slots=True)
class Parts:
    """The values of a block's directories, in the byte order `order` ("<" or ">").

    `index` is the one of interoperability, below that of the camera.
    """

    order: str = "<"
    main: Values = field(default_factory=dict)
    camera: Values = field(default_factory=dict)
    gps: Values = field(default_factory=dict)
    index: Values = field(default_factory=dict)

    def number(self, tag: int) -> int:
        """Return the number of a tag of the main directory that is a SHORT or a LONG; 0 if there is none."""
        kind, count, value = self.main.get(tag, (0, 0, b""))
        return int.from_bytes(value, self._order) if kind in (SHORT, LONG) and count == 1 else 0

    def text(self, tag: int) -> str:
        """Return the text of a tag of the main directory; empty if there is none."""
        return self.main.get(tag, (0, 0, b""))[2].split(b"\0")[0].decode("latin-1").strip()

    def turned(self, orientation: int) -> "Parts":
        """Return the same with another orientation (1 to 8)."""
        value = (SHORT, 1, orientation.to_bytes(2, self._order))
        return replace(self, main={**self.main, ORIENTATION: value})

    @property
    def _order(self) -> Literal["little", "big"]:
        return "little" if self.order == "<" else "big"

    def block(self) -> bytes:
        """Return them as an EXIF block, which begins with the TIFF header."""
        camera = self.camera
        if self.index:
            # Its own place in the block is known once those before it have theirs.
            camera = {**camera, INDEX_IFD: (LONG, 1, bytes(4))}
        below = [
            (tag, values)
            for tag, values in ((SUB_IFD, camera), (GPS_IFD, self.gps), (INDEX_IFD, self.index))
            if values
        ]
        direct = [tag for tag, _ in below if tag != INDEX_IFD]
        at, places = 8 + _size(self.main, len(direct)), dict[int, int]()
        for tag, values in below:
            places[tag] = at
            at += _size(values, 0)
        pointers = {tag: (LONG, 1, place.to_bytes(4, self._order)) for tag, place in places.items()}
        written = [self._directory(self.main | {tag: pointers[tag] for tag in direct}, 8)]
        for tag, values in below:
            known = {INDEX_IFD: pointers[INDEX_IFD]} if INDEX_IFD in values else {}
            written.append(self._directory(values | known, places[tag]))
        head = b"II*\0" if self.order == "<" else b"MM\0*"
        return head + (8).to_bytes(4, self._order) + b"".join(written)

    def _directory(self, values: Values, start: int) -> bytes:
        rows, tail = list[bytes](), b""
        end = start + 2 + 12 * len(values) + 4
        for tag, (kind, count, value) in sorted(values.items()):
            held = value.ljust(4, b"\0")
            if len(value) > 4:
                held = (end + len(tail)).to_bytes(4, self._order)
                tail += value + b"\0" * (len(value) % 2)
            head = ((tag, 2), (kind, 2), (count, 4))
            rows.append(b"".join(number.to_bytes(width, self._order) for number, width in head) + held)
        return len(rows).to_bytes(2, self._order) + b"".join(rows) + bytes(4) + tail


def _size(values: Values, pointers: int) -> int:
    """Return the bytes of a directory with these values and so many pointers."""
    long = sum(len(value) + len(value) % 2 for _, _, value in values.values() if len(value) > 4)
    return 2 + 12 * (len(values) + pointers) + 4 + long


def collected(tiff: Tiff, main: Directory) -> Parts:
    """Return what a file's main directory and those below it tell of camera, time and orientation.

    Without what lies outside the file, is of an unknown type, or says where the photo was taken.
    """
    entries = main.entries
    return Parts(
        tiff.order,
        _values(tiff, entries, MAIN_TAGS),
        _values(tiff, _below(tiff, entries.get(SUB_IFD))),
        _values(tiff, _below(tiff, entries.get(GPS_IFD)), GPS_TAGS),
    )


def joined(main: Tiff | None, camera: Tiff | None, gps: Tiff | None) -> Parts:
    """Return the same of blocks that hold one directory each, as in CR3; those of another byte order are left out."""
    order = next((each.order for each in (main, camera, gps) if each is not None), "<")
    values = list[Values]()
    for tiff, tags in ((main, MAIN_TAGS), (camera, None), (gps, GPS_TAGS)):
        entries: Mapping[int, Entry] = {}
        if tiff is not None and tiff.order == order:
            with contextlib.suppress(DamagedImage):
                entries = tiff.directory(tiff.first).entries
        values.append(_values(tiff, entries, tags) if tiff is not None else {})
    return Parts(order, *values)
