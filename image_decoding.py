"""Decodes image files with libjpeg, libwebp (OpenCV), Pillow, libheif and libjxl, and holds as little as they allow.

Strangers' bytes go through native code here: the service calls it in child processes that may die.
"""

import contextlib
import io
import os
import struct
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

import image_damage
import rare_formats
from colours.conversion import Conversion, Inks, conversion_of
from image_damage import CMYK as CMYK
from image_headers.header import Coding, Colour, DamagedImage, Header

BgrImage: TypeAlias = NDArray[np.uint8]

# Exceptions that Pillow's parsers raise on malformed files.
PARSER_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError,
    EOFError, RuntimeError, MemoryError, struct.error, Image.DecompressionBombError,
)  # fmt: skip
REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
# Pictures are converted in strips of about this many pixels, so that no second copy of the whole is made.
STRIP_PIXELS = 1_000_000
END = b"\xff\xd9"

pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
Image.init()
# The header has been judged before anything is decoded, with stricter limits than Pillow's.
Image.MAX_IMAGE_PIXELS = None
cv2.setNumThreads(1)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


def decode(data: bytes, header: Header, orientation: int, reduction: int, *, exact: bool = True) -> BgrImage:
    """Return the upright image in sRGB, its sides divided by `reduction` (1, 2, 4 or 8) and rounded up.

    Unless `exact`, colours that are near sRGB are left as they are.

    Raises:
        DamagedImage: it cannot be decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            conversion = conversion_of(header, data)
            image = _pixels(data, header, reduction, conversion if isinstance(conversion, Inks) else None)
            if isinstance(conversion, Conversion) and (exact or not conversion.near):
                image = conversion(image)
    except (*PARSER_ERRORS, cv2.error) as error:
        raise DamagedImage(f"the {header.format} cannot be decoded") from error
    return _turned(image, orientation)


def refuse_cut(data: bytes, coding: Coding) -> None:
    """Decode a JPEG that lacks its end marker, at an eighth of its size.

    Raises:
        DamagedImage: it has less than the whole picture.
    """
    try:
        _ended(data, coding)
    except PARSER_ERRORS as error:
        raise DamagedImage("the JPEG is cut off") from error


def _pixels(data: bytes, header: Header, reduction: int, inks: Inks | None) -> BgrImage:
    if header.coding is not None:
        data = _ended(data, header.coding)
        if header.coding.colours != CMYK:
            return _by_opencv(data, REDUCED[reduction] | cv2.IMREAD_IGNORE_ORIENTATION)
    if header.format == "HEIF":
        return _by_libheif(data, reduction)
    if header.format == "WEBP" and not header.film:
        whole = _by_opencv(data, cv2.IMREAD_UNCHANGED)
        return _reduced(whole, reduction)
    if header.format == "JXL":
        return _by_libjxl(data, header, reduction)
    return _by_pillow(data, header, reduction, inks)


def _ended(data: bytes, coding: Coding) -> bytes:
    """Return a JPEG with an end marker; raise OSError if it has none and less than the whole picture."""
    if coding.whole_bytes or coding.colours == CMYK:
        if not coding.has_end and image_damage.lacks_a_part(data, coding):
            raise OSError("cut off")
        return image_damage.ended(data, coding)
    if coding.has_end:
        return data
    # One that is cut off needs more than a few zeros.
    whole = data + image_damage.SPARE
    with Image.open(io.BytesIO(whole), formats=("JPEG",)) as image:
        image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
        image.load()
    return whole + END


@contextlib.contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """Yield the path of a file in memory."""
    handle = os.memfd_create("picture")
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(data)
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def _by_opencv(data: bytes, flags: int) -> NDArray[np.uint8]:
    """Return what OpenCV decodes. From a file it decodes into the array; `imdecode` would copy the whole picture."""
    if hasattr(os, "memfd_create"):
        with _as_file(data) as path:
            image = cv2.imread(path, None, flags)
    else:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        raise DamagedImage("the picture cannot be decoded")
    return np.asarray(image, np.uint8)


def _by_libheif(data: bytes, reduction: int) -> BgrImage:
    # The opener of Pillow would hold the decoded bytes and an image of its own.
    file = pillow_heif.open_heif(data, convert_hdr_to_8bit=True, bgr_mode=True)
    decoded = file[file.primary_index]
    # The decoder may pad the rows.
    return _reduced(np.asarray(decoded)[:, : decoded.size[0]], reduction)


def _by_libjxl(data: bytes, header: Header, reduction: int) -> BgrImage:
    whole, profile = rare_formats.jxl_pixels(data)
    order = [2, 1, 0, 3][: whole.shape[2]] if whole.ndim == 3 and whole.shape[2] > 2 else slice(None)
    height, width = whole.shape[:2]
    image = _in_strips(width, height, reduction, lambda top, end: whole[top:end][..., order])
    # The profile lies in the compressed picture: the decoder alone knows it.
    conversion = conversion_of(replace(header, colour=Colour(pieces=((0, len(profile)),))), profile)
    return conversion(image) if isinstance(conversion, Conversion) else image


def _by_pillow(data: bytes, header: Header, reduction: int, inks: Inks | None) -> BgrImage:
    with Image.open(io.BytesIO(_without(data, header.colour.chunks)), formats=(header.format,)) as image:
        if header.format == "JPEG":
            image.draft("CMYK", (-(-header.width // reduction), -(-header.height // reduction)))
            reduction = 1
        page: Image.Image = image
        if header.format == "TIFF":
            page = rare_formats.opened_tiff(image, data)
        else:
            image.load()
        left, above, right, below = header.window or (0, 0, *page.size)
        return _in_strips(
            right - left,
            below - above,
            reduction,
            lambda top, end: _colours(page.crop((left, above + top, right, above + end)), inks),
        )


def _without(data: bytes, chunks: tuple[tuple[int, int], ...]) -> bytes:
    """Return a PNG without chunks whose contents are at these places: Pillow refuses one with a broken profile."""
    kept, last = [], 0
    for at, end in sorted(chunks):
        # Length and name are before the content, the checksum is behind it.
        kept.append(data[last : at - 8])
        last = end + 4
    return b"".join((*kept, data[last:])) if kept else data


def _colours(strip: Image.Image, inks: Inks | None) -> NDArray[np.uint8]:
    """Return a strip as (height, width, 3 or 4), BGR or BGRA, 8 bits."""
    if strip.mode == "CMYK" and inks is not None:
        strip = inks(strip)
    if strip.mode.startswith("I"):
        # 16-bit grey is shifted: Pillow's conversion turns every value above 255 into 255.
        strip = Image.fromarray((np.asarray(strip).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    if strip.mode == "RGBa":
        strip = strip.convert("RGBA")
    if strip.mode in ("RGBA", "LA", "PA") or "transparency" in strip.info:
        return np.asarray(strip.convert("RGBA"))[:, :, [2, 1, 0, 3]]
    return np.asarray(strip.convert("RGB"))[:, :, ::-1]


def _reduced(whole: NDArray[np.uint8], reduction: int) -> BgrImage:
    """Return a decoded picture as BGR, reduced; one that is so already is not copied."""
    if reduction == 1 and whole.ndim == 3 and whole.shape[2] == 3:
        return np.ascontiguousarray(whole)
    return _in_strips(whole.shape[1], whole.shape[0], reduction, lambda top, end: whole[top:end])


def _in_strips(
    width: int, height: int, reduction: int, strip_of: Callable[[int, int], NDArray[np.uint8]]
) -> BgrImage:
    """Return an image of `width` by `height` px from its strips (by first and last row), reduced, on white."""
    image = np.empty((-(-height // reduction), -(-width // reduction), 3), np.uint8)
    rows = max(1, STRIP_PIXELS // width // reduction) * reduction
    for top in range(0, height, rows):
        strip = _opaque(strip_of(top, min(top + rows, height)))
        part = image[top // reduction : -(-min(top + rows, height) // reduction)]
        if reduction > 1:
            strip = np.asarray(cv2.resize(strip, part.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
        part[:] = strip
    return image


def _opaque(strip: NDArray[np.uint8]) -> BgrImage:
    """Return grey or colours, with or without transparency, as BGR; what is transparent lies on white."""
    channels = 1 if strip.ndim == 2 else strip.shape[2]
    if channels <= 2:
        strip = strip.reshape(*strip.shape[:2], channels)
        strip = strip[:, :, [0, 0, 0, *range(1, channels)]]
    if strip.shape[2] == 3 or strip[:, :, 3].min() == 255:
        return np.ascontiguousarray(strip[:, :, :3])
    alpha = strip[:, :, 3:].astype(np.uint16)
    return ((strip[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _turned(image: BgrImage, orientation: int) -> BgrImage:
    """Return an image as its EXIF orientation says (Exif 2.32, 4.6.4)."""
    if orientation in (5, 7):
        turned = cv2.transpose(image)
        return np.asarray(turned if orientation == 5 else cv2.flip(turned, -1, dst=turned), np.uint8)
    if orientation in (2, 4):
        return np.asarray(cv2.flip(image, 1 if orientation == 2 else 0), np.uint8)
    quarters = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
    return np.asarray(cv2.rotate(image, quarters[orientation]) if orientation in quarters else image, np.uint8)
