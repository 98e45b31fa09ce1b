"""Reads a TIFF's first directory (TIFF 6.0): size, coding, and whether its strips or tiles lie in the file."""

import math
from dataclasses import dataclass

from image_headers import exif_block
from image_headers.colour import MAX_PROFILE
from image_headers.directories import Directory, Tiff
from image_headers.header import Colour, DamagedImage, Header, UnsupportedImage, UnsupportedTiff
from image_headers.raw import is_raw
from image_headers.xmp import MAX_XMP

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_AT, SAMPLES, STRIP_ROWS, STRIP_BYTES, PLANAR = 273, 277, 278, 279, 284
TILE_WIDTH, TILE_HEIGHT, TILE_AT, TILE_BYTES = 322, 323, 324, 325
SAMPLE_FORMAT, PROFILE = 339, 34675
XMP, IPTC, RESOURCES = 700, 33723, 34377
NONE, LZW, JPEG, DEFLATE, PACKBITS, OLDER_DEFLATE = 1, 5, 7, 8, 32773, 32946
COMPRESSIONS = {NONE, LZW, JPEG, DEFLATE, PACKBITS, OLDER_DEFLATE}
WHITE, BLACK, COLOURS, PALETTE, INKS, LUMA = 0, 1, 2, 3, 5, 6
# Samples a pixel by what they mean; those beyond are transparency, or masks, which are not shown.
MEANINGS = {WHITE: (1,), BLACK: (1, 2), COLOURS: (3, 4), PALETTE: (1,), INKS: (4,), LUMA: (3,)}
UNSIGNED = 1
SEPARATE = 2
# What the decoder holds of one strip or tile beside the picture: it; of a JPEG also its coefficients.
PART_COPIES, JPEG_COPIES = 1, 3


def matches(data: bytes) -> bool:
    """Return whether a file is TIFF by its first bytes. RAW files of cameras may be, too."""
    return data.startswith(SIGNATURES)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the samples lie in the file: size in px, bits, samples and planes; the size of a strip or tile in px."""

    width: int
    height: int
    bits: int
    samples: int
    planes: int
    part: tuple[int, int]

    @property
    def part_bytes(self) -> int:
        """The bytes of one whole strip or tile, decoded."""
        return self.rows_bytes(self.part[1])

    def rows_bytes(self, rows: int) -> int:
        """Return the bytes of so many rows of a strip or tile, decoded."""
        return math.ceil(self.part[0] * self.samples // self.planes * self.bits / 8) * rows

    @property
    def across(self) -> int:
        """How many strips or tiles lie side by side."""
        return math.ceil(self.width / self.part[0])

    @property
    def down(self) -> int:
        """How many lie below each other."""
        return math.ceil(self.height / self.part[1])


def read(data: bytes) -> Header:
    """Return the header of a TIFF, of its first page.

    Raises:
        UnsupportedImage: it is the RAW file of a camera, or has no pixels.
        UnsupportedTiff: it is of a coding, depth or kind that is not accepted.
        DamagedImage: its directory is malformed, or its strips or tiles are missing, too short, or not in the file.
    """
    tiff = Tiff(data)
    if not tiff.first:
        raise UnsupportedImage("a TIFF without pictures")
    if tiff.big and tiff.order == ">":
        # Pillow does not open it.
        raise UnsupportedTiff("a BigTIFF with the highest bytes first")
    page = tiff.directory(tiff.first)
    if is_raw(tiff, page):
        raise UnsupportedImage("the RAW file of a camera")
    compression = tiff.one(page.entries.get(COMPRESSION), NONE)
    if compression not in COMPRESSIONS:
        raise UnsupportedTiff(f"a TIFF of compression {compression}")
    layout = _layout(tiff, page)
    if layout.width < 1 or layout.height < 1:
        raise UnsupportedImage("no pixels")
    _check_parts(tiff, page, layout, compression)
    copies = JPEG_COPIES if compression == JPEG else PART_COPIES
    size = layout.width, layout.height, layout.width * layout.height
    exif = exif_block.collected(tiff, page).block()
    said, parts = _colour(tiff, page), layout.part_bytes * copies
    xmp, resources = _text(tiff, page, XMP), _text(tiff, page, RESOURCES) or _text(tiff, page, IPTC)
    return Header("TIFF", *size, exif, colour=said, parts=parts, xmp=xmp, resources=resources)


def _text(tiff: Tiff, page: Directory, tag: int) -> bytes:
    """Return the bytes of a tag with metadata, as far as they are read; empty if there is none."""
    entry = page.entries.get(tag)
    return b"" if entry is None else tiff.data[entry.at : min(entry.end, entry.at + MAX_XMP)]


def _colour(tiff: Tiff, page: Directory) -> Colour:
    """Return where the page's colour profile lies, and whether its samples are inks."""
    entry = page.entries.get(PROFILE)
    inks = tiff.one(page.entries.get(PHOTOMETRIC)) == INKS
    if entry is None or entry.end > len(tiff.data) or entry.end - entry.at > MAX_PROFILE:
        return Colour(inks=inks)
    return Colour(pieces=((entry.at, entry.end),), inks=inks)


def inverted_shades(data: bytes) -> bool:
    """Return whether a TIFF has 16-bit shades of which 0 is white: its decoder takes them for others."""
    tiff = Tiff(data)
    page = tiff.directory(tiff.first).entries
    return tiff.one(page.get(PHOTOMETRIC), BLACK) == WHITE and tiff.one(page.get(BITS), 1) == 16


def _layout(tiff: Tiff, page: Directory) -> _Layout:
    entries = page.entries
    width, height = tiff.one(entries.get(WIDTH)), tiff.one(entries.get(HEIGHT))
    samples = tiff.one(entries.get(SAMPLES), 1)
    bits = tiff.numbers(entries.get(BITS)) or (1,)
    meaning = tiff.one(entries.get(PHOTOMETRIC), BLACK)
    forms = set(tiff.numbers(entries.get(SAMPLE_FORMAT))) or {UNSIGNED}
    planar = tiff.one(entries.get(PLANAR), 1) == SEPARATE and samples > 1
    deep = (8, 16) if meaning != LUMA else (8,)
    shallow = (1, 2, 4) if samples == 1 else ()
    if len(set(bits)) != 1 or bits[0] not in (*deep, *shallow) or forms != {UNSIGNED}:
        raise UnsupportedTiff(f"a TIFF of {bits[:8]} bits")
    if samples not in MEANINGS.get(meaning, ()) or (meaning == PALETTE and bits[0] == 16):
        raise UnsupportedTiff(f"a TIFF of {samples} samples with the meaning {meaning}")
    if samples == 2 and (bits[0] == 16 or planar):
        raise UnsupportedTiff("a TIFF of shades with transparency, in 16 bits or two planes")
    if TILE_WIDTH in entries:
        part = tiff.one(entries.get(TILE_WIDTH)), tiff.one(entries.get(TILE_HEIGHT))
    else:
        part = width, min(height, tiff.one(entries.get(STRIP_ROWS), height))
    if min(part) < 1 and min(width, height) > 0:
        raise DamagedImage("the strips or tiles of the TIFF have no size")
    return _Layout(width, height, bits[0], samples, samples if planar else 1, part)


def _check_parts(tiff: Tiff, page: Directory, layout: _Layout, compression: int) -> None:
    """Refuse a page whose strips or tiles are too few, lie outside the file, or have less bytes than pixels."""
    entries = page.entries
    tiled = TILE_WIDTH in entries
    places = tiff.numbers(entries.get(TILE_AT if tiled else STRIP_AT))
    sizes = tiff.numbers(entries.get(TILE_BYTES if tiled else STRIP_BYTES))
    wanted = layout.across * layout.down * layout.planes
    if not wanted <= min(len(places), len(sizes)):
        raise DamagedImage("the TIFF has too few strips or tiles")
    end = len(tiff.data)
    for at, size in zip(places[:wanted], sizes[:wanted], strict=True):
        if at < 8 or size < 1 or at + size > end:
            raise DamagedImage("a strip or tile of the TIFF is not in the file")
    if compression != NONE:
        return
    whole, last = layout.part_bytes, layout.rows_bytes(layout.height - (layout.down - 1) * layout.part[1])
    for number, size in enumerate(sizes[:wanted]):
        is_last = number % (layout.across * layout.down) >= layout.across * (layout.down - 1)
        if size < (last if is_last and not tiled else whole):
            raise DamagedImage("a strip or tile of the TIFF has too few bytes")
