"""TIFF in its many codings, and JPEG XL, are read as they were written; what a header lies about is refused."""

import io
import itertools
import random
import struct
from typing import Any

import numpy as np
import pylibjxl
import pytest
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

import images
from image_headers import judge
from testkit import raw_files
from testkit.pictures import saved

MANY = 120_000_000
WIDTH, HEIGHT = 190, 130
MEANING, SAMPLES, BITS, STRIP_ROWS, PLANAR, EXTRA, TILE = 262, 277, 258, 278, 284, 338, 322
Samples = NDArray[np.uint8] | NDArray[np.uint16]


def ramp() -> NDArray[np.uint8]:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([x * 255 // WIDTH, y * 255 // HEIGHT, (x + y) * 255 // (WIDTH + HEIGHT)], -1).astype(np.uint8)


KINDS = {"grey": (1, 1), "white": (0, 1), "rgb": (2, 3), "rgba": (2, 4), "cmyk": (5, 4)}


def samples(kind: str, bits: int) -> Samples:
    """Return the samples that show the ramp, (height, width, samples)."""
    colours = ramp()
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    found: NDArray[np.uint8] = {
        "grey": colours[..., :1],
        "white": 255 - colours[..., :1],
        "rgb": colours,
        "rgba": np.dstack([colours, alpha]),
        "cmyk": np.dstack([255 - colours, alpha - 255]),
    }[kind]
    return found if bits == 8 else found.astype(np.uint16) * 257


def tiff(kind: str, bits: int, order: str, *, planar: bool = False, tiled: bool = False) -> bytes:
    """Return an uncompressed TIFF in strips of 16 rows, or tiles of 32 by 48, written sample by sample."""
    values, (meaning, count) = samples(kind, bits), KINDS[kind]
    planes = [values[..., each : each + 1] for each in range(count)] if planar else [values]
    parts = list[bytes]()
    for plane in planes:
        stored = plane.astype(f"{order}u{bits // 8}")
        if not tiled:
            parts += [stored[top : top + 16].tobytes() for top in range(0, HEIGHT, 16)]
            continue
        padded = np.pad(stored, ((0, -HEIGHT % 48), (0, -WIDTH % 32), (0, 0)))
        tops, lefts = range(0, HEIGHT, 48), range(0, WIDTH, 32)
        parts += [padded[top : top + 48, left : left + 32].tobytes() for top, left in itertools.product(tops, lefts)]
    entries: dict[int, tuple[str, list[int]]] = {
        256: ("H", [WIDTH]), 257: ("H", [HEIGHT]), BITS: ("H", [bits] * count), 259: ("H", [1]),
        MEANING: ("H", [meaning]), SAMPLES: ("H", [count]), PLANAR: ("H", [2 if planar else 1]),
    }  # fmt: skip
    entries |= {EXTRA: ("H", [2])} if kind == "rgba" else {}
    entries |= {TILE: ("H", [32]), 323: ("H", [48])} if tiled else {STRIP_ROWS: ("H", [16])}
    entries[324 if tiled else 273] = ("I", [0] * len(parts))
    entries[325 if tiled else 279] = ("I", [len(part) for part in parts])
    return _assembled(entries, parts, order)


def _assembled(entries: dict[int, tuple[str, list[int]]], parts: list[bytes], order: str) -> bytes:
    behind = 8 + 2 + 12 * len(entries) + 4
    longs = dict.fromkeys(entries, behind)
    for tag, (letter, numbers) in sorted(entries.items()):
        longs[tag] = behind
        behind += struct.calcsize(f"{len(numbers)}{letter}") + 3 & ~3
    for tag in (273, 324):
        if tag in entries:
            starts = itertools.accumulate((len(part) for part in parts[:-1]), initial=behind)
            entries[tag] = ("I", list(starts))
    rows, tail = b"", b""
    for tag, (letter, numbers) in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(numbers)}{letter}", *numbers)
        head = struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[letter], len(numbers))
        rows += head + (packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack(f"{order}I", longs[tag]))
        tail += packed.ljust(len(packed) + 3 & ~3, b"\0")
    start = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return start + struct.pack(f"{order}H", len(entries)) + rows + bytes(4) + tail + b"".join(parts)


def difference(data: bytes, wanted: NDArray[np.uint8]) -> float:
    info, image = images.inspect(data, MANY), images.decode(data)
    assert image.shape[:2] == (info.height, info.width)
    assert image.shape == wanted.shape
    return float(np.abs(image[..., ::-1].astype(int) - wanted).mean())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_is_shown_as_it_was_written(kind: str, bits: int) -> None:
    grey = np.repeat(ramp()[..., :1], 3, 2)
    for order, planar, tiled in itertools.product("<>", (False, True), (False, True)):
        if planar and KINDS[kind][1] == 1:
            continue
        data = tiff(kind, bits, order, planar=planar, tiled=tiled)
        assert difference(data, grey if kind in ("grey", "white") else ramp()) < 1, (order, planar, tiled)


@pytest.mark.parametrize("coding", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "raw"])
def test_compressed_tiffs_are_read(coding: str) -> None:
    assert difference(saved(Image.fromarray(ramp()), "TIFF", compression=coding), ramp()) < 2


def test_a_big_tiff_and_the_first_of_several_pages_are_read() -> None:
    picture = Image.fromarray(ramp())
    assert difference(saved(picture, "TIFF", big_tiff=True), ramp()) == 0
    pages = saved(picture, "TIFF", save_all=True, append_images=[Image.new("RGB", (900, 700))])
    assert difference(pages, ramp()) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_by_its_own_tag(orientation: int) -> None:
    block = Image.Exif()
    block[274] = orientation
    picture = Image.fromarray(ramp())
    upright = images.decode(saved(picture, "PNG", exif=block))[..., ::-1]
    assert difference(saved(picture, "TIFF", exif=block), upright) == 0


def test_the_date_of_a_tiff_is_read_wherever_it_lies() -> None:
    pixels = raw_files.Blob(bytes(300))
    main: dict[int, raw_files.Value] = {
        256: 10,
        257: 10,
        258: 8,
        259: 1,
        262: 2,
        277: 3,
        273: pixels,
        279: raw_files.Blob(pixels.data, size=True),
    }
    main[258] = 8
    taken: dict[int, raw_files.Value] = {
        0x8769: [{0x9003: raw_files.Text("2026:06:20 18:30:05")}],
        0x9000: raw_files.Bytes(bytes(200_000)),
    }
    info = images.inspect(raw_files.tiff([{**main, **taken}]), MANY)
    assert info.moments[0].clock.hour == 18


KIND_ERRORS: dict[str, Any] = {
    "32 bits": lambda: saved(Image.new("F", (9, 9)), "TIFF"),
    "Lab": lambda: saved(Image.new("LAB", (9, 9)), "TIFF"),
    "fax": lambda: saved(Image.new("1", (9, 9)), "TIFF", compression="group4"),
}


@pytest.mark.parametrize("name", KIND_ERRORS)
def test_other_kinds_of_tiff_are_told(name: str) -> None:
    with pytest.raises(images.UnsupportedTiff):
        images.inspect(KIND_ERRORS[name](), MANY)


def changed(tag: int, value: int) -> bytes:
    """Return a TIFF of one strip, one of whose entries holds another number."""
    data = bytearray(saved(Image.fromarray(ramp()), "TIFF", strip_size=10**9))
    at, order = 0, "<"
    (first,) = struct.unpack_from("<I", data, 4)
    for number in range(struct.unpack_from("<H", data, first)[0]):
        at = first + 2 + 12 * number
        if struct.unpack_from("<H", data, at)[0] == tag:
            kind = struct.unpack_from("<H", data, at + 2)[0]
            struct.pack_into(order + ("H" if kind == 3 else "I"), data, at + 8, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("tag", "value", "error"),
    [
        (273, 10**7, images.DamagedImage),
        (273, 0, images.DamagedImage),
        (279, 10**7, images.DamagedImage),
        (279, 100, images.DamagedImage),
        (278, 10, images.DamagedImage),
        (257, 200, images.DamagedImage),
        (257, 0, images.UnsupportedImage),
        (259, 50000, images.UnsupportedTiff),
    ],
)
def test_a_tiff_whose_strips_lie_is_refused(tag: int, value: int, error: type[Exception]) -> None:
    assert images.inspect(changed(274, 1), MANY).width == WIDTH
    with pytest.raises(error):
        images.inspect(changed(tag, value), MANY)


def test_a_tiff_of_countless_pixels_is_refused_by_its_header() -> None:
    strip: dict[int, raw_files.Value] = {273: raw_files.Blob(bytes(99)), 279: 99, 278: 60_000}
    vast = raw_files.tiff([{256: 60_000, 257: 60_000, 258: 8, 259: 5, 262: 1, 277: 1, **strip}])
    with pytest.raises(images.TooManyPixels):
        images.inspect(vast, MANY)
    with pytest.raises(images.TooManyPixels):
        images.decode(vast)


def test_panoramas_and_single_pixels_are_taken() -> None:
    for size in ((30_000, 2000), (1, 1), (1, 900)):
        for kind in ("JPEG", "TIFF"):
            options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
            info = images.inspect(saved(Image.new("RGB", size), kind, **options), MANY)
            assert (info.width, info.height) == size


# --- JPEG XL ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_xl_is_turned_as_the_jpeg_it_was_made_of(orientation: int) -> None:
    block = Image.Exif()
    block[274] = orientation
    jpeg = saved(Image.fromarray(ramp()), "JPEG", quality=95, subsampling=0, exif=block)
    assert difference(pylibjxl.jpeg_to_jxl(jpeg), images.decode(jpeg)[..., ::-1]) < 1


def test_jpeg_xl_is_read_bare_and_in_its_container_with_and_without_transparency() -> None:
    colours = ramp()
    bare = pylibjxl.encode(colours, lossless=True)
    assert bare.startswith(b"\xff\x0a")
    assert difference(bare, colours) == 0
    exif = raw_files.tiff([{0x8769: [{0x9003: raw_files.Text("2026:06:20 18:30:05")}]}])
    parts = (raw_files.box(b"ftyp", b"jxl \0\0\0\0jxl "), raw_files.box(b"Exif", bytes(4) + exif))
    boxed = b"\0\0\0\x0cJXL \r\n\x87\n" + b"".join((*parts, raw_files.box(b"jxlc", bare)))
    assert difference(boxed, colours) == 0
    assert str(images.inspect(boxed, MANY).moments[0].clock) == "2026-06-20 18:30:05"
    assert difference(boxed + b"junk", colours) == 0
    assert difference(pylibjxl.encode(np.ascontiguousarray(colours[..., 0])), np.repeat(colours[..., :1], 3, 2)) < 3
    clear = np.dstack([colours, np.zeros((HEIGHT, WIDTH), np.uint8)])
    assert difference(pylibjxl.encode(clear, lossless=True), np.full_like(colours, 255)) == 0


def test_a_jpeg_xl_that_ends_early_is_damaged() -> None:
    whole = pylibjxl.encode(np.random.default_rng(2).integers(0, 255, (90, 80, 3)).astype(np.uint8))
    with pytest.raises(images.DamagedImage):
        judge.read(whole[:4])
    with pytest.raises(images.DamagedImage):
        images.decode(whole[: len(whole) // 2])


def test_changed_bytes_raise_nothing_but_refusals() -> None:
    chance = random.Random(5)
    pictures = [tiff("rgb", 8, "<"), saved(Image.fromarray(ramp()), "TIFF", big_tiff=True)]
    pictures.append(pylibjxl.jpeg_to_jxl(saved(Image.fromarray(ramp()), "JPEG")))
    for whole in pictures:
        for _ in range(500):
            data = bytearray(whole)
            for _ in range(chance.choice((1, 3, 20))):
                data[chance.randrange(min(len(data), 400))] = chance.choice((0, 255, chance.randrange(256)))
            try:
                images.inspect(bytes(data), MANY)
            except images.ImageError:
                continue


def test_the_decoder_reads_uncompressed_files_as_the_header_says() -> None:
    # Pillow's own reader mixes up the planes of 16-bit pictures.
    assert TiffImagePlugin.READ_LIBTIFF
    assert io.BytesIO(tiff("rgb", 16, ">", planar=True)).getbuffer().nbytes > WIDTH * HEIGHT * 6
