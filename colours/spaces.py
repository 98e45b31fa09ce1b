"""Colour spaces by their curves and primaries, as light: how much of each sRGB primary a number stands for.

Light is linear; 1 is the white of ordinary pictures, and an HDR picture goes up to its space's `peak`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
LEVELS = 256
CODES: Numbers = np.arange(LEVELS) / (LEVELS - 1)
Point = tuple[float, float]
Primaries = tuple[Point, Point, Point]

D65: Point = (0.3127, 0.3290)
# The white of ICC profiles as XYZ (ICC.1:2022, 7.2.16), and Bradford's responses of the eye's cones (annex E).
D50_XYZ = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
SRGB: Primaries = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
ADOBE: Primaries = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_GAMMA = 563 / 256
# Primaries and white by their number in ITU-T H.273, table 2. 2 means unspecified.
PRIMARIES: dict[int, tuple[Primaries, Point]] = {
    1: (SRGB, D65),
    2: (SRGB, D65),
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), D65),
    6: (((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)), D65),
    7: (((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)), D65),
    9: (((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), D65),
    11: (((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), (0.314, 0.351)),
    12: (((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), D65),
}
# HDR: the light of white in pictures and texts, and the brightest that is told apart, in cd/m² (ITU-R BT.2408).
WHITE, BRIGHTEST = 203.0, 1000.0
PEAK = BRIGHTEST / WHITE
PQ, HLG = 16, 18
# The numbers of PEAK in which light up to a half stays as it is, so that only highlights are compressed.
KNEE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """A space of three channels: `curves` (3, 256) give the light of each code, `matrix` (3, 3) makes it sRGB's."""

    curves: Numbers
    matrix: Numbers
    peak: float = 1.0


def srgb_light(code: Numbers) -> Numbers:
    """Return the light of sRGB numbers from 0 to 1 (IEC 61966-2-1)."""
    return np.where(code <= 0.04045, code / 12.92, ((np.maximum(code, 0) + 0.055) / 1.055) ** 2.4)


def srgb_code(light: Numbers) -> Numbers:
    """Return the sRGB numbers of light from 0 to 1 (IEC 61966-2-1)."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def toned(light: Numbers, peak: float) -> Numbers:
    """Return light up to `peak` compressed to 1: as it is up to a knee, from there in a curve of the same slope."""
    if peak <= 1:
        return light
    over, end = np.maximum(light - KNEE, 0) / (1 - KNEE), (peak - KNEE) / (1 - KNEE)
    # Reinhard et al. 2002, equation 4: `end` becomes 1.
    return np.minimum(light, KNEE) + (1 - KNEE) * over * (1 + over / end**2) / (1 + over)


def _pq(code: Numbers) -> Numbers:
    """SMPTE ST 2084: the light of the perceptual quantiser, 10,000 cd/m² at 1."""
    root = code ** (32 / 2523)
    nits = 10_000 * (np.maximum(root - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * root)) ** (16384 / 2610)
    return np.asarray(np.minimum(nits, BRIGHTEST) / WHITE)


def _hlg(code: Numbers) -> Numbers:
    """ITU-R BT.2100: hybrid log-gamma on a screen of 1,000 cd/m²; its system gamma is applied to each channel."""
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    return np.asarray(scene**1.2 * PEAK)


# Transfer functions by their number in H.273, table 3. Those of video (1, 6, 14, 15) are meant for a screen whose
# curve is close to that of sRGB, and so are pictures that leave it unspecified (2).
CURVES: dict[int, Callable[[Numbers], Numbers]] = {
    **dict.fromkeys((1, 2, 6, 13, 14, 15), srgb_light),
    4: lambda code: code**2.2,
    5: lambda code: code**2.8,
    8: lambda code: code,
    PQ: _pq,
    HLG: _hlg,
}


def _xyz(primaries: Primaries, white: Point) -> Numbers:
    """Return the matrix that makes XYZ of light, with white at Y = 1.

    Raises:
        numpy.linalg.LinAlgError: the primaries are on one line. ZeroDivisionError: a y is 0.
    """
    corners = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    shares = np.linalg.solve(corners, np.array([white[0] / white[1], 1.0, (1 - white[0] - white[1]) / white[1]]))
    return np.asarray(corners * shares)


def adapted(matrix: Numbers, white: Numbers) -> Numbers:
    """Return a matrix to XYZ whose white is made `white` (Bradford, ICC.1:2022, annex E)."""
    now, wanted = BRADFORD @ matrix.sum(axis=1), BRADFORD @ white
    return np.asarray(np.linalg.inv(BRADFORD) @ np.diag(wanted / now) @ BRADFORD @ matrix)


SRGB_XYZ = _xyz(SRGB, D65)
TO_SRGB = np.linalg.inv(SRGB_XYZ)
D50_TO_SRGB = np.linalg.inv(adapted(SRGB_XYZ, D50_XYZ))


def by_primaries(primaries: Primaries, white: Point, curve: Numbers, peak: float = 1.0) -> Space:
    """Return a space with one curve (256,). Its white becomes that of sRGB.

    Raises:
        numpy.linalg.LinAlgError, ZeroDivisionError: no colours can be made of the primaries.
    """
    matrix = TO_SRGB @ adapted(_xyz(primaries, white), SRGB_XYZ.sum(axis=1))
    return Space(np.tile(curve, (3, 1)), matrix, peak)


def coded(primaries: int, transfer: int) -> Space | None:
    """Return the space of two numbers of H.273; None if they mean none that pictures have."""
    if primaries not in PRIMARIES or transfer not in CURVES:
        return None
    curve = CURVES[transfer](CODES)
    return by_primaries(*PRIMARIES[primaries], curve, PEAK if transfer in (PQ, HLG) else 1.0)


def adobe_rgb() -> Space:
    """Return Adobe RGB (1998)."""
    return by_primaries(ADOBE, D65, CODES**ADOBE_GAMMA)
