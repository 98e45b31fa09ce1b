"""What HEIC and AVIF do to a decoded picture: crop it (`clap`), turn it (`irot`), mirror it (`imir`).

ISO/IEC 23008-12. A HEIC's properties apply in the order in which they are listed, as libheif applies them. An AVIF is
cropped, turned and mirrored in this order whatever the list says, as browsers and libavif do.
"""

from dataclasses import dataclass
from fractions import Fraction

from image_headers.boxes import Box, Boxes
from image_headers.header import DamagedImage

Window = tuple[int, int, int, int]
CLAP, IROT, IMIR = b"clap", b"irot", b"imir"
# EXIF orientation by quarter turns to the left, then not mirrored, mirrored top to bottom, mirrored left to right.
TURNED = ((1, 4, 2), (8, 5, 7), (3, 2, 4), (6, 7, 5))
HALF = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Shown:
    """The part of an AVIF's picture that is shown, None for all of it, and how it is turned, as EXIF orientation."""

    window: Window | None
    turned: int


def size_shown(boxes: Boxes, properties: list[Box], width: int, height: int) -> tuple[int, int]:
    """Return the size of a HEIC's picture after its properties, in their order.

    Raises:
        DamagedImage: it is cropped to nothing, or a fraction has no value: no decoder takes it.
    """
    for each in properties:
        if each.name == IROT and boxes.number(each.at, 1, each.end) & 1:
            width, height = height, width
        elif each.name == CLAP:
            window = _window(boxes, each, width, height)
            if window is None:
                raise DamagedImage("the picture is cropped to nothing")
            width, height = window[2] - window[0], window[3] - window[1]
    return width, height


def shown(boxes: Boxes, properties: list[Box], width: int, height: int) -> Shown:
    """Return how an AVIF's picture is shown. What would crop it to nothing is ignored, as browsers do."""
    window, quarters, mirrored = None, 0, 0
    for each in properties:
        if each.name == CLAP and window is None:
            window = _window(boxes, each, width, height)
        elif each.name == IROT:
            quarters = boxes.number(each.at, 1, each.end) & 3
        elif each.name == IMIR:
            mirrored = 1 + (boxes.number(each.at, 1, each.end) & 1)
    return Shown(window, TURNED[quarters][mirrored])


def _window(boxes: Boxes, box: Box, width: int, height: int) -> Window | None:
    """Return the part (left, top, right, bottom) that a clean aperture leaves; None if that is nothing.

    ISO/IEC 14496-12, 12.1.4: the size and the offset of the centre, four fractions; numerators may be negative.
    """
    numbers = [boxes.number(box.at + at, 4, box.end) for at in range(0, 32, 4)]
    if not all(numbers[1::2]):
        return None
    wide, high, across, down = (Fraction(_signed(n), d) for n, d in zip(numbers[::2], numbers[1::2], strict=True))
    if wide <= 0 or high <= 0:
        return None
    # As libheif rounds: the left edge towards zero, the others to the nearest whole number, with integers, unreduced.
    left = int(across + Fraction(width - 1, 2) - (wide - 1) / 2)
    top = int(down + Fraction(height - 1, 2) - (high - 1) / 2 + HALF)
    right, bottom = _nearest(wide - 1 + left, numbers[1]), _nearest(high - 1 + top, numbers[3])
    # A part that ends before the picture begins is taken as one that ends behind it.
    right, bottom = (edge if 0 <= edge < side else side - 1 for edge, side in ((right, width), (bottom, height)))
    left, top = max(0, left), max(0, top)
    return (left, top, right + 1, bottom + 1) if left <= right and top <= bottom else None


def _nearest(number: Fraction, denominator: int) -> int:
    return int(number + Fraction(denominator // 2, denominator))


def _signed(number: int) -> int:
    return number - (1 << 32) if number >> 31 else number
