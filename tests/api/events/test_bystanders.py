"""Events that do not keep faces of strangers, in a running service: late guests are found, and everybody is told."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from api.sessions import SESSION_COOKIE
from database import reading, transaction
from ending import bystanders
from models import Face, Photo, Redetection, UnstoredFaces, utcnow
from settings import get_settings
from testkit.builders import EventInfo, Service, people
from testkit.servers import wait_until


@pytest.fixture
def jar(service: Service) -> Iterator[None]:
    """The browser of an administrator."""
    service.client.cookies.clear()
    service.client.cookies.set(SESSION_COOKIE, service.admin.token)
    yield
    service.client.cookies.clear()


def stored(event: EventInfo) -> tuple[int, int]:
    """Return how many faces of the event are stored, and how many are not."""
    with reading() as session:
        rows = session.query(UnstoredFaces).filter(UnstoredFaces.event_id == event.id)
        faces = session.query(Face).filter(Face.event_id == event.id).count()
        return faces, sum(each.number for each in rows)


def page(service: Service, path: str) -> str:
    answer = service.get(path, headers={"Accept": "text/html", "Accept-Language": "en"})
    assert answer.status_code == 200, answer.text
    return html.unescape(re.sub(r"\s+", " ", answer.text))


def test_a_late_guest_is_found_by_searching_the_photos_again(
    service: Service, jar: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "search_again_seconds", 0.0)
    event = service.event(bystanders="none")
    sent = service.upload(event, people(1), people(1, 2), people(3))["uploaded_photos"]
    service.process_photos(event)
    assert stored(event) == (0, 4)
    told = page(service, f"/admin/events/{event.id}")
    assert "4 faces in 3 photos match no guest and aren’t stored" in told
    assert "of this server for all guests who come within half a minute" in told
    progress = service.get(f"/api/admin/events/{event.id}", service.admin).json()
    assert progress["faces"] == 4
    guest = service.guest_found_as(event)
    assert {each["id"] for each in service.my_photos(guest)} == {sent[0]["id"], sent[1]["id"]}
    assert stored(event) == (2, 2)
    kinds = service.get("/api/admin/jobs", service.admin).json()["kinds"]
    assert kinds["redetections"]["failed"] == 0
    listed = service.get(f"/api/photographer/events/{event.id}/photos", event.photographer).json()
    assert sorted(each["face_count"] for each in listed) == [1, 1, 2], "staff are told how many were found"


def test_what_is_erased_can_not_be_confirmed_and_the_receipt_is_shown(service: Service, jar: None) -> None:
    event = service.event(bystander_days=7, guests_see_all_photos=True)
    (sent,) = service.upload(event, people(1, 2))["uploaded_photos"]
    service.process_photos(event)
    guest = service.guest_found_as(event)
    faces = service.get(f"/api/photo/{sent['id']}/faces", guest).json()["boxes"]
    (other,) = [each["face_id"] for each in faces if not each["matched"]]
    with transaction() as session:
        session.get_one(Photo, sent["id"]).uploaded_at = utcnow() - timedelta(days=8)
    bystanders.sweep(utcnow())
    assert stored(event) == (1, 1)
    service.client.cookies.clear()
    answer = service.post(f"/api/photos/{sent['id']}/me", guest, json={"face_id": other})
    assert (answer.status_code, answer.json()["error"]) == (409, "FaceNotKept")
    assert len(service.get(f"/api/photo/{sent['id']}/faces", guest).json()["boxes"]) == 1
    (receipt, *_) = service.get("/api/admin/erasures", service.admin).json()
    assert (receipt["kind"], receipt["event_id"], receipt["counts"]) == ("bystanders", event.id, {"faces": 1})
    service.client.cookies.set(SESSION_COOKIE, service.admin.token)
    assert "Faces of people who aren’t guests erased: 1." in page(service, f"/admin/events/{event.id}")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"bystanders": "keep"}, "as long as faces are compared"),
        ({}, "until the last day to join at the latest"),
        ({"bystander_days": 9}, "for 9 days after the photo arrives"),
        ({"bystanders": "none"}, "we don’t store them"),
    ],
)
def test_guests_read_what_becomes_of_faces_of_strangers(service: Service, fields: dict[str, Any], told: str) -> None:
    event = service.event(**fields)
    assert told in page(service, f"/privacy?event_code={event.code}")
    assert "each event has chosen how long we keep them" in page(service, "/privacy")


@pytest.mark.parametrize("wrong", [{"bystanders": "never"}, {"bystander_days": 0}, {"bystander_days": 366}])
def test_what_is_no_choice_is_refused(service: Service, wrong: dict[str, object]) -> None:
    event = service.event()
    for answer in (
        service.post("/api/admin/create-event", service.admin, json={"name": "Event", **wrong}),
        service.put(f"/api/admin/events/{event.id}", service.admin, json=wrong),
    ):
        assert answer.status_code in (400, 422), answer.text
        assert answer.json()["detail"]


def test_a_form_without_the_choice_changes_nothing(service: Service, jar: None) -> None:
    event = service.event(bystanders="keep")
    with reading() as session:
        assert session.query(Redetection).filter(Redetection.event_id == event.id).count() == 0
    told = page(service, f"/admin/events/{event.id}")
    token = re.search(r'name="csrf_token" value="([^"]+)"', told)
    assert token
    data = {"csrf_token": token[1], "before": '{"name": "Wedding"}', "name": "Wedding", "bystanders": "all"}
    service.post(f"/admin/events/{event.id}", data=data, headers={"Accept": "text/html"})
    assert service.get(f"/api/admin/events/{event.id}", service.admin).json()["bystanders"] == "keep"


def test_a_photo_that_comes_back_from_the_trash_stores_only_faces_of_guests(service: Service) -> None:
    event = service.event(bystanders="none")
    guest = service.guest_found_as(event)
    (sent,) = service.upload(event, people(1, 2))["uploaded_photos"]
    service.process_photos(event)
    assert stored(event) == (1, 1)
    assert service.delete(f"/api/photos/{sent['id']}", event.photographer).status_code == 200
    assert stored(event) == (0, 0)
    assert service.post(f"/api/trash/{sent['id']}/restore", event.photographer).status_code == 200
    wait_until(lambda: [each["id"] for each in service.my_photos(guest)] == [sent["id"]], 20, "the photo")
    assert stored(event) == (1, 1)
