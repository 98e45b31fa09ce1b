"""Reads a PNG's chunks (PNG, 5.3): the header, the EXIF block, the XMP packet, the end."""

import struct
import zlib

from image_headers import colour
from image_headers.exif import MAX_EXIF
from image_headers.header import DamagedImage, Header, Place, UnsupportedImage
from image_headers.xmp import MAX_XMP

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Encoders write 8 to 64 kB a chunk; the 50 MB of the largest photo are then 6,400.
MAX_CHUNKS = 50_000
CHUNK = struct.Struct(">I4s")
# A chunk's length, name and checksum.
AROUND = 12
# Bits a channel by colour type: grey, colours, palette, grey and alpha, colours and alpha.
# The keyword of the text chunk that holds XMP.
XMP = b"XML:com.adobe.xmp\0"
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
    exif, text = _metadata(data, chunks)
    said = colour.of_chunks(data, chunks)
    return Header("PNG", width, height, width * height, exif, colour=said, xmp=_xmp(text))


def _metadata(data: bytes, colours: list[tuple[bytes, Place]]) -> tuple[bytes, bytes]:
    """Walk all chunks to the end; return the first EXIF chunk before the picture, and the first text of XMP.

    Browsers do not look behind the picture, nor at a second block, nor at one that begins like that of a JPEG.
    The chunks about colours are put into `colours`, nameless where they come too late to count.
    """
    at, end, exif, xmp, last = len(SIGNATURE), len(data), None, (0, 0), b""
    pictured = False
    for _ in range(MAX_CHUNKS):
        if at + AROUND > end:
            break
        length, name = CHUNK.unpack_from(data, at)
        if name == b"IHDR" and at > len(SIGNATURE):
            raise DamagedImage("the PNG has two headers")
        if name == b"eXIf" and exif is None and not pictured:
            exif = data[at + 8 : at + 8 + min(length, MAX_EXIF)]
        elif name == b"iTXt" and xmp == (0, 0) and data.startswith(XMP, at + 8):
            xmp = (at + 8 + len(XMP), at + 8 + min(length, MAX_XMP))
        elif name in colour.PNG_CHUNKS and len(colours) < colour.MAX_CHUNKS:
            colours.append((b"" if pictured else name, (at + 8, at + 8 + length)))
        pictured = pictured or name == b"IDAT"
        at, last = at + AROUND + length, name
        if name == b"IEND":
            break
    if last != b"IEND" or at > end:
        raise DamagedImage("the PNG is cut off, or has too many chunks")
    return exif if exif is not None and exif[:2] in (b"II", b"MM") else b"", data[slice(*xmp)]


def _xmp(text: bytes) -> bytes:
    """Return the packet in a text chunk behind its keyword, unpacked up to `MAX_XMP`; empty if it is malformed.

    zlib is the one native code that reads a file in a process that answers requests: it is small, and bounded.
    """
    # Whether it is compressed, how, then a language and a translated keyword, each up to a NUL (PNG, 11.3.3.4).
    packed, _, rest = text[:1], text[1:2], text[2:].split(b"\0", 2)
    if len(rest) < 3 or packed not in (b"\0", b"\1"):
        return b""
    if packed == b"\0":
        return rest[2]
    try:
        return zlib.decompressobj().decompress(rest[2], MAX_XMP)
    except zlib.error:
        return b""
