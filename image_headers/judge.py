"""Finds the format of an image file by its first bytes, and has its header read."""

import re
from dataclasses import replace

from image_headers import gif, heif, jpeg, jxl, png, tiff, webp
from image_headers.header import Header, UnsupportedImage

# What scripts and broken transfers leave before a picture: line ends, marks of byte order, a few lines of text.
MAX_BEFORE = 4096
PICTURE = re.compile(
    rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBPVP8|....ftyp(?:"
    + b"|".join(heif.BRANDS)
    + rb")",
    re.DOTALL,
)
# Files that may hold a picture near their beginning and are none: documents, archives, sound, films, RAW photos.
OTHERS = re.compile(
    rb"%PDF|PK\x03\x04|II[*+UR]|MM\0[*+]|MMOR|FUJIFILM|FOVb|8BPS|<|\{|ID3|OggS|fLaC|\x1aE\xdf\xa3|\x7fELF|MZ|Rar!|7z"
    rb"|RIFF|....(?:ftyp|moov|mdat|free|wide|skip)|\x1f\x8b|BM|\0\0[\1\2]\0|SQLite|\xd0\xcf\x11\xe0|\xff\x0a|\0\0\0\x0cJXL",
    re.DOTALL,
)


def read(data: bytes) -> Header:
    """Return the header of an image file. Nothing is decoded, and only Python reads the bytes.

    Up to `MAX_BEFORE` bytes before the picture are passed over where they begin no file of another kind.

    Raises:
        UnsupportedImage: the file is no image, has no pixels, or is of a format or kind that is not accepted.
        DamagedImage: the file is truncated or malformed. TooManyScans: see `jpeg.read`.
    """
    start = _start(data)
    header = _read(data[start:] if start else data)
    if header.width < 1 or header.height < 1:
        raise UnsupportedImage("no pixels")
    return replace(header, start=start, end=header.end and header.end + start) if start else header


def _start(data: bytes) -> int:
    """Return where the picture begins; 0 where none is found."""
    if PICTURE.match(data) or OTHERS.match(data):
        return 0
    found = PICTURE.search(data, 0, MAX_BEFORE + 16)
    return found.start() if found is not None else 0


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
    if tiff.matches(data):
        return tiff.read(data)
    if jxl.matches(data):
        return jxl.read(data)
    raise UnsupportedImage("not an image of an accepted format")
