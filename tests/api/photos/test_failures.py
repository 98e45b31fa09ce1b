"""Why a photo could not be processed is told in the photographer's language."""

import struct
import zlib

from testkit.builders import Service


def scrambled_png() -> bytes:
    """Return a PNG whose chunks are in order, and whose picture cannot be unpacked."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"scrambled") + chunk(b"IEND", b"")


def test_a_failed_photo_says_why_in_a_sentence(service: Service) -> None:
    event = service.event()
    service.upload(event, scrambled_png(), names=["scrambled.png"])
    (photo,) = service.process_photos(event)
    assert photo["processing_status"] == "failed"
    assert photo["reason"] == "Le fichier image est endommagé ou incomplet."
    path = f"/api/photographer/events/{event.id}/photos"
    (photo,) = service.get(path, event.photographer, headers={"Accept-Language": "en"}).json()
    assert photo["reason"] == "The image file is damaged or incomplete."
