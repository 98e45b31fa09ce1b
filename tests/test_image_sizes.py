"""What is read from headers is what the decoders see: sizes, orientation, date; the largest size declared counts."""

import io
import struct
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
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
TAKEN = "2026:06:20 18:30:05"


def picture() -> Image.Image:
    ramp = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    return Image.fromarray(np.dstack([ramp, ramp[::-1], 255 - ramp]))


def metadata(orientation: int = 1) -> Image.Exif:
    block = Image.Exif()
    block[exif.ORIENTATION] = orientation
    block[0x010F] = "Camera"
    block.get_ifd(exif.SUB_IFD)[0x9003] = TAKEN
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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_orientation_and_date_are_read_from_every_format(kind: str) -> None:
    info = images.inspect(turned(kind, 6), MANY)
    assert (info.width, info.height) == (HEIGHT, WIDTH)
    assert info.moments[0].clock == datetime(2026, 6, 20, 18, 30, 5)  # noqa: DTZ001 - EXIF has no zone


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


def judged_and_decoded(data: bytes) -> None:
    images.inspect(data, 1_000_000)
    images.decode(data)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_stream_larger_than_its_container_declares_is_not_decoded(kind: str) -> None:
    data = saved(Image.new("RGB", (2000, 1500)), kind)
    size = struct.pack(">II", 2000, 1500)
    assert size in data
    lie = data.replace(size, struct.pack(">II", 64, 64))
    with pytest.raises((images.TooManyPixels, images.DamagedImage)):
        judged_and_decoded(lie)


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
