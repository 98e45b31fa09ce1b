"""What guests do with an event's photos: wait for them, mark favourites, download them."""

import io
from typing import Any

import numpy as np
from PIL import Image

from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import refused


def progress(service: Service, event: EventInfo, guest: Person) -> dict[str, Any]:
    answer = service.get(f"/api/user/events/{event.id}/progress", guest)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_progress_tells_a_waiting_guest_what_there_is(service: Service) -> None:
    event, other = service.event(), service.event()
    guest = service.guest_found_as(event)
    assert progress(service, event, guest) == {
        "photos": 0,
        "processed": 0,
        "matched": 0,
        "favourites": 0,
        "for_everyone": 0,
        "last_photo_at": None,
    }
    service.upload(other, people(1))
    service.upload(event, people(1), people(2), people(1, 3))
    service.process_photos(event)
    found = progress(service, event, guest)
    newest = max(photo["uploaded_at"] for photo in service.process_photos(event))
    counts = {"photos": 3, "processed": 3, "matched": 2, "favourites": 0, "for_everyone": 0}
    assert found == {**counts, "last_photo_at": newest}
    refused(service.get(f"/api/user/events/{other.id}/progress", guest), 403, "NotInEvent")
    refused(service.get(f"/api/user/events/{event.id}/progress", event.photographer), 403, "GuestsOnly")


def test_a_listed_photo_has_what_a_gallery_needs(service: Service) -> None:
    event = service.event()
    original = people(1)
    service.upload(event, original, names=["Léa & Tom/«1».jpg"])
    service.process_photos(event)
    (photo,) = service.my_photos(service.guest_found_as(event))
    assert (photo["size"], photo["favourite"]) == (len(original), False)
    thumbnail = Image.open(io.BytesIO(service.get(photo["thumbnail_url"]).content)).convert("RGB")
    mean = np.asarray(thumbnail).reshape(-1, 3).mean(axis=0)
    told = [int(photo["mean_colour"][at : at + 2], 16) for at in (1, 3, 5)]
    assert np.abs(mean - told).max() < 3
    answer = service.get(photo["download_url"])
    assert answer.content == original
    assert (
        answer.headers["content-disposition"]
        == "attachment; filename=\"_1_.jpg\"; filename*=UTF-8''%C2%AB1%C2%BB.jpg"
    )
    assert service.get(photo["url"]).headers["content-disposition"].startswith("inline")
    (seen,) = service.process_photos(event)
    assert (seen["size"], seen["mean_colour"]) == (photo["size"], photo["mean_colour"])


# --- favourites ------------------------------------------------------------------------------------


def favourites(service: Service, event: EventInfo, guest: Person, **page: Any) -> list[int]:
    answer = service.get(f"/api/user/events/{event.id}/favourites", guest, params=page)
    assert answer.status_code == 200, answer.text
    return [photo["id"] for photo in answer.json()]


def test_favourites_are_kept_listed_and_let_go(service: Service) -> None:
    event = service.event()
    ids = [each["id"] for each in service.upload(event, people(1), people(1, 2), people(1, 3))["uploaded_photos"]]
    service.process_photos(event)
    guest, other = service.guest_found_as(event), service.guest_found_as(event)
    for photo_id in (*ids, ids[0]):
        assert service.put(f"/api/photos/{photo_id}/favourite", guest).json() == {"favourite": True}
    for _ in range(2):
        assert service.delete(f"/api/photos/{ids[1]}/favourite", guest).json() == {"favourite": False}
    assert favourites(service, event, guest) == [ids[2], ids[0]]
    assert {photo["id"]: photo["favourite"] for photo in service.my_photos(guest)} == {
        ids[0]: True,
        ids[1]: False,
        ids[2]: True,
    }
    assert not any(photo["favourite"] for photo in service.my_photos(other))
    first = service.get(f"/api/user/events/{event.id}/favourites", guest, params={"limit": 1})
    assert first.headers["X-Total-Count"] == "2"
    assert favourites(service, event, guest, cursor=first.headers["X-Next-Cursor"]) == [ids[0]]
    assert progress(service, event, guest)["favourites"] == 2
    assert service.delete(f"/api/photos/{ids[0]}", event.photographer).status_code == 200
    assert favourites(service, event, guest) == [ids[2]]


def test_only_what_a_guest_may_still_see_is_a_favourite(service: Service) -> None:
    event, other = service.event(guests_see_all_photos=True), service.event()
    (mine, theirs) = (each["id"] for each in service.upload(event, people(1), people(2))["uploaded_photos"])
    (hidden,) = (each["id"] for each in service.upload(other, people(1))["uploaded_photos"])
    service.process_photos(event)
    guest = service.guest_found_as(event)
    for photo_id in (mine, theirs):
        assert service.put(f"/api/photos/{photo_id}/favourite", guest).status_code == 200
    for photo_id in (hidden, 10**15):
        for call in (service.put, service.delete):
            refused(call(f"/api/photos/{photo_id}/favourite", guest), 404, "NoSuchPhoto")
    refused(service.put(f"/api/photos/{mine}/favourite", event.photographer), 403, "GuestsOnly")
    assert favourites(service, event, guest) == [theirs, mine]
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"guests_see_all_photos": False})
    assert favourites(service, event, guest) == [mine]
    assert progress(service, event, guest)["favourites"] == 1
    refused(service.get(f"/api/user/events/{other.id}/favourites", guest), 403, "NotInEvent")


# --- "that is not me" ------------------------------------------------------------------------------


def test_a_photo_that_is_not_me_disappears_and_stays_away(service: Service) -> None:
    event = service.event()
    ids = [each["id"] for each in service.upload(event, people(1), people(1, 2))["uploaded_photos"]]
    service.process_photos(event)
    guest = service.guest_found_as(event)
    path = f"/api/photos/{ids[0]}/not-me"
    refused(service.delete(path, guest), 404, "NoSuchRefusal")
    for _ in range(2):
        assert isinstance(service.post(path, guest).json()["message"], str)
    assert [photo["id"] for photo in service.my_photos(guest)] == [ids[1]]
    refused(service.get(f"/api/photo/{ids[0]}", guest), 404, "NoSuchPhoto")
    service.post(f"/api/photographer/events/{event.id}/rematch", event.photographer)
    assert service.settle(guest)["matched"] == 1
    service.send_selfie(guest, people(1))
    assert service.settle(guest)["matched"] == 1
    assert isinstance(service.delete(path, guest).json()["message"], str)
    assert sorted(photo["id"] for photo in service.my_photos(guest)) == ids
    refused(service.delete(path, guest), 404, "NoSuchRefusal")


def test_only_a_match_of_ones_own_is_refused(service: Service) -> None:
    event = service.event(guests_see_all_photos=True)
    (theirs,) = (each["id"] for each in service.upload(event, people(2))["uploaded_photos"])
    service.process_photos(event)
    guest = service.guest_found_as(event)
    for photo_id in (theirs, 10**15):
        refused(service.post(f"/api/photos/{photo_id}/not-me", guest), 404, "NoSuchMatch")
        refused(service.delete(f"/api/photos/{photo_id}/not-me", guest), 404, "NoSuchRefusal")
    refused(service.post(f"/api/photos/{theirs}/not-me", event.photographer), 403, "GuestsOnly")
