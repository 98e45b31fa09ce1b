"""Reads JPEG XL (ISO/IEC 18181): size, orientation, animation from the first bits of its codestream; EXIF, XMP."""

from image_headers.boxes import Box, Boxes
from image_headers.exif import MAX_EXIF
from image_headers.header import DamagedImage, Header, UnsupportedImage
from image_headers.xmp import MAX_XMP

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
# The size and the metadata before the colours take some 50 bytes at most.
HEAD = 128
# Width by height, for the ratios 1 to 7.
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
# Transparency, depth, masks. A decoder holds each as 32-bit numbers.
MAX_EXTRA = 4
EXTRA_BYTES = 4
# A coding of a number: how many bits follow, and what is added to them.
Coding = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
SIDE: Coding = ((9, 1), (13, 1), (18, 1), (30, 1))
PREVIEW_SIDE: Coding = ((6, 1), (8, 65), (10, 321), (12, 1345))
PREVIEW_EIGHTHS: Coding = ((0, 16), (0, 32), (5, 1), (9, 33))
TICKS: Coding = ((0, 100), (0, 1000), (10, 1), (30, 1))
TICK_PARTS: Coding = ((0, 1), (0, 1001), (8, 1), (10, 1))
LOOPS: Coding = ((0, 0), (3, 0), (16, 0), (32, 0))
WHOLE_BITS: Coding = ((0, 8), (0, 10), (0, 12), (6, 1))
FLOAT_BITS: Coding = ((0, 32), (0, 16), (0, 24), (6, 1))
EXTRA: Coding = ((0, 0), (0, 1), (4, 2), (12, 1))


class _Bits:
    """Reads a codestream bit by bit, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self.left, self.rest = len(data) * 8, int.from_bytes(data, "little")

    def take(self, width: int) -> int:
        """Return the number in the next `width` bits."""
        if width > self.left:
            raise DamagedImage("the JPEG XL is cut off")
        value = self.rest & ((1 << width) - 1)
        self.rest >>= width
        self.left -= width
        return value

    def coded(self, coding: Coding) -> int:
        """Return a number of a variable width."""
        width, added = coding[self.take(2)]
        return self.take(width) + added


def matches(data: bytes) -> bool:
    """Return whether a file is JPEG XL by its first bytes."""
    return data.startswith((CODESTREAM, CONTAINER))


def read(data: bytes) -> Header:
    """Return the header of a JPEG XL file. The decoder turns the picture itself.

    Raises:
        UnsupportedImage: there is no picture in it, or it has more channels than any photo.
        DamagedImage: it ends before its picture, or its boxes are malformed.
    """
    if data.startswith(CODESTREAM):
        stream, exif, xmp = data[:HEAD], b"", b""
    else:
        stream, exif, xmp = _unpacked(data)
    if not stream.startswith(CODESTREAM):
        raise UnsupportedImage("the JPEG XL holds no picture")
    bits = _Bits(stream[len(CODESTREAM) :])
    width, height = _size(bits)
    orientation, film, extra = _metadata(bits)
    if extra > MAX_EXTRA:
        raise UnsupportedImage(f"a JPEG XL of {extra} extra channels")
    pixels = width * height
    if orientation > 4:
        width, height = height, width
    # The first extra channel, which is transparency, is counted with the format.
    parts = max(0, extra - 1) * EXTRA_BYTES * pixels
    return Header("JXL", width, height, pixels, exif, turned=1, film=film, parts=parts, xmp=xmp)


def _unpacked(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the beginning of the codestream in a container, the EXIF block and the XMP packet."""
    boxes, stream, exif, xmp = Boxes(data), b"", b"", b""
    try:
        for box in boxes.inside(len(CONTAINER), len(data)):
            if box.name == b"jxlc" and not stream:
                stream = data[box.at : min(box.end, box.at + HEAD)]
            elif box.name == b"jxlp" and len(stream) < HEAD:
                stream += data[box.at + 4 : min(box.end, box.at + 4 + HEAD)]
            elif box.name == b"Exif" and not exif:
                exif = _exif(boxes, box)
            elif box.name == b"xml " and not xmp:
                xmp = data[box.at : min(box.end, box.at + MAX_XMP)]
    except DamagedImage:
        # What lies behind a whole picture is no picture.
        if not stream or boxes.left < 0 or not _is_whole(boxes):
            raise
    return stream, exif, xmp


def _is_whole(boxes: Boxes) -> bool:
    """Return whether the box that cannot be read is none of the picture's."""
    at = len(CONTAINER)
    while at + 8 <= len(boxes.data):
        name = boxes.data[at + 4 : at + 8]
        try:
            at = next(boxes.inside(at, len(boxes.data))).end
        except DamagedImage:
            return name not in (b"jxlc", b"jxlp")
    return True


def _exif(boxes: Boxes, box: Box) -> bytes:
    # The first four bytes say how far behind them the block begins.
    try:
        at = box.at + 4 + boxes.number(box.at, 4, box.end)
    except DamagedImage:
        return b""
    return boxes.data[at : min(box.end, at + MAX_EXIF)]


def _size(bits: _Bits) -> tuple[int, int]:
    eighths = bits.take(1)
    height = 8 * (bits.take(5) + 1) if eighths else bits.coded(SIDE)
    ratio = bits.take(3)
    if ratio:
        wide, high = RATIOS[ratio - 1]
        return height * wide // high, height
    return (8 * (bits.take(5) + 1) if eighths else bits.coded(SIDE)), height


def _metadata(bits: _Bits) -> tuple[int, bool, int]:
    """Return the orientation (1 to 8), whether it is animated, and the number of channels beside the colours."""
    if bits.take(1):
        return 1, False, 0
    orientation, film = 1, False
    if bits.take(1):
        orientation = bits.take(3) + 1
        if bits.take(1):
            _size(bits)
        if bits.take(1):
            _skip_preview(bits)
        film = bool(bits.take(1))
        if film:
            for coding in (TICKS, TICK_PARTS, LOOPS):
                bits.coded(coding)
            bits.take(1)
    if bits.take(1):
        bits.coded(FLOAT_BITS)
        bits.take(4)
    else:
        bits.coded(WHOLE_BITS)
    bits.take(1)
    return orientation, film, bits.coded(EXTRA)


def _skip_preview(bits: _Bits) -> None:
    eighths = PREVIEW_EIGHTHS if bits.take(1) else PREVIEW_SIDE
    bits.coded(eighths)
    if not bits.take(3):
        bits.coded(eighths)
