"""Reads a WebP's chunks (RFC 9649): the size, the EXIF block, the XMP packet, the frames, the end."""

import struct

from image_headers import colour
from image_headers.exif import MAX_EXIF
from image_headers.header import UNSAID, Colour, DamagedImage, Header, UnsupportedImage
from image_headers.xmp import MAX_XMP

# A still picture has up to seven; a film one for each frame.
MAX_CHUNKS = 10_000
CHUNK = struct.Struct("<4sI")
HEADER = 12
ANIMATED = 0x02


def matches(data: bytes) -> bool:
    """Return whether a file is a WebP by its first bytes."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP" and data[12:16] in (b"VP8 ", b"VP8L", b"VP8X")


def read(data: bytes) -> Header:
    """Return the header of a WebP. The decoder allocates the canvas, or the picture where that claims to be larger.

    Raises:
        UnsupportedImage: its header is none.
        DamagedImage: it is cut off, or has more chunks than any encoder writes.
    """
    # RIFF: the size at offset 4 does not count the first 8 bytes.
    end = int.from_bytes(data[4:8], "little") + 8
    if len(data) < end:
        raise DamagedImage("the WebP is cut off")
    canvas = _size(data[12:16], data[20:30])
    if canvas is None:
        raise UnsupportedImage("the WebP has no size")
    pixels, exif, xmp, said = _chunks(data, min(end, len(data)))
    film = data[12:16] == b"VP8X" and bool(data[20] & ANIMATED)
    pixels = max(pixels, canvas[0] * canvas[1])
    return Header("WEBP", *canvas, pixels, exif, film=film, colour=said, xmp=xmp)


def _chunks(data: bytes, end: int) -> tuple[int, bytes, bytes, Colour]:
    """Return the pixels of the largest picture, the EXIF block, the XMP packet, and what is said of the colours."""
    at, pixels, exif, xmp, said = HEADER, 0, b"", b"", UNSAID
    for _ in range(MAX_CHUNKS):
        if at + CHUNK.size > end:
            return pixels, exif, xmp, said
        name, length = CHUNK.unpack_from(data, at)
        at += CHUNK.size
        if name == b"EXIF" and not exif:
            exif = data[at : at + min(length, MAX_EXIF)]
        elif name == b"ICCP" and not said.pieces:
            said = colour.of_place(at, at + length, end)
        elif name == b"XMP " and not xmp:
            xmp = data[at : at + min(length, MAX_XMP)]
        elif name == b"ANMF":
            wide, high = (1 + int.from_bytes(data[at + each : at + each + 3], "little") for each in (6, 9))
            inner = _size(data[at + 16 : at + 20], data[at + 24 : at + 34]) or (0, 0)
            pixels = max(pixels, wide * high, inner[0] * inner[1])
        elif (size := _size(name, data[at : at + 10])) is not None:
            pixels = max(pixels, size[0] * size[1])
        at += length + length % 2
    raise DamagedImage("the WebP has too many chunks")


def _size(name: bytes, body: bytes) -> tuple[int, int] | None:
    """Return width and height from the first 10 bytes of a chunk of the name; None if it has none."""
    if name == b"VP8X" and len(body) == 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if name == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if name == b"VP8 " and len(body) == 10 and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None
