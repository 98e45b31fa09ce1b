"""Photos are processed again in a running service: guests gain photos, keep what they said, see the new pictures."""

import io
from datetime import timedelta

from PIL import Image
from sqlalchemy import delete, update

import storage
from api.sessions import SESSION_COOKIE
from database import transaction
from models import DONE, FAILED, PENDING, Event, Face, Photo, Reprocessing, utcnow
from photos.keys import rendition_keys
from photos.reprocessing import service as reprocessing
from testkit.builders import EventInfo, Service, people
from testkit.servers import wait_until
from testkit.world_making import faces_in


def forget(photo_id: int) -> None:
    """Leave a photo as a release made it that found no face and made other pictures."""
    with transaction() as session:
        photo = session.get_one(Photo, photo_id)
        session.execute(delete(Face).where(Face.photo_id == photo_id))
        session.execute(update(Event).where(Event.id == photo.event_id).values(version=Event.version + 1))
        picture = io.BytesIO()
        Image.new("RGB", (40, 30), "red").save(picture, "JPEG")
        for key in rendition_keys(photo.event_id, photo.filename):
            storage.put(key, picture.getvalue())


def make_anew(service: Service, event: EventInfo) -> None:
    """Plan the event's photos and wait until the service has made them."""
    assert reprocessing.plan(event.id) is not None
    provider = "/api/admin/provider"
    wait_until(lambda: not service.get(provider, service.admin).json()["reprocessing"], 30, "the photos")


def test_a_guest_gains_a_photo_keeps_a_refusal_and_sees_the_new_picture(service: Service) -> None:
    event = service.event()
    sent = service.upload(event, people(1), people(1, 2), people(1, 3))["uploaded_photos"]
    service.process_photos(event)
    first, refused, lost = (each["id"] for each in sent)
    guest = service.guest_found_as(event)
    assert service.post(f"/api/photos/{refused}/not-me", guest).status_code == 200
    forget(lost)
    assert {each["id"] for each in service.my_photos(guest)} == {first}
    url = f"/api/photo/{lost}?size=thumb"
    old = service.get(url, service.admin)
    listed = {each["id"]: each for each in service.my_photos(guest)}
    make_anew(service, event)
    assert {each["id"] for each in service.my_photos(guest)} == {first, lost}
    new = service.get(url, service.admin, headers={"If-None-Match": old.headers["etag"]})
    assert (new.status_code, new.content != old.content) == (200, True)
    assert new.headers["etag"] != old.headers["etag"]
    again = service.get(url, service.admin, headers={"If-None-Match": new.headers["etag"]})
    assert again.status_code == 304
    now = {each["id"]: each for each in service.my_photos(guest)}[first]
    assert now["thumbnail_url"] != listed[first]["thumbnail_url"], "an app that keeps the old one asks again"
    assert now["download_url"] == listed[first]["download_url"]
    path = now["thumbnail_url"].split("://")[-1].partition("/")[2]
    assert service.get(f"/{path}").status_code == 200
    assert len(faces_in(event.id)) == 3


def test_the_admin_sees_how_far_it_is(service: Service) -> None:
    event = service.event(name="Bal des pompiers")
    service.upload(event, people(1), people(2), people(3))
    photos = service.process_photos(event)
    with transaction() as session:
        for photo, status in zip(photos, (PENDING, FAILED, DONE), strict=True):
            job = Reprocessing(photo_id=photo["id"], event_id=event.id, status=status)
            # Not to be claimed by the running service.
            job.lease_until = utcnow() + timedelta(days=1)
            session.add(job)
    (told,) = service.get("/api/admin/provider", service.admin).json()["reprocessing"]
    assert told == {"event_id": event.id, "event_name": "Bal des pompiers", "done": 1, "total": 3, "failed": 1}
    jobs = service.get("/api/admin/jobs", service.admin).json()
    assert [each["kind"] for each in jobs["failed"]] == ["reprocessings"]
    assert [jobs["kinds"]["reprocessings"][each] for each in ("pending", "failed")] == [1, 1]
    browser = {"Accept-Language": "en", "Cookie": f"{SESSION_COOKIE}={service.admin.token}"}
    page = service.get("/admin", headers=browser).text
    assert "1 of 3 photos processed again" in page
    assert "1 photo could not be read and stays as it is" in page
    assert "Photos processed again" in service.get("/admin/jobs", headers=browser).text
    body = {"kind": "reprocessings", "id": jobs["failed"][0]["id"]}
    assert service.post("/api/admin/jobs/retry", service.admin, json=body).json() == {"retried": 1}
    assert reprocessing.cancel(event.id) >= 1
    assert service.get("/api/admin/provider", service.admin).json()["reprocessing"] == []
