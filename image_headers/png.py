"""Reads a PNG's chunks (PNG, 5.3): the header, the EXIF block, the end."""

import struct

from image_headers import colour
from image_headers.exif import MAX_EXIF
from image_headers.header import DamagedImage, Header, Place, UnsupportedImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Encoders write 8 to 64 kB a chunk; the 50 MB of the largest photo are then 6,400.
MAX_CHUNKS = 50_000
CHUNK = struct.Struct(">I4s")
# A chunk's length, name and checksum.
AROUND = 12
# Bits a channel by colour type: grey, colours, palette, grey and alpha, colours and alpha.
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def read(data: bytes) -> Header:
    """Return the header of a PNG.

    Raises:
        UnsupportedImage: it has no header, or one that no PNG has.
        DamagedImage: it is cut off, has two headers, or more chunks than any encoder writes.
    """
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise UnsupportedImage("the PNG has no header")
    width, height, depth, kind = struct.unpack_from(">IIBB", data, 16)
    if depth not in DEPTHS.get(kind, ()):
        raise UnsupportedImage(f"a PNG of type {kind} and {depth} bits")
    chunks: list[tuple[bytes, Place]] = []
    exif = _exif(data, chunks)
    return Header("PNG", width, height, width * height, exif, colour=colour.of_chunks(data, chunks))


def _exif(data: bytes, colours: list[tuple[bytes, Place]]) -> bytes:
    """Walk all chunks to the end; return the body of the first EXIF chunk before the picture, empty if there is none.

    Browsers do not look behind the picture, nor at a second block, nor at one that begins like that of a JPEG.
    The chunks about colours are put into `colours`, nameless where they come too late to count.
    """
    at, end, exif, last = len(SIGNATURE), len(data), None, b""
    pictured = False
    for _ in range(MAX_CHUNKS):
        if at + AROUND > end:
            break
        length, name = CHUNK.unpack_from(data, at)
        if name == b"IHDR" and at > len(SIGNATURE):
            raise DamagedImage("the PNG has two headers")
        if name == b"eXIf" and exif is None and not pictured:
            exif = data[at + 8 : at + 8 + min(length, MAX_EXIF)]
        elif name in colour.PNG_CHUNKS and len(colours) < colour.MAX_CHUNKS:
            colours.append((b"" if pictured else name, (at + 8, at + 8 + length)))
        pictured = pictured or name == b"IDAT"
        at, last = at + AROUND + length, name
        if name == b"IEND":
            break
    if last != b"IEND" or at > end:
        raise DamagedImage("the PNG is cut off, or has too many chunks")
    return exif if exif is not None and exif[:2] in (b"II", b"MM") else b""
