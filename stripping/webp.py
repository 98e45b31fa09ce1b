"""Plans the copy of a WebP (RFC 9649): the picture or its frames, the alpha channel and the colour profile."""

import contextlib
from collections.abc import Callable, Sequence

from image_headers.exif import MAX_EXIF, orientation
from image_headers.webp import CHUNK, HEADER, MAX_CHUNKS
from stripping.plan import CannotStrip, Part, length_of
from stripping.reader import Reader

PICTURES = {b"VP8 ", b"VP8L", b"ALPH"}
KEPT = PICTURES | {b"ICCP", b"ANIM", b"ANMF"}
EXTENDED, EXTENDED_BYTES = b"VP8X", 10
# Of the flags: profile, alpha, animation; EXIF is set where the copy has some, XMP never.
FLAGS, HAS_EXIF = 0x20 | 0x10 | 0x02, 0x08
FRAME_HEADER = 16


class _Walk:
    """What is found on the way through the chunks."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.extended, self.exif = b"", b""
        self.kept = list[Part]()

    def run(self) -> None:
        """Read the chunks that the file says it has."""
        head = self.reader.take(HEADER)
        if head[:4] != b"RIFF" or head[8:] != b"WEBP":
            raise CannotStrip("no WebP")
        end = int.from_bytes(head[4:8], "little") + 8
        for _ in range(MAX_CHUNKS):
            if self.reader.at + CHUNK.size > end:
                return
            self._chunk()
        raise CannotStrip("too many chunks")

    def _chunk(self) -> None:
        start = self.reader.at
        name, length = CHUNK.unpack(self.reader.take(CHUNK.size))
        end = start + CHUNK.size + length
        if name == EXTENDED and start == HEADER and length == EXTENDED_BYTES:
            self.extended = self.reader.take(length)
        elif name == b"EXIF" and not self.exif:
            self.exif = self.reader.take(min(length, MAX_EXIF))
        elif name == b"ANMF":
            self._frame(end)
        self.reader.skip(end - self.reader.at)
        if name in KEPT:
            self.kept.append((start, end))
        if length % 2:
            # Some encoders leave out the last byte of padding.
            self._padding(kept=name in KEPT)

    def _padding(self, *, kept: bool) -> None:
        with contextlib.suppress(CannotStrip):
            self.reader.skip(1)
        if kept:
            self.kept.append(b"\0")

    def _frame(self, end: int) -> None:
        """Look that a frame holds a picture and nothing else."""
        self.reader.skip(FRAME_HEADER)
        while self.reader.at + CHUNK.size <= end:
            name, length = CHUNK.unpack(self.reader.take(CHUNK.size))
            if name not in PICTURES or self.reader.at + length > end:
                raise CannotStrip("a frame holds more than a picture")
            self.reader.skip(min(length + length % 2, end - self.reader.at))


def walked(reader: Reader) -> tuple[bytes, Callable[[bytes], Sequence[Part]]]:
    """Return the EXIF block of a WebP, and a function from that of its copy to the parts of the copy.

    Raises:
        CannotStrip: it is cut off, a frame holds more than a picture, or EXIF stands where none is allowed.
    """
    walk = _Walk(reader)
    walk.run()
    if not walk.kept:
        raise CannotStrip("no picture")
    if not walk.extended and orientation(walk.exif) != 1:
        raise CannotStrip("a simple WebP that is turned")

    def parts(block: bytes) -> Sequence[Part]:
        block = block if walk.extended else b""
        noted = CHUNK.pack(b"EXIF", len(block)) + block + bytes(len(block) % 2) if block else b""
        extended = b""
        if walk.extended:
            flags = walk.extended[0] & FLAGS | (HAS_EXIF if block else 0)
            extended = CHUNK.pack(EXTENDED, EXTENDED_BYTES) + bytes([flags, 0, 0, 0]) + walk.extended[4:]
        body = [extended, *walk.kept, noted]
        size = sum(map(length_of, body)) + 4
        return [b"RIFF" + size.to_bytes(4, "little") + b"WEBP", *body]

    return walk.exif, parts
