"""Pictures of phones and cameras are decoded upright and in their colours; everything else is refused."""

import io
import random
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

import images
from image_headers import exif

MANY = 120_000_000
WIDTH, HEIGHT = 320, 240
# The quarters of the test picture, RGB: top left, top right, bottom left, bottom right.
QUARTERS = ((200, 30, 30), (30, 180, 30), (30, 30, 200), (220, 220, 40))


def picture() -> Image.Image:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[: HEIGHT // 2, : WIDTH // 2], pixels[: HEIGHT // 2, WIDTH // 2 :] = QUARTERS[:2]
    pixels[HEIGHT // 2 :, : WIDTH // 2], pixels[HEIGHT // 2 :, WIDTH // 2 :] = QUARTERS[2:]
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    output = io.BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


def quarters(image: images.BgrImage) -> list[tuple[int, ...]]:
    height, width = image.shape[:2]
    spots = ((1, 1), (1, 3), (3, 1), (3, 3))
    return [tuple(int(v) for v in image[y * height // 4, x * width // 4, ::-1]) for y, x in spots]


def assert_right_colours(image: images.BgrImage, tolerance: int = 30) -> None:
    for seen, wanted in zip(quarters(image), QUARTERS, strict=True):
        assert max(abs(a - b) for a, b in zip(seen, wanted, strict=True)) <= tolerance, quarters(image)


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("HEIF", "image/heic"),
        ("AVIF", "image/avif"),
        ("GIF", "image/gif"),
    ],
)
def test_every_kind_decodes_with_its_colours(kind: str, content_type: str) -> None:
    data = encoded(picture(), kind)
    info = images.inspect(data, MANY)
    assert (info.content_type, info.width, info.height) == (content_type, WIDTH, HEIGHT)
    decoded = images.decode(data)
    assert decoded.shape == (HEIGHT, WIDTH, 3)
    assert_right_colours(decoded)


def test_cmyk_and_palette_and_alpha_decode_with_their_colours() -> None:
    assert_right_colours(images.decode(encoded(picture().convert("CMYK"), "JPEG")), 60)
    assert_right_colours(images.decode(encoded(picture().quantize(16), "PNG")))
    glass = picture().convert("RGBA")
    glass.putpixel((0, 0), (0, 0, 0, 0))
    decoded = images.decode(encoded(glass, "PNG"))
    assert_right_colours(decoded)
    assert decoded[0, 0].tolist() == [255, 255, 255], "what is transparent lies on white"


def test_sixteen_bits_keep_their_greys() -> None:
    ramp = np.tile(np.linspace(0, 65535, WIDTH).astype(np.uint16), (HEIGHT, 1))
    decoded = images.decode(bytes(cv2.imencode(".png", ramp)[1].tobytes()))
    assert decoded[0, 0, 0] < 5
    assert abs(int(decoded[0, WIDTH // 2, 0]) - 128) < 4
    assert decoded[0, -1, 0] > 250
    deep = (np.asarray(picture())[:, :, ::-1].astype(np.uint16) * 257).copy()
    assert_right_colours(images.decode(bytes(cv2.imencode(".png", deep)[1].tobytes())))


def test_grey_jpeg_decodes() -> None:
    decoded = images.decode(encoded(picture().convert("L"), "JPEG"))
    assert decoded.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "CMYK"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_upright(kind: str, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    block = Image.Exif()
    block[exif.ORIENTATION] = orientation
    stored = picture().transpose(undo[orientation]) if orientation > 1 else picture()
    mode, saved_as = ("CMYK", "JPEG") if kind == "CMYK" else ("RGB", kind)
    data = encoded(stored.convert(mode), saved_as, exif=block)
    info = images.inspect(data, MANY)
    assert (info.width, info.height) == (WIDTH, HEIGHT)
    decoded = images.decode(data)
    assert decoded.shape == (HEIGHT, WIDTH, 3)
    assert_right_colours(decoded, 60)


def test_an_animated_gif_shows_its_first_frame() -> None:
    frames = [picture(), Image.new("RGB", (WIDTH, HEIGHT), "black")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    assert_right_colours(images.decode(data))


def judged_and_decoded(data: bytes) -> None:
    """A JPEG that lacks its end is told from one that is cut off only when it is decoded."""
    images.inspect(data, MANY)
    images.decode(data, long_side=100)


def jpeg() -> bytes:
    return encoded(picture(), "JPEG", quality=95)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_cut_off_file_is_found_from_its_structure(kind: str, kept: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(images.ImageError):
        judged_and_decoded(data[: int(len(data) * kept)])


def test_a_jpeg_without_its_end_marker_but_whole_is_taken() -> None:
    data = jpeg()
    assert data.endswith(b"\xff\xd9")
    assert images.inspect(data + b"trailer of a phone", MANY).width == WIDTH


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"just some words",
        b"%PDF-1.7\n1 0 obj\n",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>",
        b"BM" + bytes(60),
        b"II*\x00" + bytes(60),
        bytes(1000),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(images.UnsupportedImage):
        images.inspect(data, MANY)


def bomb(side: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(side + 1)) for _ in range(side // 50)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_small_file_that_unpacks_to_billions_of_pixels_is_refused_at_once() -> None:
    data = bomb(50_000)
    assert len(data) < 400_000
    with pytest.raises(images.TooManyPixels):
        images.inspect(data, MANY)


def test_broken_bytes_never_surprise() -> None:
    dice = random.Random(5)
    sources = [encoded(picture(), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "HEIF", "AVIF")]
    for number in range(400):
        data = bytearray(sources[number % len(sources)])
        for _ in range(dice.randint(1, 12)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            images.inspect(bytes(data), 2_000_000)
            images.decode(bytes(data))
        except images.ImageError:
            pass


def test_a_selfie_is_stored_upright_small_and_without_metadata() -> None:
    block = Image.Exif()
    block[exif.ORIENTATION] = 6
    block[0x010F] = "SecretCamera"
    big = picture().resize((3000, 2000)).transpose(Image.Transpose.ROTATE_90)
    normal = images.normalise_selfie(encoded(big, "JPEG", exif=block))
    assert (normal.width, normal.height) == (1600, 1067)
    assert b"SecretCamera" not in normal.jpeg
    assert b"Exif" not in normal.jpeg
    assert_right_colours(images.decode(normal.jpeg))


def test_renditions_have_their_sizes_and_never_grow() -> None:
    large = images.decode(encoded(picture().resize((4000, 3000)), "JPEG"))
    made = {name: Image.open(io.BytesIO(data)).size for name, data in images.renditions(large).files.items()}
    assert made == {"web": (1600, 1200), "medium": (800, 600), "thumb": (400, 300)}
    small = images.renditions(images.decode(jpeg())).files
    assert Image.open(io.BytesIO(small["web"])).size == (WIDTH, HEIGHT)


def test_a_reduced_decode_is_never_smaller_than_asked() -> None:
    data = encoded(picture().resize((4000, 3000)), "JPEG")
    assert max(images.decode(data, long_side=1600).shape) == 2000
    assert max(images.decode(data, long_side=2001).shape) == 4000


def test_the_time_a_photo_was_taken_is_read() -> None:
    block = Image.Exif()
    block.get_ifd(exif.SUB_IFD)[0x9003] = "2026:06:20 18:30:05"
    (moment,) = images.inspect(encoded(picture(), "JPEG", exif=block), MANY).moments
    assert moment.clock.isoformat() == "2026-06-20T18:30:05"
