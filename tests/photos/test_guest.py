"""What a guest does with the photos of an event: waits for them, keeps them, loads them down."""

import io
from typing import Any

import numpy as np
from PIL import Image

from tests.builders import EventInfo, Person, Service, people
from tests.pictures import refused


def matched_guest(service: Service, event: EventInfo, number: int = 1) -> Person:
    guest = service.guest(event)
    service.send_selfie(guest, people(number))
    assert service.settle(guest)["status"] == "done"
    return guest


def progress(service: Service, event: EventInfo, guest: Person) -> dict[str, Any]:
    answer = service.get(f"/api/user/events/{event.id}/progress", guest)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_progress_tells_a_waiting_guest_what_there_is(service: Service) -> None:
    event, other = service.event(), service.event()
    guest = matched_guest(service, event)
    assert progress(service, event, guest) == {
        "photos": 0,
        "processed": 0,
        "matched": 0,
        "favourites": 0,
        "last_photo_at": None,
    }
    service.upload(other, people(1))
    service.upload(event, people(1), people(2), people(1, 3))
    service.process_photos(event)
    found = progress(service, event, guest)
    newest = max(photo["uploaded_at"] for photo in service.process_photos(event))
    assert found == {"photos": 3, "processed": 3, "matched": 2, "favourites": 0, "last_photo_at": newest}
    refused(service.get(f"/api/user/events/{other.id}/progress", guest), 403, "NotInEvent")
    refused(service.get(f"/api/user/events/{event.id}/progress", event.photographer), 403, "GuestsOnly")


def test_a_listed_photo_has_what_a_gallery_needs(service: Service) -> None:
    event = service.event()
    original = people(1)
    service.upload(event, original, names=["Léa & Tom/«1».jpg"])
    service.process_photos(event)
    (photo,) = service.my_photos(matched_guest(service, event))
    assert (photo["size"], photo["favourite"]) == (len(original), False)
    thumbnail = Image.open(io.BytesIO(service.get(photo["thumbnail_url"]).content)).convert("RGB")
    mean = np.asarray(thumbnail).reshape(-1, 3).mean(axis=0)
    told = [int(photo["mean_colour"][at : at + 2], 16) for at in (1, 3, 5)]
    assert np.abs(mean - told).max() < 3
    answer = service.get(photo["download_url"])
    assert answer.content == original
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%C2%AB1%C2%BB.jpg"
    assert service.get(photo["url"]).headers["content-disposition"].startswith("inline")
    (seen,) = service.process_photos(event)
    assert (seen["size"], seen["mean_colour"]) == (photo["size"], photo["mean_colour"])
