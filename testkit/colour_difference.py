"""How different two colours look: CIEDE2000.

Sharma, Wu and Dalal 2005, "The CIEDE2000 color-difference formula: implementation notes, supplementary test data, and
mathematical observations", equations 2 to 22. A difference of 1 is just noticeable, side by side.
"""

import math

import numpy as np

Lab = tuple[float, float, float]
# The white of sRGB, D65, as XYZ, and the matrix from its light (IEC 61966-2-1).
WHITE = (0.95047, 1.0, 1.08883)
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(colour: tuple[int, ...]) -> Lab:
    """Return the CIELAB values of an sRGB colour, 0 to 255."""
    codes = [each / 255 for each in colour]
    light = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in codes]
    shares = [each / white for each, white in zip(XYZ @ light, WHITE, strict=True)]
    x, y, z = (math.cbrt(each) if each > 216 / 24389 else (each * 24389 / 27 + 16) / 116 for each in shares)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(one: Lab, other: Lab) -> float:
    """Return the CIEDE2000 difference of two colours."""
    chroma = (math.hypot(*one[1:]) + math.hypot(*other[1:])) / 2
    stretch = 1.5 - 0.5 * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    first, second = (each[1] * stretch for each in (one, other))
    chromas = math.hypot(first, one[2]), math.hypot(second, other[2])
    hues = _hue(first, one[2]), _hue(second, other[2])
    grey = not chromas[0] * chromas[1]
    turn = 0.0 if grey else (hues[1] - hues[0] + 180) % 360 - 180
    by_hue = 2 * math.sqrt(chromas[0] * chromas[1]) * math.sin(math.radians(turn / 2))
    hue = sum(hues) if grey else hues[0] + turn / 2
    return _weighted(
        (one[0] + other[0]) / 2, sum(chromas) / 2, hue % 360, (other[0] - one[0], chromas[1] - chromas[0], by_hue)
    )


def _hue(a: float, b: float) -> float:
    return math.degrees(math.atan2(b, a)) % 360


def _weighted(light: float, chroma: float, hue: float, by: tuple[float, float, float]) -> float:
    """Return the difference from mean lightness, chroma and hue, and the differences of the three."""
    waves = ((0.17, 1, -30), (-0.24, 2, 0), (-0.32, 3, 6), (0.20, 4, -63))
    t = 1 - sum(share * math.cos(math.radians(times * hue + shift)) for share, times, shift in waves)
    lightness = 1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2)
    parts = by[0] / lightness, by[1] / (1 + 0.045 * chroma), by[2] / (1 + 0.015 * chroma * t)
    rotation = 2 * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    rotation *= -math.sin(math.radians(60 * math.exp(-(((hue - 275) / 25) ** 2))))
    return math.sqrt(sum(each**2 for each in parts) + rotation * parts[1] * parts[2])
