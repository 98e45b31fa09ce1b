"""Reads the directories of TIFF files: classic and BigTIFF, either byte order, with a bound on the steps.

TIFF 6.0, section 2: a header, then directories; a directory has a count, entries (tag, type, count, value or its
offset), and the offset of the next one. BigTIFF has wider numbers. RAW files of cameras are TIFF with other marks.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from image_headers.header import DamagedImage

# Entries of all directories together: RAW files have some 1,500.
MAX_ENTRIES = 10_000
# Numbers of one entry: a panorama of 30,000 x 2,000 in tiles of 16 x 16 has 234,375 of them.
MAX_VALUES = 300_000
# Directories in one chain, of which the pages of a scan are the most.
MAX_CHAIN = 16
CLASSIC, BIG = 42, 43
# What stands in place of 42: Olympus (IIRO, IIRS, MMOR) and Panasonic (IIU).
OTHER_MARKS = {0x4F52, 0x5352, 0x55}
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# Types whose values are unsigned numbers, by the letter of `struct`.
NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a directory: the type, the number of values, and where they begin and end in the file."""

    kind: int
    count: int
    at: int
    end: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The entries of a directory by tag, and where the next directory is; 0 if there is none."""

    entries: dict[int, Entry]
    following: int


class Tiff:
    """A TIFF structure that begins at `start` of the file; offsets in it count from there.

    Raises (all methods):
        DamagedImage: something lies outside the file, or there is more than any camera writes.
    """

    def __init__(self, data: bytes, start: int = 0) -> None:
        self.data, self.start, self.left = data, start, MAX_ENTRIES
        order = {b"II": "<", b"MM": ">"}.get(data[start : start + 2])
        if order is None or len(data) < start + 8:
            raise DamagedImage("the TIFF has no header")
        self.order = order
        self.mark = self.number(start + 2, "H")
        if self.mark not in (CLASSIC, BIG, *OTHER_MARKS):
            raise DamagedImage("the TIFF has no header")
        self.big = self.mark == BIG
        self.first = self.number(start + 8, "Q") if self.big else self.number(start + 4, "I")

    def number(self, at: int, letter: str) -> int:
        """Return the unsigned number at a place of the file; `letter` is its size as `struct` names it."""
        try:
            return int(struct.unpack_from(self.order + letter, self.data, at)[0])
        except (struct.error, OverflowError) as error:
            raise DamagedImage("the TIFF is cut off") from error

    def directory(self, offset: int) -> Directory:
        """Return the directory at an offset."""
        at = self.start + offset
        if offset < 8:
            raise DamagedImage("a directory of the TIFF lies in its header")
        count = self.number(at, "Q" if self.big else "H")
        at, width = (at + 8, 20) if self.big else (at + 2, 12)
        self.left -= count
        if self.left < 0:
            raise DamagedImage("the TIFF has too many entries")
        if at + count * width > len(self.data):
            raise DamagedImage("a directory of the TIFF is cut off")
        entries: dict[int, Entry] = {}
        for each in range(at, at + count * width, width):
            entries.setdefault(self.number(each, "H"), self._entry(each))
        end = at + count * width
        # Some cameras leave out the offset of a next directory.
        wide = 8 if self.big else 4
        following = self.number(end, "Q" if self.big else "I") if end + wide <= len(self.data) else 0
        return Directory(entries, following)

    def _entry(self, at: int) -> Entry:
        kind = self.number(at + 2, "H")
        count, inside = (self.number(at + 4, "Q"), 8) if self.big else (self.number(at + 4, "I"), 4)
        place = at + 4 + inside
        size = count * WIDTHS.get(kind, 0)
        if size > inside:
            place = self.start + self.number(place, "Q" if self.big else "I")
        return Entry(kind, count, place, place + size)

    def chain(self, offset: int) -> Iterator[Directory]:
        """Yield the directories from an offset on, at most `MAX_CHAIN`."""
        seen = set[int]()
        while offset and offset not in seen and len(seen) < MAX_CHAIN:
            seen.add(offset)
            found = self.directory(offset)
            yield found
            offset = found.following

    def numbers(self, entry: Entry | None) -> tuple[int, ...]:
        """Return the unsigned numbers of an entry; none where there is no entry, or one of another type."""
        letter = NUMBERS.get(entry.kind) if entry is not None else None
        if entry is None or letter is None:
            return ()
        if entry.count > MAX_VALUES:
            raise DamagedImage("an entry of the TIFF has too many values")
        if entry.end > len(self.data):
            raise DamagedImage("an entry of the TIFF lies outside the file")
        return struct.unpack_from(f"{self.order}{entry.count}{letter}", self.data, entry.at)

    def one(self, entry: Entry | None, default: int = 0) -> int:
        """Return the first number of an entry, or `default`."""
        return next(iter(self.numbers(entry)), default)

    def text(self, entry: Entry | None) -> str:
        """Return the text of an entry, at most 64 characters; empty where there is none."""
        if entry is None or entry.kind != ASCII:
            return ""
        return self.data[entry.at : min(entry.end, entry.at + 64)].split(b"\0")[0].decode("latin-1").strip()
