"""What apps of earlier releases send and read about events: bare values, expiry, the photographer's side."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from database import transaction
from models import PENDING, Event, Selfie, utcnow
from testkit.builders import EventInfo, Service, people
from testkit.pictures import PDF, refused

BAD_BODIES: list[Any] = [None, True, 1.5, [], ["ABCD2345"], "", "NOSUCH99", {}]


def test_joining_by_the_bare_code(service: Service) -> None:
    guest, other = service.guest(service.event()), service.event()
    answer = service.post("/api/join-event", guest, json=other.code.lower())
    assert (answer.status_code, answer.json()["event_id"]) == (200, other.id)
    refused(service.post("/api/join-event", guest, json={"event_code": other.code}), 400, "AlreadyJoined")


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_body_that_is_no_code_joins_nothing(service: Service, body: Any) -> None:
    guest = service.guest(service.event())
    answer = service.post("/api/join-event", guest, json=body)
    refused(answer, *((404, "EventNotFound") if isinstance(body, str) else (422, "InvalidRequest")))


def test_a_code_is_drawn_for_the_bare_number(service: Service) -> None:
    event = service.event()
    answer = service.post("/api/admin/generate-event-code", service.admin, json=event.id)
    assert answer.status_code == 200, answer.text
    assert answer.json()["event_id"] == event.id
    assert answer.json()["event_code"] != event.code


@pytest.mark.parametrize("body", [*BAD_BODIES, 0, -1, 10**30])
def test_a_body_that_is_no_number_draws_nothing(service: Service, body: Any) -> None:
    refused(service.post("/api/admin/generate-event-code", service.admin, json=body), 422, "InvalidRequest")


def test_expiry_in_seconds_with_the_number_of_photos(service: Service) -> None:
    event = service.event(expires_at=(datetime.now(UTC) + timedelta(hours=30)).isoformat())
    guest = service.guest(event)
    service.upload(event, people(1), people(2))
    found = service.get("/api/user/event-expiration", guest).json()
    assert (found["days_left"], found["expired"], found["photos_count"]) == (2, False, 2)
    assert 30 * 3600 - 60 < found["seconds_remaining"] <= 30 * 3600
    with transaction() as session:
        session.execute(update(Event).where(Event.id == event.id).values(expires_at=utcnow() - timedelta(days=1)))
    found = service.get("/api/user/event-expiration", guest).json()
    assert (found["days_left"], found["seconds_remaining"], found["expired"]) == (0, 0, True)


def test_scheduled_while_queued(service: Service) -> None:
    guest = service.guest(service.event())
    assert (service.status(guest)["status"], service.status(guest)["scheduled"]) == ("idle", False)
    service.send_selfie(guest, people(1))
    service.settle(guest)
    assert service.status(guest)["scheduled"] is False
    waiting = {"status": PENDING, "lease_until": utcnow() + timedelta(hours=1)}
    with transaction() as session:
        session.execute(update(Selfie).where(Selfie.user_id == guest.id).values(**waiting))
    assert (service.status(guest)["status"], service.status(guest)["scheduled"]) == ("queued", True)


# --- photographers ---------------------------------------------------------------------------------


def test_an_event_names_the_first_of_its_photographers(service: Service) -> None:
    first, second = service.photographer(), service.photographer()
    event = service.event(second)
    path = f"/api/admin/events/{event.id}"
    service.put(path, service.admin, json={"photographer_ids": [second.id, first.id]})
    for who in (first, second):
        (listed,) = service.get("/api/photographer/events", who).json()
        assert listed["photographer_id"] == first.id
        assert service.get("/api/photographer/my-event", who).json()["photographer_id"] == first.id
    listed = next(each for each in service.get("/api/admin/events", service.admin).json() if each["id"] == event.id)
    assert listed["photographer_id"] == service.get(path, service.admin).json()["photographer_id"] == first.id
    none = service.put(path, service.admin, json={"photographer_ids": []}).json()
    assert (none["photographer_id"], none["photographers"]) == (None, [])


def test_rematch_calls_say_that_it_is_scheduled(service: Service) -> None:
    event = service.event()
    for who, side in ((event.photographer, "photographer"), (service.admin, "admin")):
        answer = service.post(f"/api/{side}/events/{event.id}/rematch", who).json()
        assert (answer["scheduled"], answer["event_id"], answer["queued"]) == (True, event.id, 0)


def part(data: bytes, field: str) -> tuple[str, tuple[str, bytes, str]]:
    return field, ("photo.jpg", data, "image/jpeg")


@pytest.mark.parametrize("field", ["file", "files"])
def test_one_photo_is_named_in_the_answer(service: Service, field: str) -> None:
    event = service.event()
    answer = service.post("/api/upload-photo", event.photographer, files=[part(people(1), field)]).json()
    (photo,) = answer["uploaded_photos"]
    assert (answer["photo_id"], answer["filename"]) == (photo["id"], photo["filename"])
    again = service.post("/api/upload-photo", event.photographer, files=[part(people(1), field)]).json()
    assert (again["photo_id"], again["uploaded_photos"][0]["duplicate"]) == (photo["id"], True)


@pytest.mark.parametrize(
    ("data", "error"), [(PDF, "InvalidImage"), (b"", "InvalidImage"), (people(1)[:2000], "ImageDamaged")]
)
def test_one_photo_that_is_refused_is_an_error_that_leaves_nothing(service: Service, data: bytes, error: str) -> None:
    event = service.event()
    for field in ("file", "files"):
        answer = service.post("/api/upload-photo", event.photographer, files=[part(data, field)])
        refused(answer, 400, error)
    many = [part(data, "files"), part(data, "files")]
    reasons = service.post("/api/upload-photo", event.photographer, files=many).json()["rejected"]
    assert {each["error"] for each in reasons} == {answer.json()["detail"]}
    stored = [path for path in service.files() if f"/photos/{event.id}/" in str(path)]
    assert (service.process_photos(event), stored) == ([], [])


def test_several_photos_are_answered_as_before(service: Service) -> None:
    event = service.event()
    files = [part(PDF, "files"), part(people(1), "files"), part(people(2), "files")]
    answer = service.post("/api/upload-photo", event.photographer, files=files).json()
    assert (len(answer["uploaded_photos"]), len(answer["rejected"])) == (2, 1)
    assert answer["photo_id"] == answer["uploaded_photos"][0]["id"]
    nothing = service.post("/api/upload-photo", event.photographer, files=[part(PDF, "files")] * 2).json()
    assert (nothing["photo_id"], nothing["filename"], nothing["uploaded_photos"]) == (None, None, [])
    refused(service.post("/api/upload-photo", event.photographer), 400, "NoFilesSent")


# --- pages -----------------------------------------------------------------------------------------

PAGES: dict[str, Callable[[EventInfo], str]] = {
    "/register?event_code={}": lambda event: f"/join?event_code={event.code}",
    "/register-with-code/{}": lambda event: f"/join?event_code={event.code}",
    "/register?event_code=%2F%2Fevil.example%3F%0D": lambda _: "/join?event_code=%2F%2Fevil.example%3F%0D",
    "/register-with-code/a/b": lambda _: "/join?event_code=a%2Fb",
    "/register": lambda _: "/join",
    "/register-with-code": lambda _: "/join",
    "/dashboard": lambda _: "/photos",
    "/gallery": lambda _: "/photos",
    "/galerie": lambda _: "/photos",
    "/photographer": lambda _: "/studio",
}


def test_addresses_of_earlier_pages_lead_to_todays(service: Service) -> None:
    event = service.event(name="Bal")
    found = {path: service.client.get(path.format(event.code), follow_redirects=False) for path in PAGES}
    assert {path: answer.status_code for path, answer in found.items()} == dict.fromkeys(PAGES, 303)
    assert {path: answer.headers["location"] for path, answer in found.items()} == {
        path: leads(event) for path, leads in PAGES.items()
    }
    assert "Bal" in service.client.get(f"/register-with-code/{event.code}", headers={"accept": "text/html"}).text
