"""Plans the copy of a PNG (PNG, 5.3): the picture and its frames, what its numbers mean, and its size on paper."""

import zlib
from collections.abc import Callable, Sequence

from image_headers.exif import MAX_EXIF
from image_headers.png import CHUNK, MAX_CHUNKS, SIGNATURE
from stripping.plan import CannotStrip, Part
from stripping.reader import Reader

# Chunks of one length or up to one, by name: the length, and whether a shorter one may be.
BOUNDED = {
    b"IHDR": (13, False), b"PLTE": (768, True), b"IEND": (0, False), b"tRNS": (256, True), b"sBIT": (4, True),
    b"gAMA": (4, False), b"cHRM": (32, False), b"sRGB": (1, False), b"cICP": (4, False), b"pHYs": (9, False),
    b"mDCV": (24, False), b"cLLI": (8, False), b"acTL": (8, False), b"fcTL": (26, False),
}  # fmt: skip
# A profile, and the pixels of a picture and of its frames.
UNBOUNDED = {b"iCCP", b"IDAT", b"fdAT"}
# Of a name's first letter: capitals name chunks without which the picture cannot be decoded (PNG, 5.4).
NEEDED = 0x20


def walked(reader: Reader) -> tuple[bytes, Callable[[bytes], Sequence[Part]]]:
    """Return the EXIF block of a PNG, and a function from that of its copy to the parts of the copy.

    Raises:
        CannotStrip: it is cut off, or has a chunk of an unknown kind that the picture needs.
    """
    if reader.take(len(SIGNATURE)) != SIGNATURE:
        raise CannotStrip("no PNG")
    kept, exif, name = list[Part]([(0, len(SIGNATURE))]), b"", b""
    pictured = False
    for _ in range(MAX_CHUNKS):
        start = reader.at
        length, name = CHUNK.unpack(reader.take(CHUNK.size))
        if (name == b"IHDR") != (start == len(SIGNATURE)):
            raise CannotStrip("no header, or two")
        if name == b"eXIf" and not exif and not pictured:
            exif, length = reader.take(min(length, MAX_EXIF)), max(0, length - MAX_EXIF)
        reader.skip(length + 4)
        if _is_kept(name, length):
            kept.append((start, reader.at))
        pictured = pictured or name == b"IDAT"
        if name == b"IEND":
            break
    if name != b"IEND":
        raise CannotStrip("too many chunks")

    def parts(block: bytes) -> Sequence[Part]:
        # The signature and the header come first.
        return [*kept[:2], _chunk(b"eXIf", block) if block else b"", *kept[2:]]

    return exif if exif[:2] in (b"II", b"MM") else b"", parts


def _is_kept(name: bytes, length: int) -> bool:
    bound, shorter = BOUNDED.get(name, (0, False))
    known = name in UNBOUNDED or (name in BOUNDED and (length == bound or (shorter and length < bound)))
    if not known and not name[0] & NEEDED:
        raise CannotStrip("a chunk that the picture needs, of an unknown kind")
    return known


def _chunk(name: bytes, body: bytes) -> bytes:
    return CHUNK.pack(len(body), name) + body + zlib.crc32(name + body).to_bytes(4, "big")
