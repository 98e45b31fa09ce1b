"""Reads image files: inspects the header, decodes upright, makes JPEGs without metadata.

An image in memory is (height, width, 3), BGR, 8 bits. Sizes are in px.
"""

import io
import struct
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageOps

import image_structure

BgrImage: TypeAlias = NDArray[np.uint8]

# Long sides in px: `web` fills the screen of a phone or tablet, `thumb` a tile of the gallery on a sharp screen.
WEB_LONG_SIDE = 1600
THUMB_LONG_SIDE = 400
# JPEG qualities as in libjpeg, 0 to 100. A selfie is embedded from its JPEG, so it keeps more; a thumbnail of 400 px
# has about 25 kB at 80.
SELFIE_QUALITY = 92
WEB_QUALITY = 85
THUMB_QUALITY = 80
# Tags of Exif 2.32: orientation, the IFD of the camera's data, DateTimeOriginal.
EXIF_ORIENTATION = 0x0112
EXIF_SUB_IFD = 0x8769
EXIF_TAKEN = 0x9003
# Orientations that swap width and height.
TURNED = (5, 6, 7, 8)

# Pillow's name of each accepted format: content type and file extension.
FORMATS = {
    "JPEG": ("image/jpeg", ".jpg"),
    "MPO": ("image/jpeg", ".jpg"),
    "PNG": ("image/png", ".png"),
    "WEBP": ("image/webp", ".webp"),
    "HEIF": ("image/heic", ".heic"),
    "AVIF": ("image/avif", ".avif"),
    "GIF": ("image/gif", ".gif"),
}
EXTENSIONS = sorted({extension for _, extension in FORMATS.values()})
# Exceptions that Pillow's parsers raise on malformed files.
PARSER_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError,
    EOFError, RuntimeError, MemoryError, struct.error, Image.DecompressionBombError,
)  # fmt: skip

pillow_heif.register_heif_opener()
Image.init()
# Pillow opens an MPO (a camera's JPEG with a second picture after it) by its JPEG plugin and reports MPO then.
OPENERS = tuple(kind for kind in FORMATS if kind != "MPO")
# `inspect` checks the number of pixels before anything is decoded, with a stricter limit than Pillow's.
Image.MAX_IMAGE_PIXELS = None
cv2.setNumThreads(1)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


class ImageError(Exception):
    """The file cannot be used as an image."""


class UnsupportedImage(ImageError):
    """The file is no image, or of a format that is not accepted."""


class DamagedImage(ImageError):
    """The image file is truncated or damaged."""


class TooManyPixels(ImageError):
    """The decoded image would have more pixels than allowed."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """The content of a header: `width` and `height` in px, upright; `taken_at`, the camera's clock, has no zone."""

    format: str
    content_type: str
    extension: str
    width: int
    height: int
    taken_at: datetime | None


@dataclass(frozen=True, slots=True)
class Renditions:
    """The JPEGs of a photo by size (`web`, `thumb`), without metadata; and its mean colour, `#rrggbb`."""

    files: dict[str, bytes]
    mean_colour: str


@dataclass(frozen=True, slots=True)
class NormalisedImage:
    """An upright JPEG without metadata, and its width and height in px."""

    jpeg: bytes
    width: int
    height: int


def inspect(data: bytes, max_pixels: int) -> ImageInfo:
    """Return the content of an image file's header. Pixels are not decoded, except where only that tells truncation.

    Raises:
        UnsupportedImage: the file is no image, or of a format that is not accepted.
        DamagedImage: the file is truncated. TooManyPixels: width times height is more than `max_pixels`.
    """
    image = _open(data)
    kind = image.format or ""
    width, height = image.size
    if width * height > max_pixels:
        raise TooManyPixels(f"{width} x {height} pixels")
    if width < 1 or height < 1:
        raise UnsupportedImage("no pixels")
    if not _is_complete(data, kind):
        raise DamagedImage(f"the {kind} file is cut off")
    orientation, taken_at = _exif(image)
    if orientation in TURNED:
        width, height = height, width
    content_type, extension = FORMATS[kind]
    return ImageInfo(kind, content_type, extension, width, height, taken_at)


def size_of(data: bytes) -> tuple[int, int]:
    """Return width and height in px as the header gives them, not yet upright.

    Raises:
        UnsupportedImage: the file is no image, or of a format that is not accepted.
    """
    return _open(data).size


def _open(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(io.BytesIO(data), formats=OPENERS)
    except PARSER_ERRORS as error:
        raise UnsupportedImage("not an image of an accepted format") from error


def _exif(image: Image.Image) -> tuple[int, datetime | None]:
    """Return the EXIF orientation (1 to 8) and the camera's clock. Malformed metadata counts as none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exif = image.getexif()
            turned = exif.get(EXIF_ORIENTATION, 1)
            taken = exif.get_ifd(EXIF_SUB_IFD).get(EXIF_TAKEN)
    except PARSER_ERRORS:
        return 1, None
    return (turned if turned in range(1, 9) else 1), _taken_at(taken)


def _taken_at(value: object) -> datetime | None:
    try:
        found = datetime.strptime(str(value).strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - EXIF has no zone
    except ValueError:
        return None
    # A camera whose clock was never set gives a year such as 1980.
    return found if 1990 <= found.year <= 2100 else None


def _is_complete(data: bytes, kind: str) -> bool:
    found = image_structure.is_complete(data, kind)
    return _decodes(data) if found is None else found


def _decodes(data: bytes) -> bool:
    try:
        _open(data).load()
    except (*PARSER_ERRORS, UnsupportedImage):
        return False
    return True


def decode(data: bytes, *, long_side: int | None = None) -> BgrImage:
    """Return the upright image: (height, width, 3), BGR, 8 bits.

    With `long_side`, a JPEG is decoded at 1/2, 1/4 or 1/8 of its size, which is faster, as long as its long side is
    at least `long_side` px.

    Raises:
        UnsupportedImage: the file is no image of an accepted format. DamagedImage: it cannot be decoded.
    """
    header = _open(data)
    if header.format in ("JPEG", "MPO") and header.mode in ("L", "RGB"):
        return _decode_jpeg(data, _reduction(max(header.size), long_side))
    return _decode_with_pillow(header)


def _reduction(size: int, long_side: int | None) -> int:
    if long_side is None:
        return 1
    return max(factor for factor in (1, 2, 4, 8) if factor == 1 or size // factor >= long_side)


def _decode_jpeg(data: bytes, reduction: int) -> BgrImage:
    flags = {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }
    try:
        # OpenCV applies the EXIF orientation.
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags[reduction])
    except cv2.error as error:
        raise DamagedImage("the JPEG cannot be decoded") from error
    if image is None:
        raise DamagedImage("the JPEG cannot be decoded")
    return np.ascontiguousarray(image, dtype=np.uint8)


def _decode_with_pillow(image: Image.Image) -> BgrImage:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.seek(0)
            upright = ImageOps.exif_transpose(_eight_bits(image))
            rgb = np.asarray(_opaque(upright))
    except PARSER_ERRORS as error:
        raise DamagedImage("the image cannot be decoded") from error
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return 16-bit grey images with 8 bits, shifted: Pillow's conversion turns every value above 255 into 255."""
    if not image.mode.startswith("I"):
        image.load()
        return image
    deep = np.asarray(image)
    shallow = Image.fromarray((deep.astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    shallow.getexif().update(image.getexif())
    return shallow


def _opaque(image: Image.Image) -> Image.Image:
    """Return an RGB image; transparent parts become white."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")


def resize_to(image: BgrImage, long_side: int) -> BgrImage:
    """Return the image scaled down so that its long side is at most `long_side` px. It is never enlarged."""
    height, width = image.shape[:2]
    scale = long_side / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Above 1/2, linear interpolation uses every pixel and takes a sixth of the time of INTER_AREA.
    method = cv2.INTER_LINEAR if scale > 0.5 else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)


def to_jpeg(image: BgrImage, quality: int) -> bytes:
    """Return the image as a JPEG without metadata. `quality` is that of libjpeg, 0 to 100.

    Raises:
        DamagedImage: OpenCV cannot encode it.
    """
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise DamagedImage("the image cannot be encoded")
    return bytes(encoded.tobytes())


def normalise_selfie(data: bytes) -> NormalisedImage:
    """Return a selfie as an upright JPEG without metadata, its long side at most 1600 px.

    Raises:
        ImageError: it cannot be decoded.
    """
    image = resize_to(decode(data, long_side=WEB_LONG_SIDE), WEB_LONG_SIDE)
    height, width = image.shape[:2]
    return NormalisedImage(to_jpeg(image, SELFIE_QUALITY), width, height)


def renditions(image: BgrImage) -> Renditions:
    """Return the JPEGs `web` (long side 1600 px) and `thumb` (400 px, made from `web`), and the mean colour.

    `image` is (height, width, 3), BGR, 8 bits, upright.
    """
    web = resize_to(image, WEB_LONG_SIDE)
    thumb = resize_to(web, THUMB_LONG_SIDE)
    blue, green, red = (round(value) for value in cv2.mean(thumb)[:3])
    files = {"web": to_jpeg(web, WEB_QUALITY), "thumb": to_jpeg(thumb, THUMB_QUALITY)}
    return Renditions(files, f"#{red:02x}{green:02x}{blue:02x}")
