"""Reads HEIC and AVIF files: the primary picture's size, how it is turned, what it is put together from.

ISO/IEC 23008-12 (HEIF): `ispe` has the size, `irot`, `imir` and `clap` change it; `grid` puts tiles together, `iovl`
lays pictures over a canvas, `iden` is another picture, cropped or turned.
"""

from collections.abc import Iterator
from functools import partial

from image_headers import colour
from image_headers.av1 import largest_frame
from image_headers.boxes import Box, Boxes, Items, read_items
from image_headers.exif import MAX_EXIF
from image_headers.header import UNSAID, Colour, DamagedImage, Header, UnsupportedImage
from image_headers.transforms import shown, size_shown
from image_headers.xmp import MAX_XMP

# The major brands that the decoders take.
BRANDS = {
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"avif", b"avis",
}  # fmt: skip
CODECS = {b"hvc1": "HEIF", b"av01": "AVIF"}
GRID, OVERLAY, SAME, FILM = b"grid", b"iovl", b"iden", b"avis"
MAX_TILES = 1000
# Pictures made of pictures that are made of pictures; cameras write one level.
MAX_DEPTH = 4


def matches(data: bytes) -> bool:
    """Return whether a file is HEIC or AVIF by its first bytes."""
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS


def read(data: bytes) -> Header:
    """Return the header of a HEIC or AVIF file.

    Raises:
        UnsupportedImage: its primary picture is neither HEVC nor AV1, nor made of such pictures.
        DamagedImage: it is cut off, its boxes are malformed, or there are more than any camera writes.
    """
    boxes = Boxes(data)
    top = boxes.top()
    if b"meta" not in top:
        raise UnsupportedImage("the file holds no picture")
    items = read_items(boxes, top[b"meta"])
    layers = _layers(items)
    kind = _codec(items, layers)
    size, pixels = _canvas(boxes, items, items.primary), _pixels(boxes, items, layers)
    said = _colour(boxes, items, [layers[0][0], layers[-1][0]])
    exif, properties = _exif(boxes, items), items.properties(items.primary)
    found = partial(Header, kind, colour=said, xmp=_xmp(boxes, items), end=boxes.end)
    if kind == "HEIF":
        return found(*size_shown(boxes, properties, *size), pixels, exif, turned=1)
    film = list(_films(boxes, top))
    pixels = max(pixels, *(width * height for width, height in film), 0)
    view = shown(boxes, properties, *size)
    if film and data[8:12] == FILM:
        return found(*film[0], pixels, exif, turned=view.turned)
    if view.window is not None:
        left, above, right, below = view.window
        size = right - left, below - above
    return found(*size, pixels, exif, turned=view.turned, window=view.window)


def _layers(items: Items) -> list[list[int]]:
    """Return the primary item, and level by level the items that it is made of, down to coded pictures.

    A grid's level has each tile once: the decoder keeps one at a time. In other levels items come as often as used.
    """
    layers = [[items.primary]]
    for _ in range(MAX_DEPTH):
        kinds = {items.types.get(each, b"") for each in layers[-1]}
        if kinds <= CODECS.keys():
            return layers
        if len(layers[-1]) > 1 or not kinds <= {GRID, OVERLAY, SAME}:
            break
        inputs = items.references.get((b"dimg", layers[-1][0]), [])
        if not 1 <= len(inputs) <= MAX_TILES or (kinds == {SAME} and len(inputs) > 1):
            raise DamagedImage("a picture is made of no pictures, or of too many")
        layers.append(list(dict.fromkeys(inputs)) if kinds == {GRID} else inputs)
    raise UnsupportedImage("the picture is not made of coded pictures")


def _colour(boxes: Boxes, items: Items, parts: list[int]) -> Colour:
    """Return what is said of the colours of the primary item; where nothing is, of its first tile."""
    said = colour.of_boxes(boxes, items.properties(parts[0]))
    return said if said != UNSAID else colour.of_boxes(boxes, items.properties(parts[-1]))


def _codec(items: Items, layers: list[list[int]]) -> str:
    codecs = {items.types[each] for each in layers[-1]}
    # Decoders of AVIF know grids only.
    derived = {items.types[each] for layer in layers[:-1] for each in layer} - {GRID}
    if len(codecs) > 1 or (derived and codecs != {b"hvc1"}):
        raise UnsupportedImage("the picture is of a codec that is not accepted")
    return CODECS[codecs.pop()]


def _pixels(boxes: Boxes, items: Items, layers: list[list[int]]) -> int:
    """Return the most pixels that are decoded at a time; what is laid over a canvas counts together with it."""
    maps = _belonging(items)
    total = 0
    for above, layer in zip([[], *layers], layers, strict=False):
        areas = []
        for item in (*layer, *(each for one in dict.fromkeys(layer) for each in maps.get(one, []))):
            sizes = [_canvas(boxes, items, item)]
            if items.types.get(item) == b"av01":
                sizes.append(_stream(boxes, items, item))
            areas.append(max(width * height for width, height in sizes))
        laid = bool(above) and items.types.get(above[0]) == OVERLAY
        total = total + sum(areas) if laid else max(total, *areas)
    return total


def _belonging(items: Items) -> dict[int, list[int]]:
    """Return the items that belong to each picture: what shows through, and depth and gain maps."""
    found: dict[int, list[int]] = {}
    for (name, source), aims in items.references.items():
        for aim in aims if name == b"auxl" else ():
            found.setdefault(aim, []).append(source)
    return found


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


def _xmp(boxes: Boxes, items: Items) -> bytes:
    """Return the XMP packet that describes the primary item: the item of a MIME type with RDF in it."""
    for item, kind in items.types.items():
        if kind == b"mime" and items.primary in items.references.get((b"cdsc", item), []):
            try:
                at, end = _content(boxes, items, item)
            except DamagedImage:
                continue
            if boxes.data.find(b"rdf:RDF", at, min(end, at + MAX_XMP)) >= 0:
                return boxes.data[at : min(end, at + MAX_XMP)]
    return b""
