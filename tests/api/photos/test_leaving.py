"""Who leaves an event: a photographer keeps their own photos, a guest sees nothing of it any more."""

from sqlalchemy import delete

from database import transaction
from models import UserEvent
from testkit.builders import Service, people
from testkit.pictures import refused


def test_a_photographers_own_photos_stay_visible_after_leaving_the_event(service: Service) -> None:
    event, second = service.event(), service.photographer()
    both = {"photographer_ids": [event.photographer.id, second.id]}
    assert service.put(f"/api/admin/events/{event.id}", service.admin, json=both).status_code == 200
    (mine,) = service.upload(event, people(1))["uploaded_photos"]
    files = {"files": ("theirs.jpg", people(2), "image/jpeg")}
    path = f"/api/photographer/events/{event.id}/upload-photos"
    (theirs,) = service.post(path, second, files=files).json()["uploaded_photos"]
    service.process_photos(event)
    only = {"photographer_ids": [second.id]}
    assert service.put(f"/api/admin/events/{event.id}", service.admin, json=only).status_code == 200
    refused(service.get(f"/api/photographer/events/{event.id}/photos", event.photographer), 404, "NoSuchEvent")
    assert service.get(f"/api/photo/{mine['id']}", event.photographer).status_code == 200
    refused(service.get(f"/api/photo/{theirs['id']}", event.photographer), 404, "NoSuchPhoto")
    (listed,) = service.get("/api/my-uploaded-photos", event.photographer).json()
    assert listed["id"] == mine["id"]
    assert service.get(listed["url"]).status_code == 200
    assert service.delete(f"/api/photos/{mine['id']}", event.photographer).status_code == 200
    left = service.get(f"/api/photographer/events/{event.id}/photos", second).json()
    assert [photo["id"] for photo in left] == [theirs["id"]]


def test_a_guest_who_is_no_longer_of_an_event_sees_nothing_of_it(service: Service) -> None:
    event = service.event(guests_see_all_photos=True)
    (photo,) = service.upload(event, people(1))["uploaded_photos"]
    service.process_photos(event)
    guest = service.guest_found_as(event)
    link = service.my_photos(guest)[0]["url"]
    service.put(f"/api/photographer/events/{event.id}/cover", event.photographer, json={"photo_id": photo["id"]})
    assert service.get(link).status_code == 200
    with transaction() as session:
        session.execute(delete(UserEvent).where(UserEvent.user_id == guest.id))
    refused(service.get(f"/api/photo/{photo['id']}", guest), 404, "NoSuchPhoto")
    refused(service.get(link), 404, "NoSuchPhoto")
    refused(service.get(f"/api/user/events/{event.id}/photos", guest), 403, "NotInEvent")
    refused(service.get("/api/my-photos", guest), 404, "NoSuchEvent")
