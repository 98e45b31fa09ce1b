"""The sRGB profile that the service's JPEGs carry, made here so that it is small.

Version 2 of ICC profiles (ICC.1:2001-04), which all programs read: curves of few points and a matrix.
"""

import struct

import numpy as np

from colours.spaces import D50_XYZ, SRGB_XYZ, adapted, srgb_light

# The points of the curve. With 40, straight lines between them are within one of 255 codes.
POINTS = 40
FIXED = 65_536
NAME = b"sRGB"
COLORANTS = (b"rXYZ", b"gXYZ", b"bXYZ")
APP0, APP2 = b"\xff\xe0", b"\xff\xe2"


def _fixed(values: "np.typing.ArrayLike") -> bytes:
    return np.round(np.ravel(values) * FIXED).astype(">i4").tobytes()


def _made() -> bytes:
    """Return the profile."""
    colorants = adapted(SRGB_XYZ, D50_XYZ).T
    points = np.round(srgb_light(np.linspace(0, 1, POINTS)) * 65_535).astype(">u2").tobytes()
    # A description has its text three times: ASCII, Unicode (none) and Macintosh script (none, 67 bytes kept free).
    text = struct.pack(">4sII", b"desc", 0, len(NAME) + 1) + NAME + bytes(1 + 8 + 3 + 67)
    bodies: dict[tuple[bytes, ...], bytes] = {
        (b"desc",): text,
        (b"cprt",): b"text" + bytes(4) + b"CC0\0",
        (b"wtpt",): b"XYZ " + bytes(4) + _fixed(D50_XYZ),
        **{(name,): b"XYZ " + bytes(4) + _fixed(row) for name, row in zip(COLORANTS, colorants, strict=True)},
        (b"rTRC", b"gTRC", b"bTRC"): struct.pack(">4sII", b"curv", 0, POINTS) + points,
    }
    at = 128 + 4 + 12 * sum(len(names) for names in bodies)
    table, content = b"", b""
    for names, body in bodies.items():
        table += b"".join(struct.pack(">4sII", name, at + len(content), len(body)) for name in names)
        content += body + bytes(-len(body) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12s4s", at + len(content), b"", 0x0210_0000, b"mntr", b"RGB ", b"XYZ ", bytes(12), b"acsp"
    )
    head = (head + bytes(28) + _fixed(D50_XYZ)).ljust(128, b"\0")
    return head + struct.pack(">I", len(table) // 12) + table + content


PROFILE = _made()
_SEGMENT = b"ICC_PROFILE\0\1\1" + PROFILE
SEGMENT = APP2 + struct.pack(">H", 2 + len(_SEGMENT)) + _SEGMENT


def tagged(jpeg: bytes) -> bytes:
    """Return a JPEG with the profile, behind the segment with which encoders begin."""
    at = 4 + int.from_bytes(jpeg[4:6], "big") if jpeg[2:4] == APP0 else 2
    return jpeg[:at] + SEGMENT + jpeg[at:]
