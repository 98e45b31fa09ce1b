"""Decodes TIFF with libtiff, through Pillow, and JPEG XL with libjxl. Called by `image_decoding` alone.

libjxl is loaded with the first JPEG XL: most processes never see one.
"""

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from image_headers import exif, tiff

# Pillow's own reader of uncompressed files mixes up the planes of 16-bit ones; libtiff does not.
TiffImagePlugin.READ_LIBTIFF = True
# There is no package of libjxl for Linux on ARM: JPEG XL is refused there.
HAS_JXL = find_spec("pylibjxl") is not None
# 16-bit shades of which 0 is white: Pillow does not know them in both byte orders, and does not invert them.
for order in (b"II", b"MM"):
    TiffImagePlugin.OPEN_INFO[order, 0, (1,), 1, (16,), ()] = ("I;16", "I;16")


def opened_tiff(image: Image.Image, data: bytes) -> Image.Image:
    """Return the first page of an opened TIFF, decoded, in a mode that `image_decoding` reads.

    Raises:
        OSError, ValueError …: it cannot be decoded.
    """
    # Pillow would turn the picture itself, which holds it twice.
    image.getexif()[exif.ORIENTATION] = 1
    image.load()
    if image.mode.startswith("I") and tiff.inverted_shades(data):
        return Image.fromarray(np.asarray(image).astype(np.uint16) ^ np.uint16(0xFFFF))
    # An image of the sides as they are decoded: Pillow gives those of the turned one.
    return image._new(image.im)


def jxl_pixels(data: bytes) -> tuple[NDArray[np.uint8], bytes]:
    """Return the first frame of a JPEG XL, upright, and the colour profile of its pixels, which may be empty.

    The frame is (height, width) or (height, width, 3 or 4), RGB, 8 bits.

    Raises:
        RuntimeError: it cannot be decoded.
    """
    import pylibjxl

    try:
        decoded, told = pylibjxl.decode(data, metadata=True)
    except RuntimeError:
        # Bytes behind the last box are no box: the decoder then finds no metadata, and the picture all the same.
        return np.asarray(pylibjxl.decode(data), np.uint8), b""
    return np.asarray(decoded, np.uint8), bytes(told.get("icc") or b"")
