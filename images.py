"""Pictures: judged by their header, decoded upright, normalised, and rendered smaller. No metadata leaves here."""

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

BgrImage: TypeAlias = NDArray[np.uint8]

WEB_LONG_SIDE = 1600
THUMB_LONG_SIDE = 400
SELFIE_QUALITY = 92
WEB_QUALITY = 85
THUMB_QUALITY = 80
EXIF_ORIENTATION = 0x0112
EXIF_SUB_IFD = 0x8769
EXIF_TAKEN = 0x9003
TURNED = (5, 6, 7, 8)

# Format, as Pillow names it: content type and extension.
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
# What Pillow's parsers are known to raise on hostile bytes.
PARSER_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError,
    EOFError, RuntimeError, MemoryError, struct.error, Image.DecompressionBombError,
)  # fmt: skip

pillow_heif.register_heif_opener()
Image.init()
# Pillow opens an MPO, a camera's JPEG with a second picture behind it, as a JPEG and then says which it is.
OPENERS = tuple(kind for kind in FORMATS if kind != "MPO")
# Our own bound on pixels is stricter and is judged before anything is decoded.
Image.MAX_IMAGE_PIXELS = None
cv2.setNumThreads(1)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


class ImageError(Exception):
    """The bytes cannot be used as a picture."""


class UnsupportedImage(ImageError):
    """Not a picture, or of a kind that is not taken."""


class DamagedImage(ImageError):
    """A picture that is cut off or broken."""


class TooManyPixels(ImageError):
    """Larger, once unpacked, than anybody needs."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What a header tells. `width` and `height` are in px of the upright picture; `taken_at` has no zone."""

    format: str
    content_type: str
    extension: str
    width: int
    height: int
    taken_at: datetime | None


@dataclass(frozen=True, slots=True)
class Renditions:
    """The JPEGs made of a photo, by size, without metadata; and its mean colour, `#rrggbb`."""

    files: dict[str, bytes]
    mean_colour: str


@dataclass(frozen=True, slots=True)
class NormalisedImage:
    """An upright JPEG without metadata, and its size in px."""

    jpeg: bytes
    width: int
    height: int


# --- judging by the header -------------------------------------------------------------------------


def inspect(data: bytes, max_pixels: int) -> ImageInfo:
    """Judge a picture without decoding it.

    Raises:
        UnsupportedImage: no picture, or of a kind that is not taken. DamagedImage: cut off.
        TooManyPixels: more than `max_pixels` once unpacked.
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
    """Return the size in px that the header tells.

    Raises:
        UnsupportedImage: no picture, or of a kind that is not taken.
    """
    return _open(data).size


def _open(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(io.BytesIO(data), formats=OPENERS)
    except PARSER_ERRORS as error:
        raise UnsupportedImage("not a picture of a kind that is taken") from error


def _exif(image: Image.Image) -> tuple[int, datetime | None]:
    """Return the orientation (1 to 8) and the camera's clock. Broken metadata is no metadata."""
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
    return found if 1990 <= found.year <= 2100 else None


def _is_complete(data: bytes, kind: str) -> bool:
    """Tell from the file's structure, not its pixels, whether its end is there."""
    if kind in ("JPEG", "MPO"):
        return _jpeg_is_complete(data)
    if kind == "PNG":
        return _png_is_complete(data)
    if kind == "WEBP":
        return len(data) >= int.from_bytes(data[4:8], "little") + 8
    if kind in ("HEIF", "AVIF"):
        return _boxes_fit(data)
    return _decodes(data)


def _jpeg_is_complete(data: bytes) -> bool:
    """Walk the segments to the first scan; after it the end marker must come (within a scan FF is escaped)."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xDA:
            # Some cameras leave the end marker out: then only decoding tells.
            return data.find(b"\xff\xd9", at) >= 0 or _decodes(data)
        standalone = marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8
        at += (1 if marker == 0xFF else 2) if standalone else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return _decodes(data)


def _png_is_complete(data: bytes) -> bool:
    at = 8
    while at + 12 <= len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + length
        if name == b"IEND":
            return at <= len(data)
    return False


def _boxes_fit(data: bytes) -> bool:
    """Walk the top-level boxes of an ISO base media file (ISO/IEC 14496-12, 4.2); each must end inside the file."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        elif size == 0:
            return True
        if size < 8:
            return False
        at += size
    return at == len(data)


def _decodes(data: bytes) -> bool:
    try:
        _open(data).load()
    except (*PARSER_ERRORS, UnsupportedImage):
        return False
    return True


# --- decoding ----------------------------------------------------------------------------------------


def decode(data: bytes, *, long_side: int | None = None) -> BgrImage:
    """Return the picture upright, (height, width, 3), BGR, 8 bits.

    With `long_side`, a JPEG may come at a half, a quarter or an eighth of its size, never below `long_side` px.

    Raises:
        ImageError: it cannot be decoded.
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
        # OpenCV applies the orientation itself.
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
        raise DamagedImage("the picture cannot be decoded") from error
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _eight_bits(image: Image.Image) -> Image.Image:
    """Shift 16-bit greys down; Pillow's own conversion cuts everything above 255 off."""
    if not image.mode.startswith("I"):
        image.load()
        return image
    deep = np.asarray(image)
    shallow = Image.fromarray((deep.astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    shallow.getexif().update(image.getexif())
    return shallow


def _opaque(image: Image.Image) -> Image.Image:
    """Lay transparent pictures on white."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")


# --- making ------------------------------------------------------------------------------------------


def resize_to(image: BgrImage, long_side: int) -> BgrImage:
    """Return the picture with its long side at most `long_side` px; it is never enlarged."""
    height, width = image.shape[:2]
    scale = long_side / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # From a half up two by two pixels make one, so none is skipped; averaging areas takes six times as long there.
    method = cv2.INTER_LINEAR if scale > 0.5 else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)


def to_jpeg(image: BgrImage, quality: int) -> bytes:
    """Return the picture as a JPEG without metadata; `quality` as in libjpeg, 0 to 100."""
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise DamagedImage("the picture cannot be encoded")
    return bytes(encoded.tobytes())


def normalise_selfie(data: bytes) -> NormalisedImage:
    """Return a selfie upright, without metadata, long side at most 1600 px.

    Raises:
        ImageError: it cannot be decoded.
    """
    image = resize_to(decode(data, long_side=WEB_LONG_SIDE), WEB_LONG_SIDE)
    height, width = image.shape[:2]
    return NormalisedImage(to_jpeg(image, SELFIE_QUALITY), width, height)


def renditions(image: BgrImage) -> Renditions:
    """Return `web` (long side 1600 px) and `thumb` (400 px, made from it), and the mean colour of the latter."""
    web = resize_to(image, WEB_LONG_SIDE)
    thumb = resize_to(web, THUMB_LONG_SIDE)
    blue, green, red = (round(value) for value in cv2.mean(thumb)[:3])
    files = {"web": to_jpeg(web, WEB_QUALITY), "thumb": to_jpeg(thumb, THUMB_QUALITY)}
    return Renditions(files, f"#{red:02x}{green:02x}{blue:02x}")
