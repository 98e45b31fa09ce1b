"""What photographers and administrators read and do while photos are processed."""

import hashlib
from typing import Any

import pytest
from sqlalchemy import update

from database import transaction
from models import FAILED, Photo
from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import refused


def path(event: EventInfo, call: str) -> str:
    return f"/api/photographer/events/{event.id}/{call}"


def progress(service: Service, event: EventInfo, who: Person | None = None) -> dict[str, Any]:
    answer = service.get(path(event, "progress"), who or event.photographer)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- progress --------------------------------------------------------------------------------------


def test_progress_counts_one_event_alone(service: Service) -> None:
    event, other = service.event(), service.event()
    assert progress(service, event) == dict.fromkeys(progress(service, event), 0) | {"oldest_pending_seconds": None}
    photos = [people(1, 2), people(1), people(3)]
    service.upload(event, *photos)
    service.upload(other, people(1))
    guests = [service.guest(event) for _ in range(3)]
    for guest, number in zip(guests, (1, 4), strict=False):
        service.send_selfie(guest, people(number))
        service.settle(guest)
    service.process_photos(event)
    found = progress(service, event)
    assert found == {
        "received": 3,
        "pending": 0,
        "processing": 0,
        "done": 3,
        "failed": 0,
        "incomplete": 0,
        "faces": 4,
        "guests": 3,
        "guests_with_selfie": 2,
        "guests_matched": 1,
        "matches": 2,
        "bytes": sum(len(photo) for photo in photos),
        "oldest_pending_seconds": None,
    }
    assert progress(service, event, service.admin) == found
    with transaction() as session:
        session.execute(update(Photo).where(Photo.event_id == other.id).values(status="processing"))
    waiting = progress(service, other)
    assert (waiting["processing"], waiting["done"]) == (1, 0)
    assert 0 <= waiting["oldest_pending_seconds"] < 60


@pytest.mark.parametrize(("method", "call"), [("get", "progress"), ("post", "known-checksums")])
def test_only_the_events_staff_may_ask(service: Service, method: str, call: str) -> None:
    event, other = service.event(), service.event()
    body: dict[str, Any] = {"json": {"sha256": []}} if method == "post" else {}
    ask = getattr(service, method)
    refused(ask(path(event, call), other.photographer, **body), 404, "NoSuchEvent")
    refused(ask(path(event, call), service.guest(event), **body), 403, "PhotographersOnly")
    refused(ask(path(event, call), **body), 401, "NotAuthenticated")
    assert ask(path(event, call), service.admin, **body).status_code == 200
    refused(ask(path(EventInfo(10**15, "", other.photographer), call), service.admin, **body), 404, "NoSuchEvent")


# --- known checksums -------------------------------------------------------------------------------


def test_photos_that_are_there_are_known_by_their_checksums(service: Service) -> None:
    event, other = service.event(), service.event()
    first, second, elsewhere, new = people(1), people(2), people(5), people(6)
    ids = [each["id"] for each in service.upload(event, first, second)["uploaded_photos"]]
    service.upload(other, elsewhere)
    service.process_photos(event)
    with transaction() as session:
        session.execute(update(Photo).where(Photo.id == ids[1]).values(status=FAILED))
    asked = [checksum(new), checksum(second), checksum(first).upper(), checksum(elsewhere), checksum(first)]
    # As many as a photographer's card holds: looked up in batches.
    asked += [checksum(str(number).encode()) for number in range(2000)]
    answer = service.post(path(event, "known-checksums"), event.photographer, json={"sha256": asked})
    assert answer.json() == {
        "known": [
            {"sha256": checksum(second), "id": ids[1], "processing_status": "failed"},
            {"sha256": checksum(first), "id": ids[0], "processing_status": "done"},
        ]
    }


@pytest.mark.parametrize(
    "sha256", [["x" * 64], ["a" * 63], [1], "a" * 64, None, ["a" * 64 + "\n"], ["a" * 64] * 10_001]
)
def test_what_is_no_list_of_checksums_is_refused(service: Service, sha256: Any) -> None:
    event = service.event()
    body = {"sha256": sha256}
    refused(service.post(path(event, "known-checksums"), event.photographer, json=body), 422, "InvalidRequest")


# --- trying again ----------------------------------------------------------------------------------


def test_failed_photos_of_one_event_are_tried_again(service: Service) -> None:
    event, other = service.event(), service.event()
    for each in (event, other):
        service.upload(each, people(1), people(2))
        service.process_photos(each)
    with transaction() as session:
        session.execute(update(Photo).values(status=FAILED, error="a fault").where(Photo.event_id == other.id))
        first = service.get(path(event, "photos"), event.photographer).json()[0]["id"]
        session.execute(update(Photo).values(status=FAILED, error="a fault").where(Photo.id == first))
    assert service.post(path(event, "retry-failed"), event.photographer).json() == {"retried": 1}
    assert all(photo["processing_status"] == "done" for photo in service.process_photos(event))
    assert service.post(path(event, "retry-failed"), event.photographer).json() == {"retried": 0}
    assert all(photo["processing_status"] == "failed" for photo in service.process_photos(other))
    refused(service.post(path(other, "retry-failed"), event.photographer), 404, "NoSuchEvent")
    assert service.post(path(other, "retry-failed"), service.admin).json() == {"retried": 2}


# --- the cover -------------------------------------------------------------------------------------


def test_every_member_sees_the_cover_of_an_event_that_keeps_photos_private(service: Service) -> None:
    event, other = service.event(), service.event()
    first, second = (each["id"] for each in service.upload(event, people(1), people(2))["uploaded_photos"])
    (elsewhere,) = (each["id"] for each in service.upload(other, people(1))["uploaded_photos"])
    service.process_photos(event)
    guest, stranger = service.guest(event), service.guest(other)

    def covers() -> list[str | None]:
        mine = service.get("/api/user/events", guest).json()[0]
        theirs = service.get("/api/photographer/events", event.photographer).json()[0]
        one = service.get("/api/photographer/my-event", event.photographer).json()
        every = service.get("/api/admin/events", service.admin).json()
        detail = service.get(f"/api/admin/events/{event.id}", service.admin).json()
        changed = service.put(f"/api/admin/events/{event.id}", service.admin, json={}).json()
        listed = next(each for each in every if each["id"] == event.id)
        return [each["cover_url"] for each in (mine, theirs, one, listed, detail, changed)]

    assert covers() == [None] * 6
    assert service.get(f"/api/photo/{first}", guest).status_code == 404
    for photo_id, who in ((second, event.photographer), (first, service.admin)):
        answer = service.put(path(event, "cover"), who, json={"photo_id": photo_id})
        assert answer.status_code == 200, answer.text
        assert f"/api/photo/{photo_id}?" in answer.json()["cover_url"]
    urls = [url for url in covers() if url is not None]
    assert len(urls) == 6
    assert all(service.get(url).status_code == 200 for url in urls)
    assert service.get(f"/api/photo/{second}", guest).status_code == 404
    assert service.get(f"/api/photo/{first}", stranger).status_code == 404
    assert service.get(f"/api/user/events/{event.id}/photos", guest).json() == []
    for photo_id in (elsewhere, 10**15):
        body = {"photo_id": photo_id}
        refused(service.put(path(event, "cover"), event.photographer, json=body), 404, "NoSuchPhoto")
    refused(service.put(path(event, "cover"), other.photographer, json={"photo_id": first}), 404, "NoSuchEvent")
    for _ in range(2):
        assert service.delete(path(event, "cover"), event.photographer).json()["cover_url"] is None
    assert service.get(f"/api/photo/{first}", guest).status_code == 404
    service.put(path(event, "cover"), event.photographer, json={"photo_id": first})
    service.delete(f"/api/photos/{first}", event.photographer)
    assert covers() == [None] * 6
    service.put(path(event, "cover"), event.photographer, json={"photo_id": second})
    assert service.delete(f"/api/admin/events/{event.id}", service.admin).status_code == 200
