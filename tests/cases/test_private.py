"""What is shown to guests carries no place, owner, serial number, comment or embedded picture of the file."""

import io

import pillow_heif
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from testkit.builders import EventInfo, Service
from tests.cases.conftest import Send, case

FILE = "private_gps_thumb.jpg"
SECRET = b"SECRET123"
# JFIF and a colour profile: application segments of a JPEG that tell nothing about a person.
HARMLESS = {0xE0, 0xE2}
SCAN = 0xDA


def segments(data: bytes) -> set[int]:
    """Return the markers before the first scan of a JPEG that are application segments or comments."""
    found, at = set(), 2
    while data[at + 1] != SCAN:
        found.add(data[at + 1])
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return {each for each in found if each >= 0xE0}


def _png(image: Image.Image, exif: bytes, xmp: bytes) -> bytes:
    told, out = PngInfo(), io.BytesIO()
    told.add_text("Author", SECRET.decode())
    told.add_itxt("XML:com.adobe.xmp", xmp.decode())
    image.save(out, "PNG", pnginfo=told, exif=exif)
    return out.getvalue()


def _webp(image: Image.Image, exif: bytes, xmp: bytes) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", exif=exif, xmp=xmp)
    return out.getvalue()


def _heic(image: Image.Image, exif: bytes, xmp: bytes) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(image).save(out, exif=exif, xmp=xmp)
    return out.getvalue()


@pytest.mark.parametrize("written", [None, _png, _webp, _heic])
@pytest.mark.long
def test_what_guests_get_tells_nothing(
    real_sqlite_service: Service, event: EventInfo, sent: Send, written: object
) -> None:
    data = case(FILE)
    if callable(written):
        with Image.open(io.BytesIO(data)) as image:
            xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
            data = written(image.convert("RGB"), image.info["exif"], xmp)
    assert SECRET in data
    photo = sent(FILE, name=f"{getattr(written, '__name__', 'as_it_is')}.jpg", data=data)
    guest = real_sqlite_service.guest(event)
    copy = real_sqlite_service.get(f"/api/photo/{photo['id']}", guest, params={"size": "original"}).content
    assert not [told for told in (SECRET, b"Photoshop", b"ns.adobe.com", b"xmp", b"Author") if told in copy]
    assert copy.count(b"\xff\xd8\xff") <= 1
    for size in ("web", "medium", "thumb"):
        shown = real_sqlite_service.get(f"/api/photo/{photo['id']}", guest, params={"size": size}).content
        assert segments(shown) <= HARMLESS
        assert shown.count(b"\xff\xd8\xff") == 1
        for told in (SECRET, b"Exif", b"GPS", b"Photoshop", b"ns.adobe.com", b"xmp"):
            assert told not in shown
