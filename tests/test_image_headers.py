"""Pictures are judged from their headers alone, quickly, in little memory, and as the decoders see them."""

import contextlib
import io
import struct
import time
import tracemalloc
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

import image_decoding
import images
from image_headers import exif
from testkit import hostile_images
from testkit.pictures import saved
from testkit.servers import ROOT

MANY = 120_000_000
SHARED = ROOT.parent / "shared"
WIDTH, HEIGHT = 320, 240
UNDECODED = "nothing may be decoded to judge a file"
TAKEN = "2026:06:20 18:30:05"


def picture() -> Image.Image:
    ramp = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    return Image.fromarray(np.dstack([ramp, ramp[::-1], 255 - ramp]))


def metadata(orientation: int = 1) -> Image.Exif:
    block = Image.Exif()
    block[exif.ORIENTATION] = orientation
    block[0x010F] = "Camera"
    block.get_ifd(exif.SUB_IFD)[exif.TAKEN] = TAKEN
    return block


def turned(kind: str, orientation: int) -> bytes:
    """Return a picture whose file says how it is turned: HEIC and AVIF by properties of their own."""
    image = picture()
    # Where the writer of HEIC looks; the others take it as an option.
    image.info["exif"] = metadata(orientation).tobytes()
    return (
        saved(image, kind, quality=90)
        if kind == "HEIF"
        else saved(image, kind, quality=90, exif=metadata(orientation))
    )


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
    """Judge a file; it must take less than 50 ms in one of three tries, and less than 1 MB of memory."""
    tracemalloc.start()
    took: list[float] = []
    answer: images.ImageInfo | images.ImageError | None = None
    try:
        for _ in range(3):
            began = time.perf_counter()
            try:
                answer = images.inspect(data, MANY)
            except images.ImageError as error:
                answer = error
            took.append(time.perf_counter() - began)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert min(took) < 0.05
    assert answer is not None
    return answer


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
    began = time.perf_counter()
    with pytest.raises(images.ImageError):
        images.inspect(MANY_PARTS[name], MANY)
    assert time.perf_counter() - began < 0.25


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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_orientation_and_date_are_read_from_every_format(kind: str) -> None:
    info = images.inspect(turned(kind, 6), MANY)
    assert (info.width, info.height) == (HEIGHT, WIDTH)
    assert info.taken_at == datetime(2026, 6, 20, 18, 30, 5)  # noqa: DTZ001 - EXIF has no zone


def test_exif_is_found_behind_other_metadata() -> None:
    data = saved(picture(), "JPEG", exif=metadata(8))
    note = b"http://ns.adobe.com/xap/1.0/\0<x/>"
    other = b"\xff\xe1" + struct.pack(">H", len(note) + 2) + note
    assert images.inspect(data[:2] + other + b"stray" + data[2:], MANY).width == HEIGHT


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_says_how_a_heic_or_avif_is_turned_counts(kind: str, orientation: int) -> None:
    data = turned(kind, orientation)
    expected = image_decoding._turned(np.asarray(picture())[:, :, ::-1].copy(), orientation)
    seen = images.decode(data)
    assert seen.shape == expected.shape
    assert np.abs(seen.astype(int) - expected).mean() < 5
    info = images.inspect(data, MANY)
    assert (info.height, info.width) == seen.shape[:2]


def frame_beyond_the_screen() -> bytes:
    data = bytearray(saved(picture(), "GIF"))
    data[6:10] = struct.pack("<HH", 4, 3)
    return bytes(data)


def two_headers() -> bytes:
    data = saved(picture(), "PNG")
    return data[:33] + hostile_images.chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 8, 6, 0, 0, 0)) + data[33:]


def two_frames() -> bytes:
    data = saved(picture(), "JPEG")
    at = data.find(b"\xff\xc0")
    frame = bytearray(data[at : at + 19])
    frame[5:9] = struct.pack(">HH", 60_000, 60_000)
    return data[:at] + data[at : at + 19] + bytes(frame) + data[at + 19 :]


def large_tile() -> bytes:
    output = io.BytesIO()
    picture().resize((512, 512)).save(output, "HEIF", tile_size=256)
    size = struct.pack(">II", 256, 256)
    assert size in output.getvalue()
    return output.getvalue().replace(size, struct.pack(">II", 30_000, 30_000))


def large_canvas() -> bytes:
    data = bytearray(saved(picture(), "WEBP", exif=metadata()))
    assert data[12:16] == b"VP8X"
    data[24:27] = (16_000).to_bytes(3, "little")
    data[27:30] = (16_000).to_bytes(3, "little")
    return bytes(data)


@pytest.mark.parametrize("lie", [two_headers, two_frames, large_tile, large_canvas])
def test_the_largest_size_that_a_file_declares_counts(lie: Callable[[], bytes]) -> None:
    with pytest.raises((images.TooManyPixels, images.DamagedImage)):
        images.inspect(lie(), MANY)


def test_a_gif_frame_beyond_its_screen_counts() -> None:
    data = frame_beyond_the_screen()
    info = images.inspect(data, MANY)
    assert (info.width, info.height) == (WIDTH, HEIGHT) == images.decode(data).shape[1::-1]


def test_only_the_first_frame_of_a_film_is_decoded() -> None:
    black = Image.new("RGB", (WIDTH, HEIGHT))
    for kind in ("GIF", "WEBP", "AVIF", "PNG"):
        data = saved(picture(), kind, save_all=True, append_images=[black], duration=100)
        info = images.inspect(data, MANY)
        assert (info.width, info.height) == (WIDTH, HEIGHT)
        assert images.decode(data).mean() > 100


def sample_pictures() -> list[Path]:
    folders = [SHARED / "cases", SHARED / "photos"]
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".heic", ".webp", ".avif", ".gif"}
    )


def test_headers_say_of_every_seed_what_is_decoded() -> None:
    for kind, files in hostile_images.seeds().items():
        for data in files:
            info = images.inspect(data, MANY)
            assert info.format == kind
            assert (info.height, info.width) == images.decode(data).shape[:2]


@pytest.mark.skipif(not sample_pictures(), reason="the sample pictures beside the project are not there")
def test_headers_say_of_every_sample_what_pillow_says() -> None:
    seen = 0
    for path in sample_pictures():
        data = path.read_bytes()
        try:
            image = Image.open(io.BytesIO(data))
        except OSError:
            with pytest.raises(images.ImageError):
                images.inspect(data, MANY)
            continue
        info = images.inspect(data, MANY)
        assert images.size_of(data) == image.size, path.name
        assert (info.format == "JPEG") == (image.format in ("JPEG", "MPO")), path.name
        seen += 1
    assert seen > 10


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_hostile_surprises(seed: int) -> None:
    for each in hostile_images.hostile(seed, 1500):
        with contextlib.suppress(images.ImageError):
            images.inspect(each.data, MANY)
