"""ICC profiles, good ones and broken ones, and files that carry them."""

import struct
import zlib

import numpy as np

from colours.spaces import D50_XYZ, SRGB_XYZ, Numbers, Space, adapted
from testkit.colour_difference import lab

FIXED = 65_536


def _numbers(values: Numbers) -> bytes:
    return np.round(np.ravel(values) * FIXED).astype(">i4").tobytes()


def profile(
    tags: dict[bytes, bytes], space: bytes = b"RGB ", kind: bytes = b"mntr", connection: bytes = b"XYZ "
) -> bytes:
    """Return a profile of version 2 with these tags."""
    at = 128 + 4 + 12 * len(tags)
    table, content = struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        table += struct.pack(">4sII", name, at + len(content), len(body))
        content += body + bytes(-len(body) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", at + len(content), b"", 0x0210_0000, kind, space, connection, b"", b"acsp")
    return (head + bytes(28) + _numbers(D50_XYZ)).ljust(128, b"\0") + table + content


def curve(light: Numbers) -> bytes:
    """Return a tag with a curve of samples from 0 to 1."""
    samples = np.round(np.asarray(light) * 65_535).astype(">u2")
    return struct.pack(">4sII", b"curv", 0, len(samples)) + samples.tobytes()


def texts(name: bytes) -> dict[bytes, bytes]:
    """Return the tags that every profile has: its description, its copyright, its white."""
    return {
        b"desc": struct.pack(">4sII", b"desc", 0, len(name) + 1) + name + bytes(79),
        b"cprt": b"text" + bytes(4) + b"CC0\0",
        b"wtpt": b"XYZ " + bytes(4) + _numbers(D50_XYZ),
    }


def made(space: Space) -> bytes:
    """Return a profile with the curves and the matrix of a space."""
    colorants = (adapted(SRGB_XYZ, D50_XYZ) @ space.matrix).T
    tags = texts(b"made")
    for letter, row, light in zip("rgb", colorants, space.curves, strict=True):
        tags[f"{letter}XYZ".encode()] = b"XYZ " + bytes(4) + _numbers(row)
        tags[f"{letter}TRC".encode()] = curve(light)
    return profile(tags)


def grey(light: Numbers) -> bytes:
    """Return a grey profile."""
    return profile({**texts(b"grey"), b"kTRC": curve(light)}, space=b"GRAY")


def swapping() -> bytes:
    """Return an RGB profile of a table (`mft1`) whose red is blue, and its blue red."""
    corners = np.array([[[[r, g, b] for b in (0, 1)] for g in (0, 1)] for r in (0, 1)], np.float64).reshape(-1, 3)
    # The connection space counts 1.0 as 32768 of 65535; a byte of 255 is 1.99997.
    xyz = corners[:, ::-1] @ adapted(SRGB_XYZ, D50_XYZ).T * 32_768 / 65_535
    ramp = bytes(range(256)) * 3
    body = struct.pack(">4sI4B", b"mft1", 0, 3, 3, 2, 0) + _numbers(np.eye(3)) + ramp
    body += np.round(xyz * 255).astype(np.uint8).tobytes() + ramp
    return profile({**texts(b"table"), b"A2B0": body})


def inks() -> bytes:
    """Return a CMYK profile of a table whose cyan ink is yellow, and its yellow one cyan."""
    paper = np.array([[1 - c, 1 - m, 1 - y] for c, m, y in np.ndindex(2, 2, 2)])[:, ::-1] * 255
    seen = [
        lab(tuple(int(each) for each in row)) if not black else (0.0, 0.0, 0.0) for row in paper for black in (0, 1)
    ]
    table = np.array(seen) * (255 / 100, 1, 1) + (0, 128, 128)
    ramp = bytes(range(256))
    body = struct.pack(">4sI4B", b"mft1", 0, 4, 3, 2, 0) + _numbers(np.eye(3)) + ramp * 4
    body += np.clip(np.round(table), 0, 255).astype(np.uint8).tobytes() + ramp * 3
    return profile({**texts(b"inks"), b"A2B0": body}, b"CMYK", b"prtr", b"Lab ")


def in_jpeg(jpeg: bytes, data: bytes, order: list[int] | None = None, size: int = 65_519) -> bytes:
    """Return a JPEG with a profile in segments of `size` bytes; `order` has their numbers, by default all of them."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)] or [b""]
    numbers = order or list(range(1, len(pieces) + 1))
    segments = b""
    for number in numbers:
        body = b"ICC_PROFILE\0" + bytes((number, len(pieces))) + pieces[number - 1]
        segments += b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body
    return jpeg[:2] + segments + jpeg[2:]


def in_png(png: bytes, chunks: dict[bytes, bytes]) -> bytes:
    """Return a PNG with chunks behind its header."""
    return png[:33] + b"".join(chunk(name, body) for name, body in chunks.items()) + png[33:]


def chunk(name: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def iccp(data: bytes) -> bytes:
    """Return the content of PNG's iCCP chunk."""
    return b"name\0\0" + zlib.compress(data)
