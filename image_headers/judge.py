"""Finds the format of an image file by its first bytes, and has its header read."""

from image_headers import gif, heif, jpeg, png, webp
from image_headers.header import Header, UnsupportedImage


def read(data: bytes) -> Header:
    """Return the header of an image file. Nothing is decoded, and only Python reads the bytes.

    Raises:
        UnsupportedImage: the file is no image, has no pixels, or is of a format or kind that is not accepted.
        DamagedImage: the file is truncated or malformed. TooManyScans: see `jpeg.read`.
    """
    header = _read(data)
    if header.width < 1 or header.height < 1:
        raise UnsupportedImage("no pixels")
    return header


def _read(data: bytes) -> Header:
    if data.startswith(jpeg.SIGNATURE):
        return jpeg.read(data)
    if data.startswith(png.SIGNATURE):
        return png.read(data)
    if data.startswith(gif.SIGNATURES):
        return gif.read(data)
    if webp.matches(data):
        return webp.read(data)
    if heif.matches(data):
        return heif.read(data)
    raise UnsupportedImage("not an image of an accepted format")
