"""Consents are recorded; withdrawing consent and erasing an account delete what they must."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from database import reading
from guests.wordings import CURRENT
from models import (
    Base,
    Consent,
    FaceMatch,
    Favourite,
    Refusal,
    Selfie,
    SelfieEmbedding,
    User,
    UserEvent,
)
from testkit.builders import EventInfo, Person, Service, people
from testkit.passwords import PASSWORD
from testkit.pictures import refused
from tests.conftest import wait_until


def consents(service: Service, guest: Person) -> list[dict[str, Any]]:
    return list(service.get("/api/my-consents", guest).json())


def count(model: type[Base], *conditions: Any) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def embeddings(guest: Person, event: EventInfo) -> int:
    own = select(Selfie.id).where(Selfie.user_id == guest.id)
    return count(SelfieEmbedding, SelfieEmbedding.selfie_id.in_(own), SelfieEmbedding.event_id == event.id)


def withdraw(service: Service, guest: Person, event: EventInfo) -> None:
    answer = service.delete(f"/api/my-consents/{event.id}", guest)
    assert answer.status_code == 200, answer.text


def matched_photos(service: Service, guest: Person, event: EventInfo) -> int:
    return len(service.get(f"/api/user/events/{event.id}/photos", guest).json())


# --- consent ---------------------------------------------------------------------------------------


def test_consent_is_recorded_wherever_a_guest_joins(service: Service) -> None:
    event, second, third = service.event(name="One"), service.event(name="Two"), service.event(name="Three")
    data = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}
    body = {"user_data": data, "event_code": event.code, "consent": CURRENT}
    answer = service.post("/api/register-with-event-code", json=body, headers={"Accept-Language": "en"})
    guest = Person(answer.json()["id"], "ann", service.log_in("ann", code=event.code))
    service.post("/api/join-event", guest, json={"event_code": second.code, "consent": "2026-11"})
    service.post("/api/join-event", guest, json={"event_code": third.code})
    found = consents(service, guest)
    assert [(each["event_id"], each["event_name"], each["version"], each["locale"]) for each in found] == [
        (second.id, "Two", "2026-11", "fr"),
        (event.id, "One", CURRENT, "en"),
    ]
    assert all(each["given_at"].endswith("Z") and each["withdrawn_at"] is None for each in found)
    form = {"username": "bob", "email": "bob@example.org", "password": PASSWORD, "event_code": event.code}
    files = {"file": ("selfie.jpg", people(1), "image/jpeg")}
    for name, given in (("bob", {"consent": CURRENT}), ("bea", {"consent": ""}), ("bill", dict[str, str]())):
        sent = {**form, "username": name, "email": f"{name}@example.org", **given}
        assert service.post("/api/register-invite-with-selfie", data=sent, files=files).status_code == 200
        other = Person(0, name, service.log_in(name, code=event.code))
        (recorded,) = consents(service, other)
        assert (recorded["version"], recorded["basis"]) == (
            (CURRENT, "words") if given.get("consent") else ("selfie",) * 2
        )


def test_consenting_twice_is_consenting_once(service: Service) -> None:
    event, other = service.event(), service.event()
    guest = service.guest(event)
    for version in ("2026-11", "2026-11", CURRENT):
        body = {"event_id": event.id, "version": version}
        assert service.post("/api/consent", guest, json=body).status_code == 200
    assert [each["version"] for each in consents(service, guest)] == [CURRENT, "2026-11"]
    body = {"event_id": other.id, "version": "2026-11"}
    refused(service.post("/api/consent", guest, json=body), 403, "NotInEvent")
    refused(service.delete(f"/api/my-consents/{other.id}", guest), 403, "NotInEvent")
    refused(service.post("/api/consent", event.photographer, json=body), 403, "GuestsOnly")
    for wrong in ("", "x" * 33, "a b", "\x00", None):
        refused(service.post("/api/consent", guest, json={**body, "version": wrong}), 422, "InvalidRequest")


@pytest.mark.parametrize("recorded", [True, False])
def test_withdrawing_erases_and_nothing_brings_it_back_until_consent_is_given_again(
    service: Service, recorded: bool
) -> None:
    event, other = service.event(), service.event()
    guest = service.guest_found_as(event)
    service.post("/api/join-event", guest, json={"event_code": other.code})
    if recorded:
        service.post("/api/consent", guest, json={"event_id": event.id, "version": "2026-11"})
    for each in (event, other):
        service.upload(each, people(1), people(1, 2))
        service.process_photos(each)
    service.settle(guest)
    assert matched_photos(service, guest, event) == matched_photos(service, guest, other) == 2
    withdraw(service, guest, event)
    withdraw(service, guest, event)

    def is_left_out() -> bool:
        nothing = matched_photos(service, guest, event) == embeddings(guest, event) == 0
        return nothing and matched_photos(service, guest, other) == 2

    assert is_left_out()
    assert {each["id"]: each["matching"] for each in service.get("/api/user/events", guest).json()} == {
        event.id: False,
        other.id: True,
    }
    assert service.post(f"/api/admin/events/{event.id}/rematch", service.admin).json()["queued"] == 0
    service.upload(event, people(1, 3))
    service.process_photos(event)
    assert is_left_out()
    service.send_selfie(guest, people(1))
    service.settle(guest)
    assert is_left_out()
    assert service.get("/api/my-selfie", guest).status_code == 200
    found = consents(service, guest)
    # The selfie was the consent in both events before anything else was.
    assert [each["basis"] for each in found if each["withdrawn_at"]] == ["words", "selfie"][1 - recorded :]
    assert [(each["event_id"], each["basis"]) for each in found if not each["withdrawn_at"]] == [(other.id, "selfie")]
    service.post("/api/consent", guest, json={"event_id": event.id, "version": "2026-11"})
    assert service.settle(guest)["status"] == "done"
    assert matched_photos(service, guest, event) == 3
    assert [each["basis"] for each in consents(service, guest) if not each["withdrawn_at"]] == ["words", "selfie"]


@pytest.mark.parametrize("selfie_first", [True, False])
def test_withdrawing_while_a_selfie_is_matched_leaves_nothing(service: Service, *, selfie_first: bool) -> None:
    event = service.event()
    service.upload(event, people(1), people(1, 2))
    service.process_photos(event)
    for _ in range(4):
        guest = service.guest(event)
        start = threading.Barrier(2)

        def meanwhile(start: threading.Barrier = start, guest: Person = guest) -> None:
            start.wait()
            if selfie_first:
                wait_until(lambda: count(Selfie, Selfie.user_id == guest.id) == 1)
            withdraw(service, guest, event)

        with ThreadPoolExecutor(1) as pool:
            withdrawing = pool.submit(meanwhile)
            start.wait()
            answer = service.send_selfie(guest, people(1))
            withdrawing.result(20)
        if answer.status_code != 200:
            assert not selfie_first
            refused(answer, 409, "ConsentWithdrawn")
        # A selfie from before the withdrawal was the only consent: it went with it.
        assert service.settle(guest)["status"] == "idle"
        assert count(Selfie, Selfie.user_id == guest.id) == 0
        assert (matched_photos(service, guest, event), embeddings(guest, event)) == (0, 0)


# --- erasing the account ---------------------------------------------------------------------------


def erase(service: Service, who: Person, password: str) -> Any:
    return service.client.request("DELETE", "/api/me", headers=who.headers, json={"password": password})


def test_an_erased_account_leaves_nothing(service: Service) -> None:
    event, other = service.event(), service.event()
    before = service.files()
    guest = service.guest_found_as(event)
    service.post("/api/join-event", guest, json={"event_code": other.code, "consent": "2026-11"})
    ids = [each["id"] for each in service.upload(event, people(1), people(1, 2))["uploaded_photos"]]
    service.process_photos(event)
    service.put(f"/api/photos/{ids[0]}/favourite", guest)
    service.post(f"/api/photos/{ids[1]}/not-me", guest)
    refused(erase(service, guest, "wrong"), 401, "BadCredentials")
    assert len(service.my_photos(guest)) == 1
    answer = erase(service, guest, PASSWORD)
    assert answer.status_code == 200, answer.text
    refused(service.get("/api/me", guest), 401, "InvalidToken")
    refused(erase(service, guest, PASSWORD), 401, "InvalidToken")
    refused(service.post("/api/login", json={"username": guest.name, "password": PASSWORD}), 401, "BadCredentials")
    for model in (Consent, FaceMatch, Favourite, Refusal, Selfie, UserEvent):
        assert count(model, model.user_id == guest.id) == 0
    assert count(User, User.id == guest.id) == 0
    assert embeddings(guest, event) == 0
    service.erase_photos(event, *ids)
    assert service.files() == before


def test_staff_do_not_erase_themselves(service: Service) -> None:
    for who in (service.event().photographer, service.admin):
        refused(erase(service, who, PASSWORD), 403, "GuestsOnly")


def test_no_portrait_is_taken_from_who_has_withdrawn_everywhere(service: Service) -> None:
    event = service.event()
    guest = service.guest_found_as(event)
    withdraw(service, guest, event)
    before = service.files()
    answer = service.send_selfie(guest, people(1))
    assert (answer.status_code, answer.json()["error"]) == (409, "ConsentWithdrawn")
    assert service.files() == before
    service.post("/api/consent", guest, json={"event_id": event.id, "version": "2026-11"})
    assert service.send_selfie(guest, people(1)).status_code == 200
