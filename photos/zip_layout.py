"""The bytes of a ZIP file whose entries are stored uncompressed: which are where, before a file is read.

The numbers in the comments are sections of APPNOTE.TXT, PKWARE's description of the format. Sizes and checksums stand
before each file, not behind it, so that programs can unpack while they receive. The same entries make the same bytes.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# Numbers of 16 and 32 bits that say "see the ZIP64 field".
FULL_16, FULL_32 = 0xFFFF, 0xFFFFFFFF
# Version of the format that a reader needs: 2.0, and 4.5 for ZIP64. The upper byte says Unix, which is where the
# permissions count.
NEEDED, NEEDED_64, UNIX = 20, 45, 3 << 8
# Bit 11: names are UTF-8 (4.4.4).
UTF8_NAMES = 1 << 11
# A plain file that its owner may write and all may read (Unix), in the upper half.
ATTRIBUTES = 0o100644 << 16
LOCAL = struct.Struct("<4sHHHHHLLLHH")
CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
EXTRA_64 = struct.Struct("<HHQ")
END_64 = struct.Struct("<4sQHHLLQQQQ")
LOCATOR_64 = struct.Struct("<4sLQL")
END = struct.Struct("<4sHHHHLLH")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a ZIP: its name there, its size in bytes, and the local time when it was made."""

    name: str
    size: int
    made_at: datetime

    @property
    def header_size(self) -> int:
        """Bytes before the file."""
        return LOCAL.size + len(self.name.encode())


def header(entry: Entry, crc32: int) -> bytes:
    """Return what stands before a file (4.3.7)."""
    name = entry.name.encode()
    moment, day = _dos_time(entry.made_at)
    fixed = LOCAL.pack(b"PK\x03\x04", NEEDED, UTF8_NAMES, 0, moment, day, crc32, entry.size, entry.size, len(name), 0)
    return fixed + name


class Layout:
    """Where the files and the directory of a ZIP begin."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.offsets: list[int] = []
        position = 0
        for entry in entries:
            self.offsets.append(position)
            position += entry.header_size + entry.size
        self.directory_at = position
        records = sum(_record_size(entry, at) for entry, at in zip(entries, self.offsets, strict=True))
        self._is_64 = len(entries) >= FULL_16 or position + records >= FULL_32
        self.length = position + records + self._end_size

    @property
    def _end_size(self) -> int:
        return END.size + (END_64.size + LOCATOR_64.size if self._is_64 else 0)

    def directory(self, crc32s: Sequence[int | None]) -> bytes:
        """Return everything from `directory_at` on (4.3.12 to 4.3.16), always of the same length.

        A file whose checksum is None could not be sent: it is left out. Zeros before the directory, which no reader
        looks at, take the place of its record.
        """
        found = zip(self.entries, self.offsets, crc32s, strict=True)
        records = [_record(entry, at, crc32) for entry, at, crc32 in found if crc32 is not None]
        size = sum(map(len, records))
        end_at = self.length - self._end_size
        gap = bytes(end_at - size - self.directory_at)
        return b"".join([gap, *records, self._end(len(records), size, end_at)])

    def _end(self, number: int, size: int, end_at: int) -> bytes:
        begin = end_at - size
        limited = (min(number, FULL_16), min(size, FULL_32), min(begin, FULL_32))
        end = END.pack(b"PK\x05\x06", 0, 0, limited[0], limited[0], limited[1], limited[2], 0)
        if not self._is_64:
            return end
        version = NEEDED_64 | UNIX
        large = END_64.pack(b"PK\x06\x06", END_64.size - 12, version, NEEDED_64, 0, 0, number, number, size, begin)
        return large + LOCATOR_64.pack(b"PK\x06\x07", 0, end_at, 1) + end


def _record_size(entry: Entry, at: int) -> int:
    return CENTRAL.size + len(entry.name.encode()) + (EXTRA_64.size if at >= FULL_32 else 0)


def _record(entry: Entry, at: int, crc32: int) -> bytes:
    name = entry.name.encode()
    moment, day = _dos_time(entry.made_at)
    extra = EXTRA_64.pack(1, 8, at) if at >= FULL_32 else b""
    needed = NEEDED_64 if extra else NEEDED
    fixed = CENTRAL.pack(
        b"PK\x01\x02",
        needed | UNIX,
        needed,
        UTF8_NAMES,
        0,
        moment,
        day,
        crc32,
        entry.size,
        entry.size,
        len(name),
        len(extra),
        0,
        0,
        0,
        ATTRIBUTES,
        min(at, FULL_32),
    )
    return fixed + name + extra


def _dos_time(at: datetime) -> tuple[int, int]:
    """Return time and date as MS-DOS writes them (4.4.6): every other second, from 1980 to 2107."""
    if at.year < 1980:
        return 0, 1 << 5 | 1
    year = min(at.year, 2107) - 1980
    return at.hour << 11 | at.minute << 5 | at.second // 2, year << 9 | at.month << 5 | at.day
