"""Login by name or address, also where several accounts have that name."""

import itertools
from typing import Any

import pytest

from testkit.builders import EventInfo, Person, Service
from testkit.passwords import OTHER_PASSWORD, PASSWORD
from testkit.pictures import refused

WRONG = "Nom d'utilisateur ou mot de passe incorrect"
_numbers = itertools.count(1)


def fresh() -> str:
    """Return a name that no account has."""
    return f"visitor{next(_numbers)}"


def register(service: Service, event: EventInfo, name: str, password: str = PASSWORD) -> int:
    data = {"username": name, "email": f"{name}@example.org", "password": password}
    answer = service.post("/api/register-with-event-code", json={"user_data": data, "event_code": event.code})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["id"])


def log_in(service: Service, name: str, password: str = PASSWORD, code: str | None = None) -> Any:
    body = {"username": name, "password": password, "event_code": code}
    return service.post("/api/login", json=body)


def who(service: Service, answer: Any) -> int:
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    return int(service.get("/api/me", headers=headers).json()["id"])


def test_a_login_gives_a_bearer_token(service: Service) -> None:
    name = service.guest(service.event()).name
    body = log_in(service, name).json()
    assert body["token_type"] == "bearer"
    assert body["expires_in"] > 3600


def test_name_and_address_in_any_case(service: Service) -> None:
    guest = service.guest(service.event())
    for typed in (guest.name.upper(), f" {guest.name} ", f"{guest.name}@EXAMPLE.org", f"{guest.name}@example.org"):
        assert who(service, log_in(service, typed)) == guest.id


@pytest.mark.parametrize("password", ["wrong", PASSWORD.upper(), f"{PASSWORD} ", "x" * 1024])
def test_a_wrong_password_is_refused(service: Service, password: str) -> None:
    name = service.guest(service.event()).name
    refused(log_in(service, name, password), 401, "BadCredentials", WRONG)


@pytest.mark.parametrize("name", ["nobody", "nobody@example.org", "", "  ", "\x00", "x" * 900, "%", "' OR 1=1 --"])
def test_an_unknown_name_answers_as_a_wrong_password(service: Service, name: str) -> None:
    refused(log_in(service, name), 401, "BadCredentials", WRONG)


def test_an_empty_password_is_refused(service: Service) -> None:
    name = service.guest(service.event()).name
    refused(log_in(service, name, ""), 422, "InvalidRequest")


def test_the_same_person_at_two_events_says_which(service: Service) -> None:
    name, first, second = fresh(), service.event(name="Noces"), service.event(name="Course")
    ids = {event.code: register(service, event, name) for event in (first, second)}
    for typed in (name, f"{name}@example.org"):
        answer = log_in(service, typed)
        refused(answer, 409, "SeveralAccounts")
        wanted = [
            {
                "event_name": title,
                "event_code": event.code,
                "event_id": event.id,
                "user_id": ids[event.code],
                "username": name,
            }
            for title, event in (("Noces", first), ("Course", second))
        ]
        assert sorted(answer.json()["accounts"], key=str) == sorted(wanted, key=str)
        for code, number in ids.items():
            assert who(service, log_in(service, typed, code=code)) == number
            assert who(service, log_in(service, typed, code=f" {code.lower()} ")) == number


def by_id(service: Service, name: str, user_id: object, password: str = PASSWORD, **more: str) -> Any:
    body = {"username": name, "password": password, "user_id": user_id, **more}
    return service.post("/api/login", json=body)


def test_the_same_person_at_two_events_names_the_account(service: Service) -> None:
    name, first, second = fresh(), service.event(), service.event()
    for number in [register(service, event, name) for event in (first, second)]:
        assert who(service, by_id(service, name, number)) == number
    # The code and the id of different accounts: of none.
    refused(by_id(service, name, number, event_code=first.code), 401, "BadCredentials", WRONG)
    assert who(service, by_id(service, name, number, event_code=second.code)) == number


def test_the_id_of_an_account_tells_nothing_without_its_password(service: Service) -> None:
    name = fresh()
    own, other = (register(service, service.event(), name, password) for password in (PASSWORD, OTHER_PASSWORD))
    stranger, staff = service.guest(service.event()).id, service.photographer().id
    answers = [by_id(service, name, number, "wrong") for number in (own, other, stranger, staff, 2**62)]
    # With a right password, the id of any account that it does not open.
    answers += [by_id(service, name, number) for number in (other, stranger, staff, 2**62)]
    for answer in answers:
        refused(answer, 401, "BadCredentials", WRONG)
    assert len({answer.text for answer in answers}) == 1
    assert who(service, by_id(service, name, own)) == own


def test_the_id_of_an_account_of_staff(service: Service) -> None:
    photographer = service.photographer()
    namesake = register(service, service.event(), photographer.name)
    assert who(service, log_in(service, photographer.name)) == photographer.id
    assert who(service, by_id(service, photographer.name, photographer.id)) == photographer.id
    assert who(service, by_id(service, photographer.name, namesake)) == namesake


@pytest.mark.parametrize("user_id", [0, -1, 2**63, "seventeen", 1.5, [1]])
def test_an_id_that_is_none_is_refused(service: Service, user_id: object) -> None:
    refused(by_id(service, "nobody", user_id), 422, "InvalidRequest")


def test_different_passwords_tell_accounts_apart(service: Service) -> None:
    name = fresh()
    first = register(service, service.event(), name, PASSWORD)
    second = register(service, service.event(), name, OTHER_PASSWORD)
    assert who(service, log_in(service, name, PASSWORD)) == first
    assert who(service, log_in(service, name, OTHER_PASSWORD)) == second
    refused(log_in(service, name, "three"), 401, "BadCredentials", WRONG)


def test_a_wrong_password_never_lists_the_events(service: Service) -> None:
    name = fresh()
    for _ in range(2):
        register(service, service.event(), name)
    answer = log_in(service, name, "wrong")
    refused(answer, 401, "BadCredentials", WRONG)
    assert "accounts" not in answer.json()


def test_a_name_at_nine_events_needs_the_code(service: Service) -> None:
    name, events = fresh(), [service.event() for _ in range(9)]
    ids = [register(service, event, name) for event in events]
    for password in (PASSWORD, "wrong"):
        answer = log_in(service, name, password)
        refused(answer, 409, "SeveralAccounts")
        assert answer.json()["accounts"] == []
    assert who(service, log_in(service, name, code=events[8].code)) == ids[8]


def test_the_code_of_another_event_opens_nothing(service: Service) -> None:
    guest, other = service.guest(service.event()), service.event()
    for code in (other.code, "NOSUCH99", "\x00"):
        refused(log_in(service, guest.name, code=code), 401, "BadCredentials", WRONG)


def test_a_guest_logs_in_with_the_code_of_a_joined_event(service: Service) -> None:
    guest, other = service.guest(service.event()), service.event()
    assert service.post("/api/join-event", guest, json={"event_code": other.code}).status_code == 200
    assert who(service, log_in(service, guest.name, code=other.code)) == guest.id


def test_staff_log_in_at_the_same_place(service: Service) -> None:
    photographer: Person = service.photographer()
    assert who(service, log_in(service, photographer.name)) == photographer.id
    assert who(service, log_in(service, service.admin.name)) == service.admin.id


def test_a_wrong_password_in_english(service: Service) -> None:
    body = {"username": "nobody", "password": PASSWORD}
    answer = service.post("/api/login", json=body, headers={"Accept-Language": "en"})
    refused(answer, 401, "BadCredentials", "Wrong username or password")
