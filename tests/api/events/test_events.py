"""Events: codes, joining, expiry, and deletion with everything that belongs to them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from testkit.builders import EventInfo, Person, Service, people
from testkit.passwords import PASSWORD
from testkit.pictures import read_qr, refused

JOINED = "Vous êtes déjà inscrit à cet événement"
CLOSED = "Cet événement n'accepte plus de selfies."
BAD_IDS = ["abc", "0", "-1", "1.5", "9223372036854775808", "99999999999999999999999", "%00"]
LOOK_ALIKES = set("0O1IL")


def is_valid(service: Service, code: str) -> bool:
    answer = service.post("/api/check-event-code", json={"event_code": code})
    assert answer.status_code == 200
    return bool(answer.json()["valid"])


def change(service: Service, event: EventInfo, **changes: Any) -> Any:
    return service.put(f"/api/admin/events/{event.id}", service.admin, json=changes)


def expire(service: Service, event: EventInfo) -> None:
    past = datetime.now(UTC) - timedelta(hours=1)
    assert change(service, event, expires_at=past.isoformat()).status_code == 200


def join(service: Service, guest: Person, code: str) -> Any:
    return service.post("/api/join-event", guest, json={"event_code": code})


def names(photos: list[dict[str, Any]]) -> list[str]:
    return [photo["original_filename"] for photo in photos]


def remove(service: Service, event: EventInfo) -> Any:
    return service.delete(f"/api/admin/events/{event.id}", service.admin)


# --- codes -----------------------------------------------------------------------------------------


def test_drawn_codes_have_no_look_alikes(service: Service) -> None:
    codes = [service.event().code for _ in range(10)]
    assert len(set(codes)) == 10
    assert all(len(code) == 8 and not LOOK_ALIKES & set(code) for code in codes)


def test_a_code_works_right_after_it_was_unknown(service: Service) -> None:
    assert not is_valid(service, "TARDIF01")
    service.event(event_code="TARDIF01")
    assert is_valid(service, "tardif01")
    event = service.event()
    assert not is_valid(service, "TARDIF02")
    body = {"event_id": event.id, "event_code": "Tardif02"}
    answer = service.post("/api/admin/set-event-code", service.admin, json=body)
    assert answer.json()["event_code"] == "Tardif02"
    assert is_valid(service, "TARDIF02")


def test_the_code_before_stops_at_once(service: Service) -> None:
    event = service.event()
    assert is_valid(service, event.code)
    drawn = service.post("/api/admin/generate-event-code", service.admin, json={"event_id": event.id}).json()
    assert drawn["event_code"] != event.code
    assert not is_valid(service, event.code)
    assert is_valid(service, drawn["event_code"])
    change(service, event, event_code="NEUF" + event.code)
    assert not is_valid(service, drawn["event_code"])
    assert is_valid(service, "NEUF" + event.code)


def test_a_deleted_events_code_stops_at_once(service: Service) -> None:
    event = service.event()
    assert is_valid(service, event.code)
    assert remove(service, event).status_code == 200
    assert not is_valid(service, event.code)


def test_an_expired_events_code_stops_at_once(service: Service) -> None:
    event = service.event()
    assert is_valid(service, event.code)
    expire(service, event)
    assert not is_valid(service, event.code)


def test_a_code_opens_one_event(service: Service) -> None:
    event, other = service.event(), service.event()
    body = {"name": "Second", "event_code": f" {event.code.lower()} ", "photographer_id": event.photographer.id}
    refused(service.post("/api/admin/create-event", service.admin, json=body), 409, "EventCodeTaken")
    refused(change(service, other, event_code=event.code.lower()), 409, "EventCodeTaken")
    assert is_valid(service, other.code)


@pytest.mark.parametrize("code", ["MARIAGE 7", "a/b", "é&ü=?#% ", "🎉🎉"])
def test_the_qr_code_leads_to_the_join_page(service: Service, code: str) -> None:
    code = f"{code}{service.event().code}"
    service.event(event_code=code)
    answer = service.get(f"/api/admin/event-qr/{quote(code, safe='')}", service.admin)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    text = read_qr(answer.content)
    assert "/join?event_code=" in text
    assert parse_qs(urlsplit(text).query)["event_code"] == [code]


def test_the_qr_code_of_no_event(service: Service) -> None:
    refused(service.get("/api/admin/event-qr/NOSUCH99", service.admin), 404, "EventNotFound")
    refused(service.get("/api/admin/event-qr/%00", service.admin), 404, "EventNotFound")


# --- joining ---------------------------------------------------------------------------------------


def test_joining_finds_the_photos_there(service: Service) -> None:
    first, second = service.event(), service.event()
    service.upload(second, people(1, 2), people(2), people(1))
    service.process_photos(second)
    guest = service.guest_found_as(first)
    assert join(service, guest, f" {second.code.lower()} ").status_code == 200
    assert service.settle(guest)["status"] == "done"
    found = service.get(f"/api/user/events/{second.id}/photos", guest).json()
    assert sorted(names(found)) == ["photo0.jpg", "photo2.jpg"]
    assert service.my_photos(guest) == []
    events = service.get("/api/user/events", guest).json()
    assert [(event["id"], event["event_code"]) for event in events] == [
        (first.id, first.code),
        (second.id, second.code),
    ]
    assert all(event["joined_at"].endswith("Z") for event in events)


def test_joining_twice_is_refused(service: Service) -> None:
    first, second = service.event(), service.event()
    guest = service.guest(first)
    assert join(service, guest, second.code).status_code == 200
    refused(join(service, guest, second.code), 400, "AlreadyJoined", JOINED)
    refused(join(service, guest, first.code.lower()), 400, "AlreadyJoined", JOINED)
    assert len(service.get("/api/user/events", guest).json()) == 2


def test_a_closed_or_unknown_event_is_not_joined(service: Service) -> None:
    guest, closed = service.guest(service.event()), service.event()
    expire(service, closed)
    for code in (closed.code, "NOSUCH99", "", "\x00"):
        refused(join(service, guest, code), 404, "EventNotFound", "Code événement invalide")


def test_photographers_join_nothing(service: Service) -> None:
    event = service.event()
    refused(join(service, event.photographer, event.code), 403, "GuestsOnly")


# --- the end ---------------------------------------------------------------------------------------


def test_an_expired_event_takes_no_selfies(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    expire(service, event)
    before = service.files()
    refused(service.send_selfie(guest, people(1)), 409, "EventExpired", CLOSED)
    assert service.files() == before
    assert service.status(guest)["status"] == "idle"


def test_an_expired_event_still_shows_its_photos(service: Service) -> None:
    event = service.event()
    service.upload(event, people(1))
    service.process_photos(event)
    guest = service.guest_found_as(event)
    expire(service, event)
    assert names(service.my_photos(guest)) == ["photo0.jpg"]
    assert service.log_in(guest.name, code=event.code)


def test_the_expiration_counts_days(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    change(service, event, expires_at=(datetime.now(UTC) + timedelta(days=2, hours=1)).isoformat())
    answer = service.get("/api/user/event-expiration", guest).json()
    assert (answer["event_id"], answer["days_left"], answer["expired"]) == (event.id, 3, False)
    assert answer["expires_at"].endswith("Z")
    expire(service, event)
    answer = service.get("/api/user/event-expiration", guest).json()
    assert (answer["days_left"], answer["expired"]) == (0, True)


# --- what goes with an event -----------------------------------------------------------------------


def test_deleting_the_first_event_keeps_the_account_elsewhere(service: Service) -> None:
    first, second = service.event(), service.event()
    service.upload(first, people(1, 5))
    service.upload(second, people(1), people(2))
    guest = service.guest_found_as(first)
    join(service, guest, second.code)
    service.process_photos(second)
    service.settle(guest)
    assert remove(service, first).status_code == 200
    again = Person(guest.id, guest.name, service.log_in(guest.name))
    assert service.get("/api/me", again).json()["event_id"] == second.id
    assert names(service.my_photos(again)) == ["photo0.jpg"]
    assert service.get("/api/my-selfie", guest).status_code == 200
    assert [event["id"] for event in service.get("/api/user/events", guest).json()] == [second.id]
    assert service.log_in(guest.name, code=second.code)


def test_deleting_an_event_deletes_its_lone_guests(service: Service) -> None:
    event = service.event()
    before = service.files()
    service.upload(event, people(1), people(2))
    guest = service.guest_found_as(event)
    service.process_photos(event)
    photo_id = service.my_photos(guest)[0]["id"]
    assert len(service.files()) > len(before)
    assert remove(service, event).status_code == 200
    assert service.files() == before
    refused(service.get("/api/me", guest), 401, "InvalidToken")
    refused(service.post("/api/login", json={"username": guest.name, "password": PASSWORD}), 401, "BadCredentials")
    refused(service.get(f"/api/photo/{photo_id}", service.admin), 404, "NoSuchPhoto")
    assert service.get("/api/photographer/events", event.photographer).json() == []


def test_two_namesakes_keep_their_accounts(service: Service) -> None:
    first, second = service.event(), service.event()
    one = service.guest(first, "homonym")
    two = service.guest(second, "homonym")
    join(service, one, second.code)
    assert remove(service, first).status_code == 200
    assert service.get("/api/me", one).json()["id"] == one.id
    assert service.get("/api/me", two).json()["id"] == two.id
    assert [event["id"] for event in service.get("/api/user/events", one).json()] == [second.id]


def test_deleting_an_event_twice(service: Service) -> None:
    event = service.event()
    assert remove(service, event).status_code == 200
    refused(remove(service, event), 404, "NoSuchEvent")


# --- admins and photographers ----------------------------------------------------------------------


def test_an_admin_sees_every_event_with_its_photographers(service: Service) -> None:
    event = service.event(name="Course 🏃", date="2100-05-01")
    (found,) = [each for each in service.get("/api/admin/events", service.admin).json() if each["id"] == event.id]
    assert (found["name"], found["date"], found["event_code"]) == ("Course 🏃", "2100-05-01", event.code)
    assert [each["id"] for each in found["photographers"]] == [event.photographer.id]


def test_several_photographers_share_an_event(service: Service) -> None:
    event, second = service.event(), service.photographer()
    assert change(service, event, photographer_ids=[event.photographer.id, second.id]).status_code == 200
    assert [each["id"] for each in service.get("/api/photographer/events", second).json()] == [event.id]
    assert service.get("/api/photographer/my-event", second).json()["id"] == event.id
    assert change(service, event, photographer_ids=[second.id]).status_code == 200
    path = f"/api/photographer/events/{event.id}/photos"
    refused(service.get(path, event.photographer), 404, "NoSuchEvent")
    assert service.get(path, second).status_code == 200


def test_an_event_with_an_unknown_photographer_is_not_made(service: Service) -> None:
    guest = service.guest(service.event())
    before = len(service.get("/api/admin/events", service.admin).json())
    for number in (10**12, guest.id, service.admin.id):
        body = {"name": "Nobody's", "photographer_id": number}
        refused(service.post("/api/admin/create-event", service.admin, json=body), 404, "NoSuchPhotographer")
    assert len(service.get("/api/admin/events", service.admin).json()) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "x" * 300},
        {"name": "nul\x00"},
        {"event_code": "   "},
        {"event_code": "x" * 300},
        {"date": "soon"},
        {"date": "0001-01-01"},
        {"timezone": "Mars/Base"},
        {"timezone": "../../etc/passwd"},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
        {"expires_at": "2100-01-01T00:00:00"},
        {"photographer_ids": ["x"]},
        {"photographer_ids": [2**70]},
        {"guests_see_all_photos": "perhaps"},
    ],
)
def test_a_change_of_the_wrong_form_changes_nothing(service: Service, changes: dict[str, Any]) -> None:
    event = service.event()

    def state() -> Any:
        return [each for each in service.get("/api/admin/events", service.admin).json() if each["id"] == event.id]

    before = state()
    refused(change(service, event, **changes), 422, "InvalidRequest")
    body = {"name": "New", "photographer_id": event.photographer.id, **changes}
    refused(service.post("/api/admin/create-event", service.admin, json=body), 422, "InvalidRequest")
    assert state() == before


@pytest.mark.parametrize("number", BAD_IDS)
def test_an_event_id_that_is_none(service: Service, number: str) -> None:
    event = service.event()
    guest = service.guest(event)
    answers = [
        service.get(f"/api/user/events/{number}/photos", guest),
        service.get(f"/api/user/events/{number}/all-photos", guest),
        service.get(f"/api/photographer/events/{number}/photos", event.photographer),
        service.post(f"/api/photographer/events/{number}/rematch", event.photographer),
        service.put(f"/api/admin/events/{number}", service.admin, json={}),
        service.delete(f"/api/admin/events/{number}", service.admin),
        service.post(f"/api/admin/events/{number}/rematch", service.admin),
        service.post("/api/admin/generate-event-code", service.admin, json={"event_id": number}),
    ]
    for answer in answers:
        assert answer.status_code in (403, 404, 422), answer.text
        assert isinstance(answer.json()["detail"], str)


def test_other_peoples_events(service: Service) -> None:
    mine, other = service.event(), service.event()
    guest = service.guest(mine)
    for number in (other.id, 10**15, 2**63 - 1):
        for page in ("photos", "all-photos"):
            refused(service.get(f"/api/user/events/{number}/{page}", guest), 403, "NotInEvent")
        refused(service.get(f"/api/photographer/events/{number}/photos", mine.photographer), 404, "NoSuchEvent")
        refused(service.post(f"/api/photographer/events/{number}/rematch", mine.photographer), 404, "NoSuchEvent")
    refused(change(service, EventInfo(10**15, "", mine.photographer), name="x"), 404, "NoSuchEvent")


def test_a_rematch_finds_the_same_photos(service: Service) -> None:
    event = service.event()
    service.upload(event, people(1), people(2))
    service.process_photos(event)
    guest = service.guest_found_as(event)
    before = names(service.my_photos(guest))
    for path, who in (("photographer", event.photographer), ("admin", service.admin)):
        answer = service.post(f"/api/{path}/events/{event.id}/rematch", who)
        assert answer.json()["queued"] == 1
        assert service.settle(guest)["status"] == "done"
        assert names(service.my_photos(guest)) == before == ["photo0.jpg"]
