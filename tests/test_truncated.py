"""A picture that is cut off is refused whatever its metadata hold; one that only lacks its last mark is taken."""

import io

import numpy as np
import pytest
from PIL import Image

from images import DamagedImage, ImageError, decode, inspect
from testkit.builders import Service
from testkit.pictures import refused

MANY = 120_000_000
END = b"\xff\xd9"


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (240, 320, 3)).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    output = io.BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


def with_thumbnail() -> bytes:
    """Return a JPEG whose EXIF holds a whole small JPEG, end mark included, as cameras write it."""
    small = encoded(noise().resize((40, 30)))
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    block = exif.tobytes() + small
    assert END in block
    return encoded(noise(), exif=block)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.99])
def test_the_end_of_a_thumbnail_is_not_the_end_of_its_photo(kept: float) -> None:
    data = with_thumbnail()
    assert inspect(data, MANY).width == 320
    cut = data[: int(len(data) * kept)]
    assert END in cut
    with pytest.raises(DamagedImage):
        decode(cut)


def test_a_truncated_selfie_with_a_thumbnail_is_refused(service: Service) -> None:
    data = with_thumbnail()
    files = {"file": ("selfie.jpg", data[: len(data) // 2], "image/jpeg")}
    refused(service.post("/api/validate-selfie", files=files), 400, "InvalidImage")


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("behind", [b"", bytes(100), b"what a camera notes"])
def test_a_jpeg_that_lacks_only_its_end_mark_is_taken(behind: bytes, mode: str) -> None:
    data = encoded(noise().convert(mode))
    assert data.endswith(END)
    taken = data[:-2] + behind
    assert inspect(taken, MANY).width == 320
    assert (decode(taken) == decode(data)).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "HEIF", "AVIF"])
def test_a_file_that_lacks_its_last_byte_is_cut_off(kind: str) -> None:
    data = encoded(noise().resize((64, 48)), kind)
    assert inspect(data, MANY).width == 64
    with pytest.raises(ImageError):
        inspect(data[:-1], MANY)
