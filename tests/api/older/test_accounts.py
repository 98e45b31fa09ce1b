"""What apps of earlier releases send and read about accounts: other forms of registration, the profile."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from database import transaction
from models import UserEvent
from settings import get_settings
from testkit.builders import EventInfo, Person, Service, people
from testkit.callers import CONSENT
from testkit.passwords import OTHER_PASSWORD, PASSWORD
from testkit.pictures import refused
from tests.throttling.clock import counted

_numbers = itertools.count(1)


def account(**other: str) -> dict[str, str]:
    name = f"older{next(_numbers)}"
    return {"username": name, "email": f"{name}@example.org", "password": PASSWORD, **other}


def invite_to(service: Service, code: str, **other: str) -> Any:
    return service.post("/api/register-invite", json={"user_data": account(**other), "event_code": code})


def invite(service: Service, event: EventInfo, **other: str) -> Any:
    return invite_to(service, event.code, **other)


def register(service: Service, code: str, selfie: bytes | None = None, **other: str) -> Any:
    files = {"selfie": ("me.jpg", people(1) if selfie is None else selfie, "image/jpeg")}
    return service.post("/api/register", data={**account(**other), "event_code": code}, files=files)


def guests_of(service: Service, event: EventInfo) -> list[dict[str, Any]]:
    return list(service.get(f"/api/admin/events/{event.id}/users", service.admin).json())


def selfies(service: Service) -> list[Path]:
    return [path for path in service.files() if "/selfies/" in str(path)]


# --- registration ----------------------------------------------------------------------------------


def test_an_invited_guest_registers_with_the_older_call(service: Service) -> None:
    event = service.event()
    user = invite(service, event).json()
    assert (user["event_code"], user["user_type"]) == (event.code, "user")
    token = service.log_in(user["username"])
    assert service.get("/api/me", Person(user["id"], "", token)).json() == user


def test_the_older_invitation_is_refused_as_the_newer_one(service: Service) -> None:
    event = service.event()
    taken = invite(service, event).json()["username"]
    for other, status, error in (
        ({"username": taken}, 400, "AccountTaken"),
        ({"password": "short"}, 400, "PasswordTooShort"),
        ({"user_type": "admin"}, 403, "GuestAccountsOnly"),
        ({"email": "nowhere"}, 422, "InvalidRequest"),
    ):
        refused(invite(service, event, **other), status, error)
    refused(invite_to(service, "NOSUCH99"), 404, "EventNotFound")
    assert [each["username"] for each in guests_of(service, event)] == [taken]


def test_a_form_with_a_selfie_answers_with_a_token(service: Service) -> None:
    event = service.event()
    service.upload(event, people(1))
    service.process_photos(event)
    answer = register(service, event.code, consent=CONSENT)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["token_type"], answer.json()["expires_in"] > 3600) == ("bearer", True)
    guest = Person(0, "", answer.json()["access_token"])
    assert service.settle(guest) | {"started_at": 0, "finished_at": 0} == {
        "status": "done",
        "matched": 1,
        "detail": None,
        "started_at": 0,
        "finished_at": 0,
        "scheduled": False,
        "next_poll_seconds": 30,
    }
    assert [each["version"] for each in service.get("/api/my-consents", guest).json()] == [CONSENT]
    assert [each["current"] for each in service.get("/api/me/sessions", guest).json()] == [True]


def test_a_refused_form_leaves_neither_account_nor_file(service: Service) -> None:
    event = service.event()
    before = selfies(service)
    refused(register(service, event.code, people(1, 2)), 400, "SelfieSeveralFaces")
    refused(register(service, event.code, b"no picture"), 400, "InvalidImage")
    refused(register(service, event.code, password="short"), 400, "PasswordTooShort")
    refused(register(service, "NOSUCH99"), 404, "EventNotFound")
    nothing = service.post("/api/register", data={**account(), "event_code": event.code}, files={"other": b""})
    refused(nothing, 422, "InvalidRequest", "Aucun fichier reçu.")
    assert (guests_of(service, event), selfies(service)) == ([], before)


def test_registrations_of_all_forms_count_together(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    event = service.event()
    monkeypatch.setattr(get_settings(), "rate_registrations_minute", 2)
    with counted(tmp_path / "limits.db"):
        answers = [form(service, event.code) for form in (register, invite_to, register, invite_to)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert all("retry-after" in answer.headers for answer in answers[2:])


# --- the account -----------------------------------------------------------------------------------


def test_every_user_has_the_path_of_a_selfie_that_is_null(service: Service) -> None:
    event = service.event()
    guest = service.guest_found_as(event)
    users = [
        service.get("/api/me", guest).json(),
        service.get("/api/me", service.admin).json(),
        invite(service, event).json(),
        *service.get("/api/admin/photographers", service.admin).json(),
        *guests_of(service, event),
    ]
    assert {user["selfie_path"] for user in users} == {None}
    assert service.get("/api/my-selfie", guest).json()["user_id"] == guest.id


def profile(service: Service, who: Person) -> tuple[int, int]:
    found = service.get("/api/profile", who)
    assert found.status_code == 200, found.text
    body = found.json()
    assert body["user"] == service.get("/api/me", who).json()
    assert set(body) == {"user", "total_photos", "photos_with_face"}
    return body["total_photos"], body["photos_with_face"]


def test_the_profile_of_a_guest_counts_the_event(service: Service) -> None:
    event, other = service.event(), service.event()
    guest = service.guest(event)
    assert profile(service, guest) == (0, 0)
    service.post("/api/join-event", guest, json={"event_code": other.code})
    service.send_selfie(guest, people(1))
    service.upload(event, people(1), people(2), people(1, 3))
    service.upload(other, people(1, 4))
    for each in (event, other):
        service.process_photos(each)
    service.settle(guest)
    assert profile(service, guest) == (3, 2)
    with transaction() as session:
        session.execute(delete(UserEvent).where(UserEvent.user_id == guest.id))
    assert profile(service, guest) == (0, 0)


def test_the_profile_of_staff_counts_what_they_may_see(service: Service) -> None:
    all_before, faces_before = profile(service, service.admin)
    own = service.event()
    photographer = own.photographer
    assert profile(service, photographer) == (0, 0)
    shared = service.event(photographer, name="Shared")
    colleague = service.photographer()
    path, both = f"/api/admin/events/{shared.id}", [photographer.id, colleague.id]
    service.put(path, service.admin, json={"photographer_ids": both})
    blank = people()
    service.upload(own, people(1), people(2, 3), blank)
    service.upload(EventInfo(shared.id, shared.code, colleague), people(4))
    for event in (own, shared):
        service.process_photos(event)
    assert profile(service, photographer) == (4, 3)
    assert profile(service, colleague) == (1, 1)
    # Their own photos stay visible to those who no longer work at the event, the others' do not.
    service.put(path, service.admin, json={"photographer_ids": []})
    assert profile(service, photographer) == (3, 2)
    assert profile(service, colleague) == (1, 1)
    assert profile(service, service.admin) == (all_before + 4, faces_before + 3)


def test_an_admin_without_the_required_second_factor_has_no_profile(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = service.admin
    monkeypatch.setattr(get_settings(), "admin_second_factor", "required")
    refused(service.get("/api/profile", admin), 403, "SecondFactorMissing")
    more = account(password=OTHER_PASSWORD)
    refused(service.post("/api/admin/create-admin", admin, json=more), 403, "SecondFactorMissing")


def test_the_root_of_the_api_needs_no_token(service: Service) -> None:
    assert set(service.get("/api").json()) == {"message"}


def test_what_is_not_answered_on_purpose(service: Service) -> None:
    body = account(password=OTHER_PASSWORD)
    for path in ("/api/register-admin", "/api/admin/register-admin"):
        assert service.post(path, json=body).status_code == 401
        assert service.post(path, service.admin, json=body).status_code == 404
    event = service.event(guests_see_all_photos=True)
    (photo,) = service.upload(event, people(1))["uploaded_photos"]
    for path in (f"/api/photo/{photo['id']}", f"/api/image/{photo['filename']}"):
        assert service.get(path).status_code == 401
