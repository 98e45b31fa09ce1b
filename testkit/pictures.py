"""Valid and invalid files of each kind that users upload, and checks of pictures and of error responses."""

import io
import struct
import zlib
from pathlib import Path
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
    """Assert that a response has this status, this error name and a message; with `detail`, this message."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["error"] == error
    assert isinstance(body["detail"], str)
    assert body["detail"]
    if detail is not None:
        assert body["detail"] == detail


def opened(data: bytes) -> Image.Image:
    """Decode a picture."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def read_qr(data: bytes) -> str:
    """Return the text of the QR code in a picture; empty when there is none."""
    code = zxingcpp.read_barcode(opened(data), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return code.text if code else ""


def person(number: int = 1) -> Image.Image:
    """Return a picture of one fake person."""
    return opened(people(number))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return a picture encoded in a file format."""
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def truncated() -> bytes:
    """Return the first half of a JPEG."""
    whole = people(1)
    return whole[: len(whole) // 2]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 0) -> bytes:
    """Return a PNG of these raw rows. The size in its header need not be that of the rows."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows, 9)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def bomb() -> bytes:
    """Return a PNG of a few kB whose header says 50,000 x 50,000 pixels."""
    return png(50_000, 50_000, b"\0" * 50_001 * 20)


def deep_png(number: int = 1) -> bytes:
    """Return a fake person as a PNG of 16 bits per channel."""
    pixels = np.asarray(person(number)).astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return png(pixels.shape[1], pixels.shape[0], rows, depth=16, colour=2)


def heic(number: int = 1) -> bytes:
    """Return a fake person as HEIC, the format of iPhones."""
    target = io.BytesIO()
    pillow_heif.from_pillow(person(number)).save(target, quality=90)
    return target.getvalue()


def webp(number: int = 1) -> bytes:
    """Return a fake person as WebP."""
    return saved(person(number), "WEBP", quality=90)


def cmyk(number: int = 1) -> bytes:
    """Return a fake person as a CMYK JPEG."""
    return saved(person(number).convert("CMYK"), "JPEG", quality=95)


def gif(*numbers: int) -> bytes:
    """Return an animated GIF; each frame shows one fake person."""
    frames = [person(number) for number in numbers]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)


def with_gps(number: int = 1) -> bytes:
    """Return a fake person's JPEG with a GPS position in its EXIF data."""
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif[GPS_IFD] = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)}
    return saved(person(number), "JPEG", quality=95, exif=exif)


def squares(*sizes: tuple[int, int]) -> bytes:
    """Return a JPEG of fake persons side by side; each size is (person, px)."""
    ground = Image.new("RGB", (sum(size + 60 for _, size in sizes) + 60, 460), "white")
    left = 60
    for number, size in sizes:
        blue, green, red = fake_colour(number)
        ground.paste((red, green, blue), (left, 60, left + size, 60 + size))
        left += size + 60
    return saved(ground, "JPEG", quality=95)


def gps_of(data: bytes) -> dict[int, Any]:
    """Return the GPS tags of a picture."""
    return dict(opened(data).getexif().get_ifd(GPS_IFD))


assert images.FORMATS  # the module registers the HEIC reader


def y4m(picture: Image.Image, target: Path, frames: int = 3) -> Path:
    """Write a clip of a still picture for Chromium's fake camera."""
    width, height = picture.size
    planes = np.asarray(picture.convert("YCbCr"))
    luma = planes[:, :, 0].tobytes()
    chroma = b"".join(planes[::2, ::2, channel].tobytes() for channel in (1, 2))
    frame = b"FRAME\n" + luma + chroma
    target.write_bytes(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * frames)
    return target
