"""Photos and the cover of an event, sent by its photographer over the network."""

from collections.abc import Iterable

from testkit.servers import Api, wait_until


def send_photos(photographer: Api, event_id: int, photos: Iterable[bytes], *, seconds: float = 60) -> list[int]:
    """Send photos and wait until they are processed, or not at all with `seconds` of zero; return their ids."""
    path = f"/api/photographer/events/{event_id}"
    files = [("files", (f"DSC_{place:04}.jpg", data, "image/jpeg")) for place, data in enumerate(photos)]
    sent = photographer.call("POST", f"{path}/upload-photos", files=files)["uploaded_photos"]

    def is_through() -> bool:
        progress = photographer.call("GET", f"{path}/progress")
        return bool(progress["pending"] == progress["processing"] == 0)

    if seconds:
        wait_until(is_through, seconds, "the photos")
    return [photo["id"] for photo in sent]


def give_cover(photographer: Api, event_id: int, photo_id: int) -> None:
    """Choose a photo as the event's cover."""
    photographer.call("PUT", f"/api/photographer/events/{event_id}/cover", json={"photo_id": photo_id})


def send_cover(photographer: Api, event_id: int, photo: bytes) -> None:
    """Send a photo, wait until it is processed, and choose it as the event's cover."""
    give_cover(photographer, event_id, send_photos(photographer, event_id, [photo])[0])
