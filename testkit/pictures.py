"""Files of every kind that people send, good and bad, made by hand; and what a refusal must look like."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pillow_heif
import zxingcpp
from PIL import Image

import images
from faces.fake import fake_colour
from testkit.builders import people

PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
GPS_IFD = 0x8825


def refused(answer: Any, status: int, error: str, detail: str | None = None) -> None:
    """Check that an answer is a refusal in the form that the app knows."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["error"] == error
    assert isinstance(body["detail"], str)
    assert body["detail"]
    if detail is not None:
        assert body["detail"] == detail


def opened(data: bytes) -> Image.Image:
    """Open a picture as a user's screen would."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def read_qr(data: bytes) -> str:
    """Return what the QR code in a picture says to a camera; empty where there is none."""
    code = zxingcpp.read_barcode(opened(data), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return code.text if code else ""


def person(number: int = 1) -> Image.Image:
    """One fake person's picture, undecoded into a file format."""
    return opened(people(number))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Write a picture in a file format."""
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def truncated() -> bytes:
    """The first half of a JPEG."""
    whole = people(1)
    return whole[: len(whole) // 2]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 0) -> bytes:
    """Build a PNG by hand: its header may claim what its rows do not hold."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows, 9)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def bomb() -> bytes:
    """A PNG of a few kB that claims 50,000 x 50,000 pixels."""
    return png(50_000, 50_000, b"\0" * 50_001 * 20)


def deep_png(number: int = 1) -> bytes:
    """A fake person as a PNG of 16 bits a channel."""
    pixels = np.asarray(person(number)).astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return png(pixels.shape[1], pixels.shape[0], rows, depth=16, colour=2)


def heic(number: int = 1) -> bytes:
    """A fake person as an iPhone writes it."""
    target = io.BytesIO()
    pillow_heif.from_pillow(person(number)).save(target, quality=90)
    return target.getvalue()


def webp(number: int = 1) -> bytes:
    """A fake person as WebP."""
    return saved(person(number), "WEBP", quality=90)


def cmyk(number: int = 1) -> bytes:
    """A fake person as a print shop writes it."""
    return saved(person(number).convert("CMYK"), "JPEG", quality=95)


def gif(*numbers: int) -> bytes:
    """An animation: each frame shows one fake person."""
    frames = [person(number) for number in numbers]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)


def with_gps(number: int = 1) -> bytes:
    """A fake person's JPEG that tells where it was taken."""
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif[GPS_IFD] = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)}
    return saved(person(number), "JPEG", quality=95, exif=exif)


def squares(*sizes: tuple[int, int]) -> bytes:
    """Fake persons of different sizes side by side: (number, px) each."""
    ground = Image.new("RGB", (sum(size + 60 for _, size in sizes) + 60, 460), "white")
    left = 60
    for number, size in sizes:
        blue, green, red = fake_colour(number)
        ground.paste((red, green, blue), (left, 60, left + size, 60 + size))
        left += size + 60
    return saved(ground, "JPEG", quality=95)


def gps_of(data: bytes) -> dict[int, Any]:
    """Return what a picture tells about its place."""
    return dict(opened(data).getexif().get_ifd(GPS_IFD))


assert images.FORMATS  # the module registers the HEIC reader
