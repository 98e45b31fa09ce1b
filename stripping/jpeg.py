"""Plans the copy of a JPEG (ITU-T T.81, annex B): frame, tables, scans, colour profile, up to the first end marker.

What lies behind that goes: the pictures and gain maps of MPF, the film of a motion photo, makers' trailers.
"""

import re
from collections.abc import Callable, Sequence

from image_headers.colour import SEGMENT as PROFILE
from image_headers.jpeg import EXIF_PREFIX, MAX_SEGMENTS, MAX_STRAY
from stripping.plan import CannotStrip, Part
from stripping.reader import Reader

START, END, START_OF_SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"
JFIF, JFXX, EXIF, ADOBE = b"JFIF\0", b"JFXX\0", b"Exif\0", b"Adobe"
# A marker is FF and a byte that is neither 00 nor FF; within a scan, restart marks are none either.
MARKER = re.compile(rb"\xff[\x01-\xfe]")
AFTER_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
# Frames, tables of Huffman and arithmetic codes, tables of quantisation, number of lines, restart interval.
NEEDED = {*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD} - {0xC8}
# Application data and comments: APP0 to APP15, COM.
NOTES = {*range(0xE0, 0xF0), 0xFE}
STANDALONE = {0x01, *range(0xD0, 0xD8)}
# Without the thumbnail of JFIF, and without what may stand behind Adobe's flags.
JFIF_BYTES, ADOBE_BYTES = 12, 12


class _Walk:
    """What is found on the way through the segments."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.parts = list[Part]()
        self.jfif, self.exif = b"", b""
        self.scans = 0
        # Whether what comes next is coded pixels.
        self.in_scan = False

    def run(self) -> None:
        """Read up to the end marker."""
        if self.reader.take(2) != START:
            raise CannotStrip("no JPEG")
        stray = MAX_STRAY
        for _ in range(MAX_SEGMENTS):
            before = self.reader.at
            marker = self._next(stray)
            if not self.scans:
                stray -= self.reader.at - 2 - before
            if marker == END:
                if not self.scans:
                    raise CannotStrip("no picture")
                self.parts.append(END)
                return
            if marker[1] in STANDALONE and not self.scans:
                continue
            self._segment(marker)
        raise CannotStrip("too many segments")

    def _next(self, stray: int) -> bytes:
        """Return the next marker; what a scan has up to there is kept, what lies between segments is not."""
        if not self.in_scan:
            return self.reader.find(MARKER, stray)
        start = self.reader.at
        marker = self.reader.find(AFTER_SCAN)
        self.parts.append((start, self.reader.at - 2))
        return marker

    def _segment(self, marker: bytes) -> None:
        start = self.reader.at - 2
        length = int.from_bytes(self.reader.take(2), "big") - 2
        kind = marker[1]
        if length < 0 or kind not in NEEDED | NOTES | {START_OF_SCAN[1]}:
            raise CannotStrip(f"a segment of kind {kind:02x}")
        if kind in NOTES:
            self._note(kind, start, self.reader.take(length))
            return
        self.reader.skip(length)
        self.parts.append((start, self.reader.at))
        self.in_scan = kind == START_OF_SCAN[1]
        self.scans += self.in_scan

    def _note(self, kind: int, start: int, body: bytes) -> None:
        self.in_scan = False
        if kind == 0xE0 and body.startswith(JFIF) and len(body) >= JFIF_BYTES + 2 and not self.jfif:
            self.jfif = _written(kind, body[:JFIF_BYTES] + b"\0\0")
        elif kind == 0xE1 and body.startswith(EXIF) and len(body) > EXIF_PREFIX and not self.exif:
            self.exif = body[EXIF_PREFIX:]
        elif kind == 0xE2 and body.startswith(PROFILE):
            self.parts.append((start, self.reader.at))
        elif kind == 0xEE and body.startswith(ADOBE) and len(body) >= ADOBE_BYTES:
            self.parts.append(_written(kind, body[:ADOBE_BYTES]))


def _written(kind: int, body: bytes) -> bytes:
    return bytes([0xFF, kind]) + (len(body) + 2).to_bytes(2, "big") + body


def walked(reader: Reader) -> tuple[bytes, Callable[[bytes], Sequence[Part]]]:
    """Return the EXIF block of a JPEG, and a function from that of its copy to the parts of the copy.

    Raises:
        CannotStrip: it has no end, or a part that is no JPEG's.
    """
    walk = _Walk(reader)
    walk.run()

    def parts(block: bytes) -> Sequence[Part]:
        noted = _written(0xE1, EXIF + b"\0" + block) if block else b""
        return [START + walk.jfif + noted, *walk.parts]

    return walk.exif, parts
