"""Reads EXIF tags. Only the entries of the directories asked for are walked, and no long value is copied.

Exif 2.32, 4.6; a directory has a count (2 bytes), then 12 bytes an entry: tag, type, count, value or its offset.
"""

# Exif blocks of JPEG segments end at 64 kB; what lies behind it in other formats is not looked at.
MAX_EXIF = 64 * 1024
MAX_ENTRIES = 1000
ORIENTATION, SUB_IFD, GPS_IFD = 0x0112, 0x8769, 0x8825
# Exif 3.0 adds texts in UTF-8; some software writes texts as bytes.
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, IFD, UTF8 = 1, 2, 3, 4, 5, 7, 13, 129
WIDTHS = {BYTE: 1, SHORT: 2, LONG: 4, IFD: 4}
TEXTS = (ASCII, UTF8, UNDEFINED, BYTE)
MAX_TEXT = 64


class Block:
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
        """Return the text of an entry up to its first NUL, trimmed; empty where there is none."""
        if entry is None or self.number(entry + 2, 2) not in TEXTS:
            return ""
        length = self.number(entry + 4, 4)
        at = entry + 8 if length <= 4 else self.number(entry + 8, 4)
        raw = self.data[at : at + min(length, MAX_TEXT)].split(b"\0")[0]
        try:
            return raw.decode().strip()
        except UnicodeDecodeError:
            return raw.decode("latin-1").strip()

    def fractions(self, entry: int | None, count: int) -> list[float]:
        """Return the `count` rational numbers of an entry; fewer or none where it has others."""
        if entry is None or (self.number(entry + 2, 2), self.number(entry + 4, 4)) != (RATIONAL, count):
            return []
        at = self.number(entry + 8, 4)
        pairs = [(self.number(each, 4), self.number(each + 4, 4)) for each in range(at, at + 8 * count, 8)]
        return [above / below for above, below in pairs if below] if at + 8 * count <= len(self.data) else []


def opened(exif: bytes) -> Block | None:
    """Return the TIFF block of EXIF metadata; None where it is malformed."""
    block = Block(exif[: MAX_EXIF + 12].removeprefix(b"Exif\0\0").removeprefix(b"Exif\0\0"))
    return None if block.order is None or block.number(2, 2) != 42 else block


def orientation(exif: bytes) -> int:
    """Return the orientation, 1 to 8. Malformed metadata counts as none, which is 1."""
    block = opened(exif)
    return 1 if block is None else block.orientation(block.number(4, 4))
