"""Reads image files: inspects the header, decodes upright, makes JPEGs without metadata.

An image in memory is (height, width, 3), BGR, 8 bits, sRGB. Sizes are in px.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

import image_damage
import image_decoding
from colours.srgb import tagged
from image_decoding import BgrImage as BgrImage
from image_headers import camera, dates, exif, judge
from image_headers.camera import Camera
from image_headers.header import DamagedImage as DamagedImage
from image_headers.header import Header
from image_headers.header import ImageError as ImageError
from image_headers.header import TooManyPixels as TooManyPixels
from image_headers.header import TooManyScans as TooManyScans
from image_headers.header import UnsupportedImage as UnsupportedImage
from image_headers.header import UnsupportedTiff as UnsupportedTiff
from image_headers.moment import Moment
from rare_formats import HAS_JXL

# Long sides in px: `web` fills the screen of a phone or tablet, `medium` a tile of the gallery on a sharp screen,
# `thumb` one on any other, or until the sharp one has come. Halves are the cheapest to make from one another.
WEB_LONG_SIDE = 1600
MEDIUM_LONG_SIDE = 800
THUMB_LONG_SIDE = 400
# JPEG qualities as in libjpeg, 0 to 100. A selfie is embedded from its JPEG, so it keeps more; a thumbnail of 400 px
# has about 25 kB at 80. A screen shows `medium` smaller than it is, so that it bears more: about 55 kB at 70.
SELFIE_QUALITY = 92
# What guests get in place of an original of another format, to keep and to print.
FULL_QUALITY = 92
# In px, of what libjpeg writes.
LONGEST_JPEG_SIDE = 65_500
WEB_QUALITY = 85
MEDIUM_QUALITY = 70
THUMB_QUALITY = 80
# Orientations that swap width and height.
TURNED = (5, 6, 7, 8)

# Each accepted format: content type and file extension.
FORMATS = {
    "JPEG": ("image/jpeg", ".jpg"),
    "PNG": ("image/png", ".png"),
    "WEBP": ("image/webp", ".webp"),
    "HEIF": ("image/heic", ".heic"),
    "AVIF": ("image/avif", ".avif"),
    "GIF": ("image/gif", ".gif"),
    "TIFF": ("image/tiff", ".tif"),
    "JXL": ("image/jxl", ".jxl"),
}
EXTENSIONS = sorted({extension for _, extension in FORMATS.values()})
# Selfies of other formats than JPEG, which are decoded at full size whatever is asked of them.
SELFIE_PIXELS = 25_000_000
# What a decode may hold: a child process has 1 GB, with the engine in it (200 MB), the file (50 MB) and the rest.
DECODE_BYTES = 750_000_000
# Bytes a pixel that the decoders hold of the whole picture beside the result, which is BGR: the most measured
# (docs/decisions/0012-judged-before-decoded.md), of an animated WebP or AVIF too.
HELD = {"PNG": 5, "WEBP": 6, "HEIF": 12, "AVIF": 13, "GIF": 2, "TIFF": 5, "JXL": 8}
HELD_OF_FILM = 14
BGR_BYTES = 3
# A JPEG larger than other photos is decoded at half of its size at most.
LEAST_REDUCTION = 2


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """The content of a header: `width` and `height` in px, upright.

    `moments` are when the picture may have been taken, the most trustworthy first; `camera` is which one took it.
    """

    format: str
    content_type: str
    extension: str
    width: int
    height: int
    header: Header
    moments: tuple[Moment, ...] = ()
    camera: Camera | None = None


@dataclass(frozen=True, slots=True)
class Renditions:
    """The JPEGs of a photo by size (`web`, `medium`, `thumb`), without metadata; and its mean colour, `#rrggbb`."""

    files: dict[str, bytes]
    mean_colour: str


@dataclass(frozen=True, slots=True)
class NormalisedImage:
    """An upright JPEG without metadata, and its width and height in px."""

    jpeg: bytes
    width: int
    height: int


def inspect(
    data: bytes, max_pixels: int, other_formats: int | None = None, *, reduced: int | None = None
) -> ImageInfo:
    """Return the content of an image file's header. Nothing is decoded, and no native code reads the file.

    `max_pixels` holds for JPEGs, which are decoded at a part of their size; `other_formats`, if given, for others.
    `reduced`, if given, holds for JPEGs whose decoder never holds more than half of their size.

    Raises:
        UnsupportedImage: the file is no image, or of a format or kind that is not accepted.
        DamagedImage: the file is truncated or malformed. A JPEG that only lacks its end is told when it is decoded.
        TooManyPixels: it has more pixels than allowed, or its decoder would hold more than `DECODE_BYTES`.
        TooManyScans: it is a progressive JPEG of more than 100 scans.
    """
    header = judge.read(data)
    if header.format == "JXL" and not HAS_JXL:
        raise UnsupportedImage("JPEG XL cannot be decoded on this machine")
    limit = max_pixels if header.format == "JPEG" or other_formats is None else min(max_pixels, other_formats)
    if header.format == "JPEG" and reduced is not None:
        limit = _limit_of_jpeg(header, max_pixels, reduced)
    else:
        limit = min(limit, _affordable(header))
    if header.pixels > limit:
        raise TooManyPixels(f"{header.width} x {header.height} pixels", limit)
    width, height = _upright(header, header.turned or exif.orientation(header.exif))
    content_type, extension = FORMATS[header.format]
    read = dates.moments(header), camera.read(header.exif)
    return ImageInfo(header.format, content_type, extension, width, height, header, *read)


def _limit_of_jpeg(header: Header, whole: int, reduced: int) -> int:
    """Return how many pixels a JPEG may have that is decoded at half of its size at most.

    Of one of several scans, the decoder holds the whole, whatever the size of the result.
    """
    return min(max(whole, reduced), _affordable(header, LEAST_REDUCTION))


def _upright(header: Header, orientation: int) -> tuple[int, int]:
    return (header.height, header.width) if orientation in TURNED else (header.width, header.height)


def size_of(data: bytes) -> tuple[int, int]:
    """Return width and height in px as the header gives them, not yet upright.

    Raises:
        ImageError: see `inspect`.
    """
    header = judge.read(data)
    return header.width, header.height


def _held(header: Header, reduction: int) -> float:
    """Return the bytes that a decode holds at its peak."""
    result = header.width * header.height / reduction**2 * BGR_BYTES
    if header.coding is not None and header.coding.colours != image_decoding.CMYK:
        # Upright, the result is there twice while it is turned; the coefficients are gone by then.
        return max(header.coding.whole_bytes + result, 2 * result)
    if header.coding is not None:
        return header.coding.whole_bytes + result * (1 + image_decoding.CMYK / BGR_BYTES)
    whole = HELD_OF_FILM if header.film else HELD[header.format]
    return header.pixels * whole + header.parts + result


def _affordable(header: Header, reduction: int = 1) -> int:
    """Return how many pixels a picture of this kind may have to be decoded at that size within `DECODE_BYTES`."""
    return math.floor(DECODE_BYTES / max(1e-9, _held(header, reduction) / header.pixels))


def decode(data: bytes, *, long_side: int | None = None, exact: bool = True) -> BgrImage:
    """Return the upright image: (height, width, 3), BGR, 8 bits, sRGB.

    With `long_side`, it is decoded at 1/2, 1/4 or 1/8 of its size, which takes less memory (and, for a JPEG, time),
    as long as its long side is at least `long_side` px; a JPEG, smaller if it does not fit into the memory otherwise.
    Unless `exact`, colours that are near sRGB, such as those of Display P3, are left as they are: that is enough to
    compare faces.

    Raises:
        UnsupportedImage, TooManyScans: see `inspect`. DamagedImage: it cannot be decoded.
        TooManyPixels: the decoder would hold more than `DECODE_BYTES`.
    """
    header = judge.read(data)
    reduction = _reduction(max(header.width, header.height), long_side)
    while (
        long_side is not None
        and header.format == "JPEG"
        and reduction < 8
        and _held(header, reduction) > DECODE_BYTES
    ):
        reduction *= 2
    if _held(header, reduction) > DECODE_BYTES:
        raise TooManyPixels(f"{header.width} x {header.height} pixels", _affordable(header))
    orientation = header.turned or exif.orientation(header.exif)
    image = image_decoding.decode(picture_in(data, header), header, orientation, reduction, exact=exact)
    # A row, its renditions and its faces must never be of different pictures.
    if image.shape[1::-1] != tuple(-(-side // reduction) for side in _upright(header, orientation)):
        raise DamagedImage("the picture is not as large as its header says")
    return image


def picture_in(data: bytes, header: Header) -> bytes:
    """Return the file without what stands before its picture, and without the film behind that of a HEIC."""
    return data if not header.start and header.end in (None, len(data)) else data[header.start : header.end]


def is_damaged(data: bytes, complaints: list[str]) -> bool:
    """Return whether a part of a JPEG is missing or damaged; `complaints`: see `image_damage.complaints`.

    Raises:
        ImageError: see `inspect`.
    """
    header = judge.read(data)
    return image_damage.is_damaged(picture_in(data, header), header, complaints)


def refuse_cut(data: bytes) -> None:
    """Decode, at an eighth of its size, a JPEG without its end: `inspect` cannot tell whether it is cut off.

    Raises:
        ImageError: see `inspect`. DamagedImage: the file has less than the whole picture.
    """
    header = judge.read(data)
    if header.coding is not None and not header.coding.has_end:
        image_decoding.refuse_cut(picture_in(data, header), header.coding)


def reduced(image: BgrImage, long_side: int) -> BgrImage:
    """Return a decoded image as `decode` makes it for this `long_side`: at 1/1, 1/2, 1/4 or 1/8 of its size."""
    height, width = image.shape[:2]
    factor = _reduction(max(height, width), long_side)
    size = -(-width // factor), -(-height // factor)
    return image if factor == 1 else np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _reduction(size: int, long_side: int | None) -> int:
    if long_side is None:
        return 1
    return max(factor for factor in (1, 2, 4, 8) if factor == 1 or size // factor >= long_side)


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
    """Return the image as a JPEG without metadata but a small sRGB profile. `quality` is that of libjpeg, 0 to 100.

    Raises:
        DamagedImage: OpenCV cannot encode it.
    """
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise DamagedImage("the image cannot be encoded")
    return tagged(bytes(encoded.tobytes()))


def normalise_selfie(data: bytes) -> NormalisedImage:
    """Return a selfie as an upright JPEG without metadata, its long side at most 1600 px.

    Raises:
        ImageError: it cannot be decoded.
    """
    image = resize_to(decode(data, long_side=WEB_LONG_SIDE), WEB_LONG_SIDE)
    height, width = image.shape[:2]
    return NormalisedImage(to_jpeg(image, SELFIE_QUALITY), width, height)


def renditions(image: BgrImage) -> Renditions:
    """Return the JPEGs `web` (long side 1600 px), `medium` (800 px) and `thumb` (400 px), and the mean colour.

    `image` is (height, width, 3), BGR, 8 bits, upright.
    """
    web = resize_to(image, WEB_LONG_SIDE)
    medium = resize_to(web, MEDIUM_LONG_SIDE)
    thumb = resize_to(medium, THUMB_LONG_SIDE)
    blue, green, red = (round(value) for value in cv2.mean(thumb)[:3])
    files = {
        "web": to_jpeg(web, WEB_QUALITY),
        "medium": to_jpeg(medium, MEDIUM_QUALITY),
        "thumb": to_jpeg(thumb, THUMB_QUALITY),
    }
    return Renditions(files, f"#{red:02x}{green:02x}{blue:02x}")
