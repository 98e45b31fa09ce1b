"""Helpers for tests of guests' pages: they send photos and portraits and wait for the results."""

from typing import Any

from PIL import Image

from testkit.builders import people
from testkit.pictures import saved
from testkit.servers import wait_until
from tests.pages.stage import Event, Stage


def send_portrait(stage: Stage, event: Event, name: str, data: bytes) -> None:
    """Send a guest's portrait and wait until its matching is done."""
    guest = stage.as_guest(event, name)
    guest.call("POST", "/api/upload-selfie", files={"file": ("me.jpg", data, "image/jpeg")})
    wait_until(lambda: guest.call("GET", "/api/rematch-status")["status"] == "done", 20, "the portrait")


def send_photos(stage: Stage, event: Event, photos: list[bytes], wait: bool = True) -> list[int]:
    """Send photos as the photographer and, with `wait`, wait until they are processed; return their ids."""
    photographer = stage.as_photographer(event)
    path = f"/api/photographer/events/{event.id}/upload-photos"
    files = [("files", (f"DSC_{place:04}.jpg", data, "image/jpeg")) for place, data in enumerate(photos)]
    sent: list[dict[str, Any]] = photographer.call("POST", path, files=files)["uploaded_photos"]
    progress = f"/api/photographer/events/{event.id}/progress"
    if wait:
        wait_until(lambda: photographer.call("GET", progress)["pending"] == 0, 30, "the photos")
        wait_until(lambda: photographer.call("GET", progress)["processing"] == 0, 30, "the photos")
    return [photo["id"] for photo in sent]


def remove_photo(stage: Stage, event: Event, photo_id: int) -> None:
    """Delete a photo as its photographer."""
    stage.as_photographer(event).call("DELETE", f"/api/photos/{photo_id}")


def scene(number: int, *persons: int, tall: bool = False) -> bytes:
    """Return a JPEG of fake persons; its background depends on `number`, so that the bytes differ."""
    size = (480, 720) if tall else (720, 480)
    ground = Image.new("RGB", size, (255, 255, 255 - number % 28))
    for place, person in enumerate(persons):
        square = Image.open(_bytes(people(person))).crop((80, 80, 200, 200))
        ground.paste(square, (60 + place * 160, 120 + number % 40))
    return saved(ground, "JPEG", quality=92)


def _bytes(data: bytes) -> Any:
    from io import BytesIO

    return BytesIO(data)
