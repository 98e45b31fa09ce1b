"""Pictures are judged from their headers alone, quickly and in little memory, whatever their bytes are."""

import contextlib
import struct
import tracemalloc
from collections.abc import Callable

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

import images
from testkit import hostile_images
from testkit.pictures import saved
from testkit.processor import least_seconds

MANY = 120_000_000
WIDTH, HEIGHT = 320, 240
UNDECODED = "nothing may be decoded to judge a file"


def picture() -> Image.Image:
    ramp = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    return Image.fromarray(np.dstack([ramp, ramp[::-1], 255 - ramp]))


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail when Pillow, OpenCV or libheif is asked to open or decode anything."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail(UNDECODED)

    for owner, name in (
        (Image, "open"),
        (cv2, "imread"),
        (cv2, "imdecode"),
        (pillow_heif, "open_heif"),
    ):
        monkeypatch.setattr(owner, name, refuse)


BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG": hostile_images.png_bomb,
    "GIF": hostile_images.gif_bomb,
    "WebP": hostile_images.webp_bomb,
    "JPEG without its end": hostile_images.jpeg_without_end,
}


def judged_quickly(data: bytes) -> images.ImageInfo | images.ImageError:
    """Judge a file; in one of three tries within 50 ms of processor time, always within 1 MB."""
    answers: list[images.ImageInfo | images.ImageError] = []

    def judge() -> None:
        try:
            answers.append(images.inspect(data, MANY))
        except images.ImageError as error:
            answers.append(error)

    tracemalloc.start()
    try:
        assert least_seconds(judge, enough=0.05) < 0.05
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    return answers[-1]


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_judged_at_once_and_never_decoded(name: str) -> None:
    data = BOMBS[name]()
    info = judged_quickly(data)
    assert isinstance(info, images.ImageInfo)
    assert (info.width, info.height) == (hostile_images.BOMB_SIDE, hostile_images.BOMB_SIDE)
    with pytest.raises(images.TooManyPixels) as refusal:
        images.inspect(data, 30_000_000)
    assert refusal.value.limit == 30_000_000


def boxes(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body


HEIC = boxes(b"ftyp", b"heic\0\0\0\0mif1heic")
FREE = boxes(b"free", b"")
WEBP = b"RIFF" + struct.pack("<I", 9_999_998) + b"WEBPVP8X\n\0\0\0" + bytes(10)
GIF = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0, 0, 0)
GIF_FRAME = b"," + struct.pack("<HHHHB", 0, 0, 10, 10, 0) + b"\x02"
PNG = b"\x89PNG\r\n\x1a\n" + hostile_images.chunk(b"IHDR", struct.pack(">IIBBBBB", 10, 10, 8, 2, 0, 0, 0))
MANY_PARTS = {
    "JPEG segments": b"\xff\xd8" + b"\xff\xe0\0\2" * 2_500_000,
    "JPEG padding": b"\xff\xd8" + b"\xff" * 10_000_000,
    "JPEG stray bytes": b"\xff\xd8\xff\1" + (b"\xff\0" * 2000 + b"\xff\1") * 2500,
    "PNG chunks": PNG + hostile_images.chunk(b"IDAT", b"") * 800_000 + hostile_images.chunk(b"IEND", b""),
    "GIF blocks": GIF + GIF_FRAME + b"\1\1" * 5_000_000 + b"\0;",
    "GIF frames": GIF + (GIF_FRAME + b"\0") * 800_000 + b";",
    "WebP chunks": WEBP + b"ANMF\0\0\0\0" * 1_250_000,
    "HEIC boxes": HEIC + FREE * 1_250_000,
    "HEIC properties": HEIC + boxes(b"meta", bytes(4) + boxes(b"iprp", boxes(b"ipco", FREE * 1_250_000))),
}


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("name", MANY_PARTS)
def test_a_file_of_countless_parts_is_refused_at_once(name: str) -> None:
    def judge() -> None:
        with pytest.raises(images.ImageError):
            images.inspect(MANY_PARTS[name], MANY)

    assert least_seconds(judge, enough=0.25) < 0.25


@pytest.mark.parametrize(("scans", "taken"), [(99, True), (100, True), (101, False), (20_000, False)])
def test_scans_are_counted_before_anything_is_decoded(scans: int, taken: bool) -> None:
    data = hostile_images.many_scans(scans)
    answer = judged_quickly(data)
    assert isinstance(answer, images.ImageInfo if taken else images.TooManyScans)
    if taken:
        assert images.decode(data).shape == (64, 64, 3)
    else:
        with pytest.raises(images.TooManyScans):
            images.decode(data)


def test_scans_cannot_hide_behind_an_end_mark_in_a_comment() -> None:
    data = hostile_images.many_scans(300)
    first = data.find(b"\xff\xda")
    behind = data.find(b"\xff", first + 14)
    while data[behind + 1] == 0:
        behind = data.find(b"\xff", behind + 1)
    with pytest.raises(images.TooManyScans):
        images.inspect(data[:behind] + b"\xff\xfe\0\4\xff\xd9" + data[behind:], MANY)


def test_what_looks_like_scans_behind_a_picture_is_none() -> None:
    data = saved(picture(), "JPEG", progressive=True)
    assert images.inspect(data + b"\xff\xda" * 500, MANY).width == WIDTH


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC9, 0xCA, 0xCB])
def test_a_jpeg_of_a_kind_that_cameras_do_not_write_is_refused(marker: int) -> None:
    data = saved(picture(), "JPEG").replace(b"\xff\xc0", bytes((0xFF, marker)), 1)
    with pytest.raises(images.UnsupportedImage):
        images.inspect(data, MANY)


def test_a_jpeg_of_12_bits_is_refused() -> None:
    data = saved(picture(), "JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c", 1)
    with pytest.raises(images.UnsupportedImage):
        images.inspect(data, MANY)


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_hostile_surprises(seed: int) -> None:
    for each in hostile_images.hostile(seed, 1500):
        with contextlib.suppress(images.ImageError):
            images.inspect(each.data, MANY)
