"""Reads ICC profiles (ICC.1:2022; version 2: ICC.1:2001-04) that consist of curves and a matrix, in Python.

Nearly all profiles of cameras, phones and working spaces do. The others are left to LittleCMS.
"""

import struct
from dataclasses import dataclass

import numpy as np

from colours.spaces import CODES, D50_TO_SRGB, HLG, PQ, Numbers, Space, coded

HEADER, ENTRY = 128, 12
MAX_TAGS = 100
MAX_CURVE = 65_536
FIXED = 65_536
# Classes that say nothing about one picture: links between devices, abstract effects, named colours.
OTHER_CLASSES = (b"link", b"abst", b"nmcl")
COLORANTS, CURVES = (b"rXYZ", b"gXYZ", b"bXYZ"), (b"rTRC", b"gTRC", b"bTRC")
# A profile whose white is further from white than that is broken.
WHITES = (0.7, 1.3)
# How many parameters each type of a parametric curve has (10.18).
PARAMETERS = (1, 3, 4, 5, 7)


class BrokenProfile(Exception):
    """The profile cannot be used; the picture is shown as if it had none."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile's header and the places of its tags: `colours` is RGB, GRAY, CMYK or another space of the file."""

    data: bytes
    colours: str
    connection: bytes
    tags: dict[bytes, tuple[int, int]]

    def tag(self, name: bytes) -> bytes:
        """Return the content of a tag; empty where there is none."""
        at, end = self.tags.get(name, (0, 0))
        return self.data[at:end]


def read(data: bytes) -> Profile:
    """Return a profile's header and tags.

    Raises:
        BrokenProfile: it is cut off, it is no profile, or of a class that does not describe pictures.
    """
    size = int.from_bytes(data[:4], "big")
    if not HEADER + 4 <= size <= len(data) or data[36:40] != b"acsp" or data[12:16] in OTHER_CLASSES:
        raise BrokenProfile("it is cut off, or no profile of a picture")
    count = int.from_bytes(data[HEADER : HEADER + 4], "big")
    if count > MAX_TAGS or HEADER + 4 + ENTRY * count > size:
        raise BrokenProfile("its list of tags is broken")
    tags: dict[bytes, tuple[int, int]] = {}
    for at in range(HEADER + 4, HEADER + 4 + ENTRY * count, ENTRY):
        name, start, length = struct.unpack_from(">4sII", data, at)
        if start + length > size:
            raise BrokenProfile("a tag lies outside of it")
        tags[name] = (start, start + length)
    return Profile(data[:size], data[16:20].decode("latin-1").strip(), data[20:24], tags)


def space_of(profile: Profile) -> Space | None:
    """Return the space of an RGB profile; None if it takes more than curves and a matrix.

    Raises:
        BrokenProfile: a curve or a colour is malformed, or white is not white.
    """
    hdr = profile.tag(b"cicp")
    if len(hdr) >= 10 and hdr[9] in (PQ, HLG):
        # Its table is for programs that do not know HDR.
        return coded(hdr[8], hdr[9])
    if b"A2B0" in profile.tags or b"A2B1" in profile.tags or not {*COLORANTS, *CURVES} <= profile.tags.keys():
        return None
    if profile.connection != b"XYZ ":
        raise BrokenProfile("curves and a matrix lead to XYZ")
    matrix = D50_TO_SRGB @ np.array([_xyz(profile.tag(name)) for name in COLORANTS]).T
    curves = np.array([curve(profile.tag(name)) for name in CURVES])
    white = matrix @ curves[:, -1]
    if not (white.min() >= WHITES[0] and white.max() <= WHITES[1]):
        raise BrokenProfile("its white is not white")
    return Space(curves, matrix)


def grey_of(profile: Profile) -> Numbers:
    """Return the light (256,) of the codes of a grey profile.

    Raises:
        BrokenProfile: its curve is malformed, or its white is not white.
    """
    light = curve(profile.tag(b"kTRC"))
    if profile.connection == b"Lab ":
        # From the lightness L* (CIE 15).
        light = np.where(light > 0.08, ((100 * light + 16) / 116) ** 3, 100 * light / 903.3)
    if not WHITES[0] <= light[-1] <= WHITES[1]:
        raise BrokenProfile("its white is not white")
    return np.asarray(light)


def _xyz(body: bytes) -> Numbers:
    if body[:4] != b"XYZ " or len(body) < 20:
        raise BrokenProfile("a colour is malformed")
    return np.array(struct.unpack_from(">3i", body, 8)) / FIXED


def curve(body: bytes) -> Numbers:
    """Return the light (256,), 0 to 1, of all codes by a tag of the type `curv` or `para`.

    Raises:
        BrokenProfile: the tag is neither, is cut off, or no curve that rises.
    """
    readers = {b"curv": _sampled, b"para": _parametric}
    if body[:4] not in readers or len(body) < 12:
        raise BrokenProfile("a curve is malformed")
    with np.errstate(all="ignore"):
        light = readers[body[:4]](body)
    if not np.isfinite(light).all() or light[-1] <= light[0]:
        raise BrokenProfile("a curve does not rise")
    return np.asarray(np.clip(light, 0, 1))


def _sampled(body: bytes) -> Numbers:
    count = int.from_bytes(body[8:12], "big")
    if count > MAX_CURVE or 12 + 2 * count > len(body):
        raise BrokenProfile("a curve is cut off")
    values = np.frombuffer(body, ">u2", count, 12).astype(np.float64)
    if not count:
        return CODES
    if count == 1:
        # The gamma, with 8 bits behind the point.
        return np.asarray(CODES ** (values[0] / 256))
    return np.interp(CODES * (count - 1), np.arange(count), values / 65_535)


def _parametric(body: bytes) -> Numbers:
    kind = int.from_bytes(body[8:10], "big")
    if kind >= len(PARAMETERS) or 12 + 4 * PARAMETERS[kind] > len(body):
        raise BrokenProfile("a curve is cut off")
    given = [each / FIXED for each in struct.unpack_from(f">{PARAMETERS[kind]}i", body, 12)]
    gamma = given[0]
    a, b = given[1:3] if kind else (1.0, 0.0)
    # Y = (aX + b)^g + e from X = d on, cX + f below it.
    c = e = f = 0.0
    d = -b / a if kind in (1, 2) and a else 0.0
    if kind == 2:
        e = f = given[3]
    elif kind > 2:
        c, d = given[3:5]
        e, f = given[5:7] if kind == 4 else (0.0, 0.0)
    return np.where(d <= CODES, np.maximum(a * CODES + b, 0) ** gamma + e, c * CODES + f)
