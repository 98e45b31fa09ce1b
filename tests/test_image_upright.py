"""Which picture of a file is shown, and which side is up: the same in the header and the decoder."""

import itertools
import random
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

import image_decoding
import images
from image_headers import judge
from testkit.heif_files import Item, aperture, assembled, coded, grid, mirror, overlay, rotation, size
from testkit.pictures import saved

MANY = 120_000_000
WIDTH, HEIGHT = 96, 64
BRAND = {"HEIF": b"heic", "AVIF": b"avif"}
SHORT, LONG, BYTE = 3, 4, 1


def picture(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Return a picture whose corners are all different."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.dstack([across, down, 255 - across]).astype(np.uint8))


def upright(orientation: int) -> images.BgrImage:
    return image_decoding._turned(np.asarray(picture())[:, :, ::-1].copy(), orientation)


def exif(*entries: tuple[int, int], order: str = "II") -> bytes:
    """Return a TIFF block with orientations: (type, value)."""
    mark = "<" if order == "II" else ">"
    block = order.encode() + struct.pack(f"{mark}HIH", 42, 8, len(entries))
    for kind, value in entries:
        packed = struct.pack(f"{mark}{ {BYTE: 'Bxxx', SHORT: 'Hxx', LONG: 'I'}[kind] }", value)
        block += struct.pack(f"{mark}HHI", 0x0112, kind, 1) + packed
    return block + bytes(4)


def app1(body: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def jpeg(*blocks: bytes) -> bytes:
    data = saved(picture(), "JPEG", quality=95, subsampling=0)
    return data[:2] + b"".join(app1(each) for each in blocks) + data[2:]


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), name) + body + struct.pack(">I", zlib.crc32(name + body))


def png(*blocks: bytes, behind: bytes = b"") -> bytes:
    data = saved(picture(), "PNG")
    data = data[:33] + b"".join(chunk(b"eXIf", each) for each in blocks) + data[33:]
    return data[:-12] + (chunk(b"eXIf", behind) if behind else b"") + data[-12:]


def webp(block: bytes) -> bytes:
    return saved(picture(), "WEBP", quality=95, exif=block)


def heif(item: Item, *properties: bytes, kind: str) -> bytes:
    return assembled([Item(item.kind, item.content, [*item.properties, *properties])], 1, BRAND[kind])


def shown(data: bytes) -> images.BgrImage:
    """Return what is decoded, at every reduction of the size that the header tells."""
    info = images.inspect(data, MANY)
    for long_side in (None, 40, 20, 10):
        seen = images.decode(data, long_side=long_side)
        scale = images._reduction(max(info.width, info.height), long_side)
        assert seen.shape[1::-1] == (-(-info.width // scale), -(-info.height // scale))
    return images.decode(data)


def assert_shown(data: bytes, expected: images.BgrImage, difference: float = 6) -> None:
    seen = shown(data)
    assert seen.shape == expected.shape
    assert np.abs(seen.astype(int) - expected).mean() < difference


MAKERS: dict[str, Callable[[bytes], bytes]] = {
    "JPEG": lambda block: jpeg(b"Exif\0\0" + block),
    "PNG": png,
    "WEBP": webp,
}


@pytest.mark.parametrize("kind", [*MAKERS])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_a_picture_in_either_byte_order_and_type(kind: str, orientation: int) -> None:
    for order, width in itertools.product(("II", "MM"), (SHORT, LONG)):
        assert_shown(MAKERS[kind](exif((width, orientation), order=order)), upright(orientation))


TURNED = exif((SHORT, 6))
PLAIN = exif((SHORT, 1))
HEAD = b"Exif\0\0"
# Each as Chromium 156 shows it.
BLOCKS = {
    "two JPEG blocks: the first": (jpeg(HEAD + TURNED, HEAD + PLAIN), 6),
    "the first, which turns nothing": (jpeg(HEAD + PLAIN, HEAD + TURNED), 1),
    "a first that says nothing": (jpeg(HEAD + exif(), HEAD + TURNED), 1),
    "a first that is garbage": (jpeg(HEAD + b"garbage", HEAD + TURNED), 1),
    "an empty one is none": (jpeg(HEAD, HEAD + TURNED), 6),
    "behind XMP": (jpeg(b"http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation='3'/>", HEAD + TURNED), 6),
    "XMP alone": (jpeg(b"http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation='6'/>"), 1),
    "another byte behind its name": (jpeg(b"Exif\0\xff" + TURNED), 6),
    "an orientation twice": (jpeg(HEAD + exif((SHORT, 6), (SHORT, 1))), 6),
    "one that is none, then one": (jpeg(HEAD + exif((SHORT, 9), (SHORT, 6))), 6),
    "zero": (jpeg(HEAD + exif((SHORT, 0))), 1),
    "of another type": (jpeg(HEAD + exif((BYTE, 6))), 1),
    "a directory that is cut off": (jpeg(HEAD + b"II\x2a\0\x08\0\0\0\x32\0" + TURNED[10:22]), 6),
    "two PNG chunks: the first": (png(TURNED, PLAIN), 6),
    "a first PNG chunk of garbage": (png(b"garbage", TURNED), 1),
    "a PNG chunk behind the picture": (png(behind=TURNED), 1),
    "a PNG chunk with the name of JPEG's": (png(HEAD + TURNED), 1),
}


@pytest.mark.parametrize("what", [*BLOCKS])
def test_of_several_or_odd_blocks_the_one_counts_that_browsers_take(what: str) -> None:
    data, orientation = BLOCKS[what]
    assert_shown(data, upright(orientation))


@pytest.mark.parametrize("kind", [*BRAND])
def test_a_heic_or_avif_is_cropped_turned_and_mirrored(kind: str) -> None:
    item, whole = coded(picture(), kind), np.asarray(picture())[:, :, ::-1]
    # The middle of the part lies 4.5 px right of and 6.5 px above that of the picture.
    part = whole[10:41, 32:73]
    crop = aperture((41, 1), (31, 1), (9, 2), (-13, 2))
    for quarters, axis in itertools.product(range(4), (None, 0, 1)):
        expected = np.rot90(part, quarters)
        expected = expected if axis is None else np.flip(expected, axis)
        flips = () if axis is None else (mirror(axis),)
        assert_shown(heif(item, crop, rotation(quarters), *flips, kind=kind), np.ascontiguousarray(expected))


def test_what_is_done_to_a_heic_is_done_in_its_order() -> None:
    item, whole = coded(picture(), "HEIF"), np.asarray(picture())[:, :, ::-1]
    crop = aperture((40, 1), (30, 1), (10, 1), (5, 1))
    turned = np.rot90(np.flip(whole, 1), 1)
    assert_shown(heif(item, mirror(1), rotation(1), kind="HEIF"), np.ascontiguousarray(turned))
    part = np.rot90(whole, 1)[38:68, 22:62]
    assert_shown(heif(item, rotation(1), crop, kind="HEIF"), np.ascontiguousarray(part))


def test_a_heic_is_not_turned_by_its_exif() -> None:
    item = coded(picture(), "HEIF")
    turned = Item(item.kind, item.content, [*item.properties, rotation(3)])
    block = Item(b"Exif", bytes(4) + exif((SHORT, 3)), reference=(b"cdsc", [1]))
    assert_shown(assembled([turned, block], 1), upright(6))


def crops(number: int) -> list[tuple[tuple[int, int], ...]]:
    """Return clean apertures with fractions, inside, across and outside the edges."""
    random_ = random.Random(7)
    return [
        tuple(
            (random_.randint(low, high) * below // 4, below)
            for low, high in ((0, 440), (0, 300), (-240, 240), (-200, 200))
        )
        for below in (random_.choice((1, 2, 3, 5)) for _ in range(number))
    ]


@pytest.mark.parametrize("kind", [*BRAND])
def test_the_row_has_the_size_of_what_is_decoded_whatever_the_properties(kind: str) -> None:
    item, taken = coded(picture(), kind), 0
    for number, crop in enumerate(crops(60)):
        properties = [aperture(*crop), rotation(number % 4), mirror(number % 2)]
        random.Random(number).shuffle(properties)
        data = heif(item, *properties, kind=kind)
        try:
            images.inspect(data, MANY)
        except images.DamagedImage:
            with pytest.raises(ValueError, match=r"clean-aperture|fraction"):
                image_decoding._by_libheif(data, 1)
            continue
        shown(data)
        taken += 1
    assert taken > 20


def derived(kind: str) -> dict[str, bytes]:
    """Return files whose primary picture is made of others."""
    # Decoders of AVIF take no tile under 64 px.
    width, height = 2 * WIDTH, 2 * HEIGHT
    tile, whole = coded(picture(), kind), coded(picture(width, height), kind)
    tiles = Item(b"grid", grid(2, 2, width, height), [size(width, height)], [1, 2, 3, 4])
    turned_tiles = Item(b"grid", tiles.content, [*tiles.properties, rotation(1)], tiles.inputs)
    side = Item(whole.kind, whole.content, [*whole.properties, rotation(1)])
    laid = Item(b"iovl", overlay(240, 180, [(0, 0), (60, 40)]), [size(240, 180), rotation(1)], [1, 2])
    files = {
        "second": [coded(picture(40, 80), kind), whole],
        "grid": [tile, tile, tile, tile, tiles],
        "turned grid": [tile, tile, tile, tile, turned_tiles],
    }
    if kind == "HEIF":
        files |= {
            "same": [whole, Item(b"iden", b"", [size(width, height), rotation(1)], [1])],
            "same of turned": [side, Item(b"iden", b"", [size(height, width)], [1])],
            "same of grid": [tile, tile, tile, tile, tiles, Item(b"iden", b"", [size(width, height)], [5])],
            "laid over": [tile, tile, laid],
        }
    return {name: assembled(items, len(items), BRAND[kind]) for name, items in files.items()}


@pytest.mark.parametrize("kind", [*BRAND])
def test_the_primary_picture_is_shown_also_where_it_is_made_of_others(kind: str) -> None:
    lying = {"grid", "second", "same of grid"}
    for name, data in derived(kind).items():
        expected = (180, 240) if name == "laid over" else (192, 128) if name in lying else (128, 192)
        assert shown(data).shape[1::-1] == expected


def test_pictures_made_of_pictures_have_bounds() -> None:
    whole = coded(picture(), "HEIF")
    chain = [whole] + [Item(b"iden", b"", [size(WIDTH, HEIGHT)], [number]) for number in range(1, 9)]
    for items in (chain, [whole, Item(b"iden", b"", [size(WIDTH, HEIGHT)], [2])]):
        with pytest.raises(images.UnsupportedImage):
            images.inspect(assembled(items, len(items)), MANY)
    many = Item(b"iovl", overlay(120, 90, [(0, 0)] * 900), [size(120, 90)], [1] * 900)
    # Every use of a part is decoded again.
    assert judge.read(assembled([whole, many], 2)).pixels > 900 * WIDTH * HEIGHT
