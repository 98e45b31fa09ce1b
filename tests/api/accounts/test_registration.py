"""Registration of guests: names, addresses, event codes, and a selfie sent with it."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from testkit.builders import EventInfo, Person, Service, people
from testkit.passwords import PASSWORD
from testkit.pictures import PDF, refused, truncated

TAKEN = "Username ou email déjà utilisé"
NO_FACE = "Aucun visage détecté dans l'image. Veuillez envoyer un selfie clair de votre visage."
SEVERAL = "Plusieurs visages détectés. Veuillez envoyer un selfie avec un seul visage."
SMALL = "Visage trop petit. Approchez-vous de l'appareil et assurez-vous que le visage est net."
_numbers = itertools.count(1)


def fresh() -> str:
    """Return a name that no account has."""
    return f"registrant{next(_numbers)}"


def register(service: Service, code: str, name: str, email: str | None = None, **more: Any) -> Any:
    data = {"username": name, "email": email or f"{name}@example.org", "password": PASSWORD, **more}
    return service.post("/api/register-with-event-code", json={"user_data": data, "event_code": code})


def invite(service: Service, code: str, name: str, picture: bytes, content_type: str = "image/jpeg") -> Any:
    form = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "event_code": code}
    files = {"file": ("selfie.jpg", picture, content_type)}
    return service.post("/api/register-invite-with-selfie", data=form, files=files)


def is_free(service: Service, event: EventInfo, name: str) -> bool:
    body = {"username": name, "email": f"{name}@example.org", "event_code": event.code}
    answer = service.post("/api/check-user-availability", json=body)
    assert answer.status_code == 200
    return bool(answer.json() == {"username_taken": False, "email_taken": False})


def expire(service: Service, event: EventInfo) -> None:
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert service.put(f"/api/admin/events/{event.id}", service.admin, json={"expires_at": past}).status_code == 200


def test_a_guest_registers_and_sees_the_event(service: Service) -> None:
    event, name = service.event(name="Mariage de Léa", date="2100-06-20"), fresh()
    user = register(service, event.code, name).json()
    assert (user["username"], user["user_type"], user["is_active"]) == (name, "user", True)
    assert (user["event_id"], user["event_name"]) == (event.id, "Mariage de Léa")
    assert (user["event_code"], user["event_date"]) == (event.code, "2100-06-20")
    assert user["created_at"].endswith("Z")
    assert "password" not in str(user)


def test_a_code_counts_without_case_and_spaces(service: Service) -> None:
    event = service.event(event_code="Noces-2026-" + fresh())
    typed = f"  {event.code.swapcase()}  "
    assert service.post("/api/check-event-code", json={"event_code": typed}).json() == {"valid": True}
    assert register(service, typed, fresh()).json()["event_id"] == event.id


@pytest.mark.parametrize("around", ["\n", "\t", "\r\n", "\u00a0", "\u200b", "\ufeff"])
def test_a_pasted_code_counts_without_line_ends(service: Service, around: str) -> None:
    event = service.event()
    assert service.post("/api/check-event-code", json={"event_code": event.code + around}).json() == {"valid": True}
    assert register(service, event.code + around, fresh()).json()["event_id"] == event.id


def test_what_nobody_sees_in_a_name_makes_no_other_guest_of_it(service: Service) -> None:
    event, name = service.event(), fresh()
    # Characters that phones add when a code is copied.
    user = register(service, event.code, f"\u202a{name}\u202c ", f"\u200b{name}@example.org").json()
    assert (user["username"], user["email"]) == (name, f"{name}@example.org")
    assert not is_free(service, event, f"{name[:3]}\u200b{name[3:]}")
    taken = register(service, event.code, f"{name[:3]}\u00ad{name[3:]}", f"{fresh()}@example.org")
    refused(taken, 400, "AccountTaken", TAKEN)
    assert service.log_in(f"\ufeff{name}", code=event.code)


@pytest.mark.parametrize("name", ["\u202e", "\u200b\u200b", " \ufeff "])
def test_a_name_of_which_nothing_is_seen_is_refused(service: Service, name: str) -> None:
    answer = register(service, service.event().code, name, f"{fresh()}@example.org")
    refused(answer, 422, "InvalidRequest")


@pytest.mark.parametrize("code", ["NOSUCH99", "", "   ", "é" * 900, "\x00", "a/b%2e"])
def test_an_unknown_code_registers_nobody(service: Service, code: str) -> None:
    refused(register(service, code, fresh()), 404, "EventNotFound", "Code événement invalide")
    assert service.post("/api/check-event-code", json={"event_code": code}).json() == {"valid": False}


def test_an_expired_code_registers_nobody(service: Service) -> None:
    event, name = service.event(), fresh()
    expire(service, event)
    refused(register(service, event.code, name), 404, "EventNotFound", "Code événement invalide")
    refused(invite(service, event.code, name, people(1)), 404, "EventNotFound")
    assert service.post("/api/check-event-code", json={"event_code": event.code}).json() == {"valid": False}


def test_availability_with_an_unknown_code(service: Service) -> None:
    answer = service.post("/api/check-user-availability", json={"username": "x", "event_code": "NOSUCH99"})
    refused(answer, 404, "EventNotFound", "Code événement invalide")


def test_a_taken_name_or_address_is_refused(service: Service) -> None:
    event, name = service.event(), fresh()
    assert register(service, event.code, name).status_code == 200
    # Names differ neither by case nor by the width of letters.
    for same in (name, name.upper(), f" {name} ", name.replace("r", "\uff52")):
        refused(register(service, event.code, same, f"{fresh()}@example.org"), 400, "AccountTaken", TAKEN)
    refused(register(service, event.code, fresh(), f"{name.title()}@Example.org"), 400, "AccountTaken", TAKEN)
    assert not is_free(service, event, name.upper())


def test_twenty_at_once_make_one_account(service: Service) -> None:
    event, name = service.event(), fresh()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: register(service, event.code, name), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    for answer in answers:
        if answer.status_code == 400:
            refused(answer, 400, "AccountTaken", TAKEN)
    assert service.log_in(name)


def test_the_same_person_at_two_events(service: Service) -> None:
    name, events = fresh(), (service.event(), service.event())
    ids = {register(service, event.code, name).json()["id"] for event in events}
    assert len(ids) == 2


def test_availability_is_judged_within_the_event(service: Service) -> None:
    name, event, other = fresh(), service.event(), service.event()
    register(service, event.code, name)
    assert not is_free(service, event, name)
    assert is_free(service, other, name)
    staff = service.photographer().name
    answer = service.post("/api/check-user-availability", json={"username": staff})
    assert answer.json() == {"username_taken": True, "email_taken": False}


@pytest.mark.parametrize("user_type", ["admin", "photographer", "Admin", ""])
def test_nobody_registers_as_staff(service: Service, user_type: str) -> None:
    event, name = service.event(), fresh()
    refused(register(service, event.code, name, user_type=user_type), 403, "GuestAccountsOnly")
    assert is_free(service, event, name)


def test_a_username_with_an_at_is_ones_own_email(service: Service) -> None:
    event, name = service.event(), fresh()
    address = f"{name}@example.org"
    refused(register(service, event.code, address, f"{fresh()}@example.org"), 400, "UsernameIsNotOwnEmail")
    assert register(service, event.code, address.upper(), address).status_code == 200
    assert service.log_in(address)


def test_emoji_in_a_name_are_fine(service: Service) -> None:
    event = service.event(name="Fête 🎉")
    name = f"Zoé 👩‍🚀 {fresh()}"
    user = register(service, event.code, name, f"{fresh()}@example.org").json()
    assert (user["username"], user["event_name"]) == (name, "Fête 🎉")
    assert service.log_in(name)


@pytest.mark.parametrize("name", ["x" * 300, "nul\x00byte", "", "   ", "bell\x07", "ﷺ" * 150])
def test_a_name_no_database_can_hold_is_refused(service: Service, name: str) -> None:
    event = service.event()
    address = f"{fresh()}@example.org"
    answer = register(service, event.code, name, address)
    refused(answer, 422, "InvalidRequest")
    assert "Le nom d'utilisateur" in answer.json()["detail"]
    assert ("caractère invisible" in answer.json()["detail"]) == (name in ("nul\x00byte", "bell\x07"))
    answer = service.post("/api/check-user-availability", json={"email": address, "event_code": event.code})
    assert answer.json()["email_taken"] is False


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@", "@b.org", "a b@c.org", "x" * 300 + "@example.org", "a\x00@b.org"]
)
def test_what_is_no_address_is_refused(service: Service, address: str) -> None:
    event, name = service.event(), fresh()
    data = {"username": name, "email": address, "password": PASSWORD}
    body = {"user_data": data, "event_code": event.code}
    refused(service.post("/api/register-with-event-code", json=body), 422, "InvalidRequest")
    assert is_free(service, event, name)


def test_half_a_character_is_refused(service: Service) -> None:
    event = service.event()
    for broken in ("username", "password", "email"):
        data = {
            "username": '"half"',
            "email": '"half@example.org"',
            "password": f'"{PASSWORD}"',
            broken: '"half\\ud800"',
        }
        inner = ",".join(f'"{key}":{value}' for key, value in data.items())
        raw = f'{{"user_data":{{{inner}}},"event_code":"{event.code}"}}'.encode()
        headers = {"Content-Type": "application/json"}
        refused(service.post("/api/register-with-event-code", content=raw, headers=headers), 422, "InvalidRequest")
    assert is_free(service, event, "half")


@pytest.mark.parametrize("path", ["check-event-code", "login", "check-user-availability"])
def test_half_a_character_elsewhere_is_no_failure_of_ours(service: Service, path: str) -> None:
    raw = b'{"event_code":"\\ud800","username":"\\ud800","password":"\\ud800","email":"\\ud800"}'
    answer = service.post(f"/api/{path}", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500
    assert "detail" in answer.json() or answer.json() == {"valid": False}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"user_data": 3}', b"[" * 900])
def test_a_malformed_payload_is_refused(service: Service, raw: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = service.post("/api/register-with-event-code", content=raw, headers=headers)
    assert 400 <= answer.status_code < 500
    assert isinstance(answer.json()["detail"], str)
    assert answer.json()["error"] == "InvalidRequest"


def test_one_call_registers_and_finds_the_photos(service: Service) -> None:
    event, name = service.event(), fresh()
    service.upload(event, people(1, 2), people(2))
    service.process_photos(event)
    assert invite(service, event.code, name, people(1)).json()["username"] == name
    guest = Person(0, name, service.log_in(name, code=event.code))
    assert service.settle(guest)["status"] == "done"
    assert [photo["original_filename"] for photo in service.my_photos(guest)] == ["photo0.jpg"]


@pytest.mark.parametrize(
    ("picture", "error", "detail"),
    [
        (people(), "SelfieNoFace", NO_FACE),
        (people(1, 2), "SelfieSeveralFaces", SEVERAL),
        (people(1, block=30, margin=60), "SelfieFaceTooSmall", SMALL),
        (b"", "InvalidImage", "Format d'image invalide"),
        (b"only text", "InvalidImage", "Format d'image invalide"),
        (truncated(), "InvalidImage", "Format d'image invalide"),
    ],
)
def test_a_rejected_selfie_leaves_no_account(service: Service, picture: bytes, error: str, detail: str) -> None:
    event, name, before = service.event(), fresh(), service.files()
    refused(invite(service, event.code, name, picture), 400, error, detail)
    assert is_free(service, event, name)
    assert service.files() == before
    assert invite(service, event.code, name, people(1)).status_code == 200


def test_a_selfie_that_is_no_image_leaves_no_account(service: Service) -> None:
    event, name, before = service.event(), fresh(), service.files()
    answer = invite(service, event.code, name, PDF, "application/pdf")
    refused(answer, 400, "NotAnImage", "Le fichier doit être une image")
    refused(invite(service, event.code, name, PDF, "image/png"), 400, "InvalidImage", "Format d'image invalide")
    assert is_free(service, event, name)
    assert service.files() == before


def test_a_taken_name_with_a_selfie_leaves_no_file(service: Service) -> None:
    event = service.event()
    name = service.guest(event).name
    before = service.files()
    refused(invite(service, event.code, name, people(1)), 400, "AccountTaken", TAKEN)
    assert service.files() == before


def test_an_invitation_without_a_file(service: Service) -> None:
    event, name = service.event(), fresh()
    form = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "event_code": event.code}
    refused(service.post("/api/register-invite-with-selfie", data=form), 422, "InvalidRequest")
    assert is_free(service, event, name)


def test_refusals_in_english(service: Service) -> None:
    headers = {"Accept-Language": "en-GB,en;q=0.9,fr;q=0.5"}
    body = {"user_data": {"username": "x", "email": "x@example.org", "password": PASSWORD}, "event_code": "NOSUCH99"}
    answer = service.post("/api/register-with-event-code", json=body, headers=headers)
    refused(answer, 404, "EventNotFound", "Invalid event code")
    french = service.post("/api/register-with-event-code", json=body, headers={"Accept-Language": "fr,en;q=0.5"})
    refused(french, 404, "EventNotFound", "Code événement invalide")
