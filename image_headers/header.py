"""What a header tells, and why a file is refused."""

from dataclasses import dataclass


class ImageError(Exception):
    """The file cannot be used as an image."""


class UnsupportedImage(ImageError):
    """The file is no image, or of a format or kind that is not accepted."""


class DamagedImage(ImageError):
    """The image file is truncated or damaged."""


class UnsupportedTiff(UnsupportedImage):
    """The TIFF is of a depth, coding or kind that is not accepted."""


class NoPreview(UnsupportedImage):
    """The RAW file of a camera has no JPEG preview that is large enough."""


class TooManyPixels(ImageError):
    """To decode the image would take more pixels than allowed; `limit` is the number allowed."""

    # With a default, as an error that crosses to another process is made again from its message.
    def __init__(self, message: str, limit: int = 0) -> None:
        super().__init__(message)
        self.limit = limit


class TooManyScans(ImageError):
    """The JPEG comes in more scans than allowed: each costs a pass over the whole picture."""


Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Colour:
    """What a file says of its colours, as it stands there; without any of it, the colours are sRGB.

    `pieces` are the places of an ICC profile (`packed`: behind a name and deflated, as PNG has it). `coded` are the
    numbers of primaries and transfer function in ITU-T H.273. `gamma` is PNG's: the exponent with which it was
    encoded. `corners` are PNG's x and y of white, red, green and blue; `chunks` the places of all that it says there.
    `inks`: the picture is CMYK.
    """

    pieces: tuple[Place, ...] = ()
    packed: bool = False
    coded: tuple[int, int] | None = None
    gamma: float | None = None
    corners: tuple[float, ...] = ()
    chunks: tuple[Place, ...] = ()
    inks: bool = False


UNSAID = Colour()


@dataclass(frozen=True, slots=True)
class Coding:
    """How a JPEG is coded: `whole_bytes` is what its decoder holds of the whole picture, however much it reduces it.

    That is 0 where the picture comes in one scan. `colours` is the number of components. `scan` is where the marker
    of the first scan is, in the file without what stands before the picture.
    """

    colours: int
    whole_bytes: int = 0
    has_end: bool = True
    scan: int = 0


@dataclass(frozen=True, slots=True)
class Header:
    """What a header tells. `width` and `height` in px are as decoded, before `orientation` (EXIF, 1 to 8) is applied.

    `pixels` is the most that the decoder allocates for one picture, so at least width times height: a canvas, a
    frame beyond it, the parts that a picture is put together from. `exif` is the block as it stands in the file.
    `turned` is an orientation that counts in place of that of EXIF; `film`: the file has several frames. `colour`
    says which colours are meant. `parts` are the bytes that the decoder holds of strips or tiles beside the picture.
    `window` (left, top, right, bottom) is the part of the decoded picture that is shown; None: all of it.
    The picture is what stands from `start` to before `end` in the file; None: to the end.
    """

    format: str
    width: int
    height: int
    pixels: int
    exif: bytes = b""
    coding: Coding | None = None
    turned: int | None = None
    film: bool = False
    colour: Colour = UNSAID
    window: tuple[int, int, int, int] | None = None
    start: int = 0
    end: int | None = None
    parts: int = 0
    # As they stand in the file: an XMP packet, and Photoshop's resources, which hold IPTC.
    xmp: bytes = b""
    resources: bytes = b""
