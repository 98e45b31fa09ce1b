"""Converts pictures to sRGB: by tables of OpenCV where curves and a matrix do, else by LittleCMS."""

import contextlib
import io
import zlib
from collections.abc import Callable, Iterator
from functools import cache, lru_cache, partial
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from colours import profiles, spaces
from colours.spaces import CODES, D65, SRGB, Numbers, Point, Space, by_primaries, coded
from colours.srgb import PROFILE
from image_headers.colour import MAX_PROFILE
from image_headers.dcf import is_adobe_rgb
from image_headers.header import Colour, Header

BgrImage: TypeAlias = NDArray[np.uint8]
# A picture is converted in strips of about this many pixels, whose numbers fit into a processor's cache.
STRIP_PIXELS = 65_536
DEEP = 65_535
# What changes no colour of a grid by more than this counts as sRGB: its variants differ by rounded curves.
SAME = 2
# A mean change of this much on a grid does not show in an embedding (docs/decisions/0023-colours.md).
NEAR = 20
STEPS = 9
GAMMAS = (0.1, 5.0)
# The exponent of PNG's gAMA that browsers take for a screen's; other ones alone are relative to it.
SCREEN = 2.2
PROBLEMS = (ImageCms.PyCMSError, OSError, ValueError, TypeError)
INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


class Conversion:
    """A way to sRGB for pictures of three channels: (height, width, 3), BGR, 8 bits.

    `near`: it changes so little that a face has the same embedding before and after.
    """

    near = False

    def strip(self, part: BgrImage) -> NDArray[np.uint8]:
        """Return a strip of a picture in sRGB. Every subclass has its own."""
        raise NotImplementedError

    def __call__(self, image: BgrImage) -> BgrImage:
        """Return the picture in sRGB, in the same memory where that can be written."""
        target = image if image.flags.writeable else np.empty_like(image)
        rows = max(1, STRIP_PIXELS // image.shape[1])
        for top in range(0, len(image), rows):
            target[top : top + rows] = self.strip(image[top : top + rows])
        return target


@cache
def _codes(peak: float) -> NDArray[np.uint8]:
    """Return the sRGB codes of light from 0 to `peak`, in 65,536 steps."""
    light = np.linspace(0, peak, DEEP + 1)
    return (spaces.srgb_code(spaces.toned(light, peak)) * 255 + 0.5).astype(np.uint8)


class Tables(Conversion):
    """A space's curves, its matrix and sRGB's curve, of 16 bits between them."""

    def __init__(self, space: Space) -> None:
        """Make the tables.

        Raises:
            profiles.BrokenProfile: a number of the matrix is not finite.
        """
        if not np.isfinite(space.matrix).all():
            raise profiles.BrokenProfile("its primaries make no colours")
        light = np.clip(space.curves[::-1].T / space.peak, 0, 1)
        self._light = (light * DEEP + 0.5).astype(np.uint16).reshape(1, -1, 3)
        if (self._light == self._light[:, :, :1]).all():
            # One table for all channels is faster.
            self._light = np.ascontiguousarray(self._light[:, :, 0])
        self._matrix = np.ascontiguousarray(space.matrix[::-1, ::-1])
        self._codes = _codes(space.peak)
        self.near = _change(self).mean() <= NEAR

    def strip(self, part: BgrImage) -> NDArray[np.uint8]:
        """Return a strip of a picture in sRGB."""
        light = cv2.transform(cv2.LUT(part, self._light), self._matrix)
        return np.asarray(cv2.LUT(light, self._codes), np.uint8)


class Grey(Conversion):
    """A grey picture's curve. Pictures that have colours are left as they are: the profile is not theirs."""

    def __init__(self, light: Numbers) -> None:
        self._codes = (spaces.srgb_code(light) * 255 + 0.5).astype(np.uint8)
        self.near = bool(np.abs(self._codes - CODES * 255).mean() <= NEAR)

    def strip(self, part: BgrImage) -> NDArray[np.uint8]:
        """Return a strip of a picture in sRGB."""
        return np.asarray(cv2.LUT(part, self._codes), np.uint8)

    def __call__(self, image: BgrImage) -> BgrImage:
        """Return the picture in sRGB if it is grey, otherwise unchanged."""
        blue, green, red = cv2.split(image)
        return super().__call__(image) if np.array_equal(blue, green) and np.array_equal(green, red) else image


class LittleCms(Conversion):
    """A profile of more than curves and a matrix, in the way that LittleCMS goes."""

    def __init__(self, profile: bytes) -> None:
        """Build the way.

        Raises:
            profiles.BrokenProfile: there is none from this profile to sRGB, or its white is not white.
        """
        self._transform = _transform(profile, "RGB")
        white = self.strip(np.full((1, 1, 3), 255, np.uint8))
        if white.min() < 255 * profiles.WHITES[0]:
            raise profiles.BrokenProfile("its white is not white")
        self.near = _change(self).mean() <= NEAR

    def strip(self, part: BgrImage) -> NDArray[np.uint8]:
        """Return a strip of a picture in sRGB."""
        strip = Image.fromarray(cv2.cvtColor(part, cv2.COLOR_BGR2RGB))
        return np.asarray(self._transform.apply_in_place(strip))[:, :, ::-1]


class Inks:
    """A CMYK profile: its pictures have four channels, which become three."""

    def __init__(self, profile: bytes) -> None:
        """Build the way.

        Raises:
            profiles.BrokenProfile: there is none from this profile to sRGB, or its paper is not white.
        """
        self._transform = _transform(profile, "CMYK")
        paper = self._transform.apply(Image.new("CMYK", (1, 1)))
        if min(np.asarray(paper).ravel()) < 255 * profiles.WHITES[0]:
            raise profiles.BrokenProfile("its paper is not white")

    def __call__(self, strip: Image.Image) -> Image.Image:
        """Return a CMYK picture as RGB, in sRGB."""
        return self._transform.apply(strip)


def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        aim = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        return ImageCms.ImageCmsTransform(source, aim, mode, "RGB", INTENT, flags=FLAGS)
    except PROBLEMS as error:
        raise profiles.BrokenProfile(str(error)) from error


def _change(conversion: Conversion) -> NDArray[np.int16]:
    """Return by how much a conversion changes the colours of a grid."""
    steps = np.linspace(0, 255, STEPS).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    return np.asarray(np.abs(conversion.strip(grid).astype(np.int16) - grid))


def conversion_of(header: Header, data: bytes) -> Conversion | Inks | None:
    """Return the way from a file's colours to sRGB; None if they are sRGB, or count as it.

    What cannot be used is passed over: a profile that is broken, too large, or of another space than the picture.
    """
    for said in _sayings(header, data):
        with contextlib.suppress(profiles.BrokenProfile, ArithmeticError, np.linalg.LinAlgError):
            found = _by_profile(said) if isinstance(said, bytes) else said()
            if found is None or isinstance(found, Inks) == header.colour.inks:
                return found
    return None


def _sayings(header: Header, data: bytes) -> Iterator[bytes | Callable[[], Conversion | None]]:
    """Yield what the file says of its colours, what counts most first: profiles, and how else a way is made."""
    colour = header.colour
    named = [partial(_by_code, colour.coded)] if colour.coded is not None else []
    profile = _profile(colour, data)
    # PNG, 3rd edition, 4.3; in HEIC and AVIF a profile comes first.
    if header.format == "PNG":
        yield from named
    if profile is not None:
        yield profile
    if header.format != "PNG":
        yield from named
    if colour.gamma is not None or colour.corners:
        yield partial(_by_gamma, colour)
    if header.format == "JPEG" and not colour.pieces and not colour.inks and is_adobe_rgb(header.exif):
        yield _adobe_rgb


def _profile(colour: Colour, data: bytes) -> bytes | None:
    """Return the profile in the file, put together and inflated; None if there is none, or it is too large."""
    if not colour.pieces:
        return None
    whole = b"".join(data[at:end] for at, end in colour.pieces)
    if colour.packed:
        # A name of up to 79 bytes, a zero, the method.
        name, _, rest = whole.partition(b"\0")
        if len(name) > 79:
            return None
        try:
            whole = zlib.decompressobj().decompress(rest[1:], MAX_PROFILE + 1)
        except zlib.error:
            return None
    return whole if len(whole) <= MAX_PROFILE else None


@cache
def _adobe_rgb() -> Conversion:
    return Tables(spaces.adobe_rgb())


@lru_cache(maxsize=16)
def _by_code(numbers: tuple[int, int]) -> Conversion | None:
    """Return the way of two numbers of H.273; numbers that pictures do not have raise `BrokenProfile`."""
    space = coded(*numbers)
    if space is None:
        raise profiles.BrokenProfile("no space of pictures has these numbers")
    return _unless_same(Tables(space))


def _by_gamma(colour: Colour) -> Conversion | None:
    """Return the way of PNG's gAMA and cHRM.

    Raises:
        profiles.BrokenProfile, ArithmeticError, LinAlgError: its numbers make no colours.
    """
    gamma = colour.gamma
    if gamma is not None and not GAMMAS[0] <= gamma <= GAMMAS[1]:
        raise profiles.BrokenProfile("with this gamma the picture would be black or white")
    primaries: list[Point] = list(zip(colour.corners[::2], colour.corners[1::2], strict=True)) or [D65, *SRGB]
    white, red, green, blue = primaries
    curve = spaces.srgb_light(CODES)
    if gamma is not None and abs(1 / gamma - SCREEN) > 0.01:
        curve = CODES ** (1 / gamma)
    return _unless_same(Tables(by_primaries((red, green, blue), white, curve)))


@lru_cache(maxsize=4)
def _by_profile(data: bytes) -> Conversion | Inks | None:
    """Return the way of a profile, None if it is sRGB; the same few profiles come again and again.

    Raises:
        profiles.BrokenProfile: see `profiles.read`. ArithmeticError, LinAlgError: its numbers make no colours.
    """
    if data == PROFILE:
        return None
    profile = profiles.read(data)
    if profile.colours == "CMYK":
        return Inks(profile.data)
    if profile.colours == "GRAY":
        return Grey(profiles.grey_of(profile))
    if profile.colours != "RGB":
        raise profiles.BrokenProfile("it is for another kind of picture")
    space = profiles.space_of(profile)
    return _unless_same(Tables(space) if space is not None else LittleCms(profile.data))


def _unless_same(conversion: Conversion) -> Conversion | None:
    return conversion if _change(conversion).max() > SAME else None
