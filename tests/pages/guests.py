"""Helpers for tests of guests' pages: they send photos and portraits and wait for the results."""

from typing import Any

from PIL import Image

from testkit import event_photos
from testkit.builders import people
from testkit.pictures import saved
from testkit.servers import wait_until
from tests.pages.stage import Event, Stage


def guest_found_as(stage: Stage, event: Event, person: int, name: str | None = None) -> str:
    """Register a guest whose portrait shows this fake person, and wait for its matching; return the name."""
    name = stage.guest(event, name)
    send_portrait(stage, event, name, people(person))
    return name


def send_portrait(stage: Stage, event: Event, name: str, data: bytes) -> None:
    """Send a guest's portrait and wait until its matching is done."""
    guest = stage.as_guest(event, name)
    guest.call("POST", "/api/upload-selfie", files={"file": ("me.jpg", data, "image/jpeg")})
    wait_until(lambda: guest.call("GET", "/api/rematch-status")["status"] == "done", 20, "the portrait")


def send_photos(stage: Stage, event: Event, photos: list[bytes], wait: bool = True) -> list[int]:
    """Send photos as the photographer and, with `wait`, wait until they are processed; return their ids."""
    return event_photos.send_photos(stage.as_photographer(event), event.id, photos, seconds=60 if wait else 0)


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
