"""What admins' pages of earlier releases send and read."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from database import reading
from models import Pseudonym, SelfieEmbedding, User, UserEvent
from testkit.builders import Person, Service, people
from testkit.passwords import PASSWORD
from testkit.pictures import refused

_numbers = itertools.count(1)


def account(**other: str) -> dict[str, str]:
    name = f"chief{next(_numbers)}"
    return {"username": name, "email": f"{name}@example.org", "password": PASSWORD, **other}


def audited(service: Service, action: str) -> dict[str, Any]:
    """Return the newest entry of the audit log of this kind."""
    answer = service.get("/api/admin/audit", service.admin, params={"action": action, "limit": 1})
    return dict(answer.json()[0])


def test_an_empty_date_is_none(service: Service) -> None:
    made = service.post("/api/admin/create-event", service.admin, json={"name": "Bal", "date": ""})
    path = f"/api/admin/events/{made.json()['event_id']}"
    assert service.get(path, service.admin).json()["date"] is None
    assert service.put(path, service.admin, json={"date": "2026-06-20"}).json()["date"] == "2026-06-20"
    assert service.put(path, service.admin, json={"name": "Gala"}).json()["date"] == "2026-06-20"
    assert service.put(path, service.admin, json={"date": " "}).json()["date"] is None
    refused(service.put(path, service.admin, json={"date": "soon"}), 422, "InvalidRequest")


def test_changes_are_answered_with_a_message(service: Service) -> None:
    event = service.event()
    changed = service.put(f"/api/admin/events/{event.id}", service.admin, json={"name": "Gala"}).json()
    assert (changed["message"], changed["name"]) == ("Événement modifié avec succès", "Gala")
    path = f"/api/admin/photographers/{event.photographer.id}"
    changed = service.put(path, service.admin, json={"username": f"new{event.id}"}).json()
    assert changed.pop("message") == "Photographe modifié avec succès"
    listed = service.get("/api/admin/photographers", service.admin).json()
    assert changed == next(each for each in listed if each["id"] == event.photographer.id)


def test_an_admin_makes_another_one(service: Service) -> None:
    body = account()
    made = service.post("/api/admin/create-admin", service.admin, json=body)
    assert made.status_code == 200, made.text
    new = Person(made.json()["admin_id"], body["username"], service.log_in(body["username"]))
    me = service.get("/api/me", new).json()
    assert (me["user_type"], me["event_id"]) == ("admin", None)
    assert service.get("/api/admin/events", new).status_code == 200
    entry = audited(service, "staff.created")
    assert (entry["actor"]["name"], entry["subject"]["name"]) == ("chief", body["username"])
    assert entry["details"] == {"type": "admin"}


def test_an_admin_is_refused_as_other_staff(service: Service) -> None:
    for other, status, error in (
        ({"username": service.admin.name}, 400, "AccountTaken"),
        ({"username": "someone@else.example"}, 400, "UsernameIsNotOwnEmail"),
        ({"password": "too short 4 staff"[:14]}, 400, "StaffPasswordTooShort"),
        ({"email": "nowhere"}, 422, "InvalidRequest"),
    ):
        answer = service.post("/api/admin/create-admin", service.admin, json=account(**other))
        refused(answer, status, error)
    event = service.event()
    for who in (event.photographer, service.guest(event)):
        refused(service.post("/api/admin/create-admin", who, json=account()), 403, "AdminsOnly")
    refused(service.post("/api/admin/create-admin", json=account()), 401, "NotAuthenticated")


def test_an_admin_erases_a_guest_with_everything_of_theirs(service: Service) -> None:
    event, other = service.event(), service.event()
    service.upload(event, people(1))
    service.process_photos(event)
    before = service.files()
    guest, fellow = service.guest(event), service.guest(event)
    service.post("/api/join-event", guest, json={"event_code": other.code})
    service.send_selfie(guest, people(1))
    service.settle(guest)
    link = service.my_photos(guest)[0]["url"]
    assert len(service.files()) == len(before) + 1
    answer = service.delete(f"/api/admin/users/{guest.id}", service.admin)
    assert answer.json() == {"message": "Invité supprimé"}
    assert service.files() == before
    refused(service.get("/api/me", guest), 401, "InvalidToken")
    refused(service.get(link), 401, "InvalidToken")
    with reading() as session:
        for column in (UserEvent.user_id, Pseudonym.user_id, User.id):
            assert session.scalar(select(func.count()).where(column == guest.id)) == 0
        assert session.scalar(select(func.count()).where(SelfieEmbedding.event_id == event.id)) == 0
    listed = service.get(f"/api/admin/events/{event.id}/users", service.admin).json()
    assert [each["id"] for each in listed] == [fellow.id]
    entry = audited(service, "account.erased")
    assert (entry["actor"]["name"], entry["subject"]["name"]) == ("chief", None)
    refused(service.delete(f"/api/admin/users/{guest.id}", service.admin), 404, "NoSuchUser")


def test_staff_are_not_erased_as_guests(service: Service) -> None:
    event = service.event()
    for who in (event.photographer, service.admin):
        refused(service.delete(f"/api/admin/users/{who.id}", service.admin), 404, "NoSuchUser")
        assert service.get("/api/me", who).status_code == 200
    guest = service.guest(event)
    for who in (guest, event.photographer):
        refused(service.delete(f"/api/admin/users/{guest.id}", who), 403, "AdminsOnly")
    refused(service.delete("/api/admin/users/0", service.admin), 422, "InvalidRequest")


def test_guests_of_an_event_with_type_and_time(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    (listed,) = service.get(f"/api/admin/events/{event.id}/users", service.admin).json()
    me = service.get("/api/me", guest).json()
    for name in ("id", "username", "email", "user_type", "created_at", "selfie_path"):
        assert listed[name] == me[name]


def test_an_event_expires_in_so_many_days(service: Service) -> None:
    event = service.event(expires_at=(datetime.now(UTC) - timedelta(days=1)).isoformat())
    assert service.post("/api/check-event-code", json={"event_code": event.code}).json() == {"valid": False}
    body = {"event_id": event.id, "days": 7}
    answer = service.post("/api/admin/reset-expiration", service.admin, json=body).json()
    left = datetime.fromisoformat(answer["expires_at"]) - datetime.now(UTC)
    assert (answer["event_id"], round(left.total_seconds() / 60)) == (event.id, 7 * 24 * 60)
    assert service.post("/api/check-event-code", json={"event_code": event.code}).json() == {"valid": True}
    assert service.get("/api/user/event-expiration", service.guest(event)).json()["days_left"] == 7
    assert audited(service, "event.changed")["details"] == {"fields": ["expires_at"]}


@pytest.mark.parametrize("days", [0, -3, 3651, 10**20, "soon", 1.5, None, []])
def test_a_number_of_days_that_is_none_is_refused_in_words(service: Service, days: Any) -> None:
    event = service.event()
    before = service.get(f"/api/admin/events/{event.id}", service.admin).json()["expires_at"]
    body = {"event_id": event.id, "days": days}
    answer = service.post("/api/admin/reset-expiration", service.admin, json=body)
    refused(answer, 422, "InvalidRequest", "Le nombre de jours n'est pas valide (1 à 3650).")
    assert service.get(f"/api/admin/events/{event.id}", service.admin).json()["expires_at"] == before


def test_an_event_that_is_none_expires_never(service: Service) -> None:
    body = {"event_id": 909_090, "days": 7}
    refused(service.post("/api/admin/reset-expiration", service.admin, json=body), 404, "NoSuchEvent")
