"""Reads the two EXIF tags the service uses. Only the entries of two directories are walked, and no value is copied.

Exif 2.32, 4.6; a directory has a count (2 bytes), then 12 bytes an entry: tag, type, count, value or its offset.
"""

from datetime import datetime

# Exif blocks of JPEG segments end at 64 kB; what lies behind it in other formats is not looked at.
MAX_EXIF = 64 * 1024
MAX_ENTRIES = 1000
ORIENTATION, SUB_IFD, TAKEN = 0x0112, 0x8769, 0x9003
BYTE, ASCII, SHORT, LONG, IFD = 1, 2, 3, 4, 13
WIDTHS = {BYTE: 1, SHORT: 2, LONG: 4, IFD: 4}
TAKEN_LENGTH = 64


class _Block:
    """A TIFF block: directories by offset, numbers in the block's byte order."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = {b"II": "little", b"MM": "big"}.get(data[:2])

    def number(self, at: int, width: int) -> int:
        if self.order == "little":
            return int.from_bytes(self.data[at : at + width], "little")
        return int.from_bytes(self.data[at : at + width], "big")

    def find(self, directory: int, *tags: int) -> dict[int, int]:
        """Return the offset of the entry of each tag that the directory has; the last one counts."""
        if not 8 <= directory <= len(self.data) - 2:
            return {}
        count = min(self.number(directory, 2), MAX_ENTRIES, (len(self.data) - directory - 2) // 12)
        entries = range(directory + 2, directory + 2 + 12 * count, 12)
        return {tag: at for at in entries if (tag := self.number(at, 2)) in tags}

    def orientation(self, directory: int) -> int:
        """Return the first orientation that is one, SHORT or LONG; 1 where there is none."""
        if not 8 <= directory <= len(self.data) - 2:
            return 1
        count = min(self.number(directory, 2), MAX_ENTRIES, (len(self.data) - directory - 2) // 12)
        for at in range(directory + 2, directory + 2 + 12 * count, 12):
            if self.number(at, 2) == ORIENTATION and self.number(at + 2, 2) in (SHORT, LONG):
                turned = self.value(at)
                if 1 <= turned <= 8:
                    return turned
        return 1

    def value(self, entry: int | None) -> int:
        """Return the number in an entry; 0 where there is none."""
        width = WIDTHS.get(self.number(entry + 2, 2)) if entry is not None else None
        if entry is None or width is None or self.number(entry + 4, 4) != 1:
            return 0
        return self.number(entry + 8, width)

    def text(self, entry: int | None) -> str:
        """Return the text of an entry; empty where there is none."""
        if entry is None or self.number(entry + 2, 2) != ASCII:
            return ""
        length = self.number(entry + 4, 4)
        at = entry + 8 if length <= 4 else self.number(entry + 8, 4)
        return self.data[at : at + min(length, TAKEN_LENGTH)].decode("latin-1")


def read(exif: bytes) -> tuple[int, datetime | None]:
    """Return the orientation (1 to 8) and the camera's clock, without a zone. Malformed metadata counts as none."""
    data = exif[: MAX_EXIF + 12].removeprefix(b"Exif\0\0").removeprefix(b"Exif\0\0")
    block = _Block(data)
    if block.order is None or block.number(2, 2) != 42:
        return 1, None
    first = block.number(4, 4)
    main = block.find(first, SUB_IFD)
    camera = block.find(block.value(main.get(SUB_IFD)), TAKEN)
    return block.orientation(first), _taken_at(block.text(camera.get(TAKEN)))


def _taken_at(value: str) -> datetime | None:
    try:
        found = datetime.strptime(value.strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - EXIF has no zone
    except ValueError:
        return None
    # A camera whose clock was never set gives a year such as 1980.
    return found if 1990 <= found.year <= 2100 else None
