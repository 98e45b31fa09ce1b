"""Reads HEIC and AVIF files: the primary picture's size, how it is turned, what it is put together from.

ISO/IEC 23008-12 (HEIF): `ispe` has the size, `irot`, `imir` and `clap` change it; `grid` puts tiles together.
"""

from collections.abc import Iterator

from image_headers import colour
from image_headers.av1 import largest_frame
from image_headers.boxes import Box, Boxes, Items, read_items
from image_headers.exif import MAX_EXIF
from image_headers.header import UNSAID, Colour, DamagedImage, Header, UnsupportedImage

# The major brands that the decoders take.
BRANDS = {
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"avif", b"avis",
}  # fmt: skip
CODECS = {b"hvc1": "HEIF", b"av01": "AVIF"}
GRID, FILM = b"grid", b"avis"
MAX_TILES = 1000
# EXIF orientation by quarter turns to the left, then not mirrored, mirrored top to bottom, mirrored left to right.
TURNED = ((1, 4, 2), (8, 5, 7), (3, 2, 4), (6, 7, 5))


def matches(data: bytes) -> bool:
    """Return whether a file is HEIC or AVIF by its first bytes."""
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS


def read(data: bytes) -> Header:
    """Return the header of a HEIC or AVIF file.

    Raises:
        UnsupportedImage: its primary picture is neither HEVC nor AV1, nor a grid of such tiles.
        DamagedImage: it is cut off, its boxes are malformed, or there are more than any camera writes.
    """
    boxes = Boxes(data)
    top = boxes.top()
    if b"meta" not in top:
        raise UnsupportedImage("the file holds no picture")
    items = read_items(boxes, top[b"meta"])
    parts = _parts(items)
    kind = CODECS.get(items.types[parts[-1]])
    if kind is None or any(items.types.get(each) != items.types[parts[-1]] for each in parts[1:]):
        raise UnsupportedImage("the picture is of a codec that is not accepted")
    pictures = (*parts, *_alpha(items, parts[0]))
    sizes = [_canvas(boxes, items, each) for each in pictures]
    sizes += [_stream(boxes, items, each) for each in pictures if items.types.get(each) == b"av01"]
    film = list(_films(boxes, top)) if kind == "AVIF" else []
    pixels = max(width * height for width, height in (*sizes, *film))
    exif = _exif(boxes, items)
    said = _colour(boxes, items, parts)
    if kind == "HEIF":
        return Header(kind, *_upright(boxes, items, *sizes[0]), pixels, exif, turned=1, colour=said)
    width, height = film[0] if film and data[8:12] == FILM else sizes[0]
    return Header(kind, width, height, pixels, exif, turned=_orientation(boxes, items), colour=said)


def _parts(items: Items) -> list[int]:
    """Return the primary item; where that is a grid, also its tiles. Tiles that are grids again are no tiles."""
    if items.types[items.primary] != GRID:
        return [items.primary]
    tiles = items.references.get((b"dimg", items.primary), [])
    if not 1 <= len(tiles) <= MAX_TILES:
        raise DamagedImage("a grid has no tiles, or too many")
    if any(items.types.get(each) not in CODECS for each in tiles):
        raise UnsupportedImage("a grid of something else than coded pictures")
    return [items.primary, *dict.fromkeys(tiles)]


def _colour(boxes: Boxes, items: Items, parts: list[int]) -> Colour:
    """Return what is said of the colours of the primary item; where nothing is, of its first tile."""
    said = colour.of_boxes(boxes, items.properties(parts[0]))
    return said if said != UNSAID else colour.of_boxes(boxes, items.properties(parts[-1]))


def _alpha(items: Items, item: int) -> Iterator[int]:
    """Yield the items that say they belong to a picture: what shows through, and depth and gain maps."""
    return (source for (name, source), aims in items.references.items() if name == b"auxl" and item in aims)


def _canvas(boxes: Boxes, items: Items, item: int) -> tuple[int, int]:
    """Return the size of an item: as its property says, or as its grid does where that is larger."""
    size = next((each for each in items.properties(item) if each.name == b"ispe"), None)
    if size is None:
        raise DamagedImage("a picture has no size")
    width, height = (boxes.number(size.at + at, 4, size.end) for at in (4, 8))
    if items.types.get(item) == GRID:
        at, end = _content(boxes, items, item)
        wide = 4 if boxes.number(at, 2, end) & 1 else 2
        width = max(width, boxes.number(at + 4, wide, end))
        height = max(height, boxes.number(at + 4 + wide, wide, end))
    return width, height


def _stream(boxes: Boxes, items: Items, item: int) -> tuple[int, int]:
    """Return the largest frame of an AV1 item's stream. libheif itself holds HEVC streams to the declared size."""
    if item in items.scattered:
        raise UnsupportedImage("an AV1 picture in several pieces")
    return largest_frame(boxes.data, *_content(boxes, items, item))


def _content(boxes: Boxes, items: Items, item: int) -> tuple[int, int]:
    """Return where the content of an item begins and ends, as far as it is in one piece."""
    method, at, length = items.places.get(item, (0, 0, 0))
    end = len(boxes.data)
    if method == 1 and items.idat is not None:
        at, end = at + items.idat.at, items.idat.end
    if method > 1 or not length or at + length > end:
        raise DamagedImage("a part of the picture is missing")
    return at, at + length


def _upright(boxes: Boxes, items: Items, width: int, height: int) -> tuple[int, int]:
    """Return the size after the properties that crop and turn, in their order, as the decoder applies them."""
    for each in items.properties(items.primary):
        if each.name == b"irot" and boxes.number(each.at, 1, each.end) & 1:
            width, height = height, width
        elif each.name == b"clap":
            fractions = [boxes.number(each.at + at, 4, each.end) for at in (0, 4, 8, 12)]
            wide, high = (fractions[at] // max(1, fractions[at + 1]) for at in (0, 2))
            width, height = min(width, wide), min(height, high)
    return width, height


def _orientation(boxes: Boxes, items: Items) -> int:
    """Return the EXIF orientation that says what the properties `irot` and `imir` say."""
    quarters = mirrored = 0
    for each in items.properties(items.primary):
        if each.name == b"irot":
            quarters = boxes.number(each.at, 1, each.end) & 3
        elif each.name == b"imir":
            mirrored = 1 + (boxes.number(each.at, 1, each.end) & 1)
    return TURNED[quarters][mirrored]


def _films(boxes: Boxes, top: dict[bytes, Box]) -> Iterator[tuple[int, int]]:
    """Yield the sizes of the films in a file: an animated AVIF is one, beside its still picture."""
    if b"moov" not in top:
        return
    for track in boxes.inside(top[b"moov"].at, top[b"moov"].end):
        for each in boxes.inside(track.at, track.end) if track.name == b"trak" else ():
            if each.name == b"tkhd" and each.end - each.at >= 8:
                # Width and height, fixed point with 16 bits behind the point.
                yield boxes.number(each.end - 8, 4, each.end) >> 16, boxes.number(each.end - 4, 4, each.end) >> 16


def _exif(boxes: Boxes, items: Items) -> bytes:
    """Return the EXIF block that describes the primary item. Metadata whose place is malformed count as none."""
    for item, kind in items.types.items():
        if kind == b"Exif" and items.primary in items.references.get((b"cdsc", item), []):
            try:
                at, end = _content(boxes, items, item)
                # The first four bytes say how far behind them the block begins.
                at += 4 + boxes.number(at, 4, end)
            except DamagedImage:
                return b""
            return boxes.data[at : min(end, at + MAX_EXIF)]
    return b""
