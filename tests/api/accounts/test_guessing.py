"""Wrong passwords, codes and floods are refused with 429 and a wait; who does nothing wrong is not."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from settings import get_settings
from testkit.builders import Person, Service, people
from testkit.passwords import PASSWORD
from testkit.pictures import refused
from testkit.quick_client import QuickClient
from tests.throttling.clock import Clock, counted

HERE, ELSEWHERE = "192.0.2.1", "2001:db8::1"


@pytest.fixture(autouse=True)
def clock(tmp_path: Path) -> Iterator[Clock]:
    with counted(tmp_path / "limits.db") as clock:
        yield clock


def at(service: Service, address: str) -> QuickClient:
    """Return a client at another address."""
    return QuickClient(service.client.app, client=(address, 50_000), raise_server_exceptions=False)


def try_password(service: Service, name: str, password: str = "wrong", address: str = HERE, code: str = "") -> Any:
    body = {"username": name, "password": password, **({"event_code": code} if code else {})}
    return at(service, address).post("/api/login", json=body)


def exhaust(service: Service, name: str, address: str = HERE) -> None:
    for _ in range(10):
        refused(try_password(service, name, address=address), 401, "BadCredentials")


def waits(answer: Any, seconds: int) -> None:
    refused(answer, 429, "TooManyRequests")
    assert answer.headers["Retry-After"] == str(seconds)


def test_a_wait_that_doubles_to_a_quarter_of_an_hour(service: Service, clock: Clock) -> None:
    name = service.guest(service.event()).name
    exhaust(service, name)
    for wait in (30, 60, 120, 240, 480, 900, 900):
        waits(try_password(service, name), wait)
        waits(try_password(service, name, PASSWORD), wait)
        clock.pass_(wait + 0.1)
        refused(try_password(service, name), 401, "BadCredentials")
    clock.pass_(900.1)
    assert try_password(service, name, PASSWORD).status_code == 200
    exhaust(service, name)
    waits(try_password(service, name), 30)


def test_the_owner_elsewhere_is_not_locked_out(service: Service) -> None:
    name = service.guest(service.event()).name
    exhaust(service, name)
    assert try_password(service, name, PASSWORD, ELSEWHERE).status_code == 200
    waits(try_password(service, name, PASSWORD), 30)


def test_nine_mistakes_and_other_people_have_no_effect(service: Service, clock: Clock) -> None:
    event = service.event()
    one, other = service.guest(event).name, service.guest(event).name
    exhaust(service, other)
    for _ in range(3):
        for _ in range(9):
            try_password(service, one)
        assert try_password(service, one, PASSWORD).status_code == 200
    for _ in range(40):
        assert try_password(service, one, PASSWORD).status_code == 200


def test_name_address_case_and_code_count_together(service: Service) -> None:
    event = service.event()
    name = service.guest(event).name
    forms = [(name, ""), (f"{name}@example.org", event.code), (name.upper(), event.code.lower()), (f" {name} ", "")]
    for number in range(10):
        who, code = forms[number % 4]
        refused(try_password(service, who, code=code), 401, "BadCredentials")
    for who, code in forms:
        waits(try_password(service, who, code=code), 30)


def test_an_unknown_name_is_answered_like_a_known_one(service: Service) -> None:
    exhaust(service, "nobody of this name")
    waits(try_password(service, "NOBODY of this name"), 30)


def test_addresses_of_one_ipv6_network_count_together(service: Service) -> None:
    name = service.guest(service.event()).name
    for number in range(10):
        refused(try_password(service, name, address=f"2001:db8:0:7::{number:x}"), 401, "BadCredentials")
    waits(try_password(service, name, address="2001:db8:0:7:ffff::1"), 30)
    refused(try_password(service, name, address="2001:db8:0:8::1"), 401, "BadCredentials")


def test_a_forwarded_address_of_the_client_itself_is_not_believed(service: Service) -> None:
    name = service.guest(service.event()).name
    client, body = at(service, HERE), {"username": name, "password": "wrong"}
    answers = [
        client.post("/api/login", json=body, headers={"X-Forwarded-For": f"198.51.100.{number}"})
        for number in range(11)
    ]
    waits(answers[-1], 30)


def test_many_at_once_do_not_pass_together(service: Service) -> None:
    name = service.guest(service.event()).name
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: service.post("/api/login", json={"username": name, "password": "x"}), range(60))
        )
    assert sum(answer.status_code == 401 for answer in answers) <= 10
    assert {answer.status_code for answer in answers} == {401, 429}


def test_200_wrong_passwords_an_hour_close_an_account_to_unknown_addresses(service: Service, clock: Clock) -> None:
    name = service.guest(service.event()).name
    assert try_password(service, name, PASSWORD, "198.51.100.9").status_code == 200
    for number in range(20):
        exhaust(service, name, f"203.0.113.{number}")
    stranger = try_password(service, name, PASSWORD, "203.0.113.99")
    refused(stranger, 429, "TooManyRequests")
    assert 0 < int(stranger.headers["Retry-After"]) <= 3600
    assert try_password(service, name, PASSWORD, "198.51.100.9").status_code == 200
    clock.pass_(3601)
    assert try_password(service, name, PASSWORD, "203.0.113.99").status_code == 200


def test_the_wait_is_said_in_both_languages(service: Service) -> None:
    exhaust(service, "someone")
    assert try_password(service, "someone").json()["detail"] == "Trop de tentatives. Réessayez dans 30 secondes."
    answer = at(service, HERE).post(
        "/api/login", json={"username": "someone", "password": "x"}, headers={"Accept-Language": "en"}
    )
    assert answer.json()["detail"] == "Too many attempts. Try again in 30 seconds."


def test_the_password_that_erases_an_account_cannot_be_guessed(service: Service) -> None:
    guest = service.guest(service.event())
    client = at(service, HERE)

    def erase(password: str) -> Any:
        return client.request("DELETE", "/api/me", json={"password": password}, headers=guest.headers)

    for _ in range(10):
        refused(erase("wrong"), 401, "BadCredentials")
    waits(erase(PASSWORD), 30)


def test_wrong_codes_are_refused_and_right_ones_never(service: Service, clock: Clock) -> None:
    event, guest = service.event(), service.guest(service.event())
    client = at(service, HERE)

    def asked(code: str, who: Person) -> list[Any]:
        user = {"username": who.name, "email": f"{who.name}@example.com", "password": "password of one"}
        return [
            client.post("/api/check-event-code", json={"event_code": code}),
            client.get("/api/event-info", params={"event_code": code}),
            client.post("/api/check-user-availability", json={"username": "x", "event_code": code}),
            client.post("/api/register-with-event-code", json={"user_data": user, "event_code": code}),
            client.post("/api/join-event", json={"event_code": code}, headers=guest.headers),
        ]

    for number in range(8):
        assert [answer.status_code for answer in asked(f"WRONG{number}", guest)] == [200, 404, 404, 404, 404]
    assert {answer.status_code for answer in asked("WRONG99", guest)} == {429}
    assert client.get("/join", params={"event_code": "WRONG99"}).status_code == 429
    assert [answer.status_code for answer in asked(event.code, guest)] == [200] * 5
    assert client.get("/join", params={"event_code": event.code}).status_code == 200
    clock.pass_(61)
    assert client.post("/api/check-event-code", json={"event_code": "WRONG"}).json() == {"valid": False}


def test_the_page_says_how_long_to_wait(service: Service) -> None:
    client = at(service, HERE)
    for _ in range(40):
        client.get("/join", params={"event_code": "WRONG"})
    answer = client.get("/join?event_code=WRONG", headers={"Accept": "text/html", "Accept-Language": "fr"})
    assert answer.status_code == 429
    assert "Réessayez dans 1 minute." in answer.text
    assert answer.headers["Retry-After"] == "60"


@pytest.mark.parametrize("setting", ["rate_registrations_minute", "rate_selfie_checks_minute"])
def test_floods_of_one_address(service: Service, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    event = service.event()
    monkeypatch.setattr(get_settings(), setting, 3)

    names = (f"flood{number}" for number in count())

    def call(address: str) -> int:
        if "selfie" in setting:
            files = {"file": ("selfie.jpg", people(1), "image/jpeg")}
            return at(service, address).post("/api/validate-selfie", files=files).status_code
        name = next(names)
        user = {"username": name, "email": f"{name}@example.org", "password": "a good password"}
        body = {"user_data": user, "event_code": event.code}
        return at(service, address).post("/api/register-with-event-code", json=body).status_code

    assert [call(HERE) for _ in range(4)] == [200, 200, 200, 429]
    assert call("198.51.100.7") == 200
    monkeypatch.setattr(get_settings(), setting, 0)
    assert call(HERE) == 200


def test_clicks_of_one_guest(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    event = service.event()
    one, other = service.guest(event), service.guest(event)
    for setting, path in (("rate_not_me_minute", "not-me"), ("rate_favourites_minute", "favourite")):
        monkeypatch.setattr(get_settings(), setting, 2)
        codes = [service.delete(f"/api/photos/1/{path}", one).status_code for _ in range(3)]
        assert codes == [404, 404, 429]
        assert service.delete(f"/api/photos/1/{path}", other).status_code == 404


def test_selfies_of_one_guest(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    event = service.event()
    one, other = service.guest(event), service.guest(event)
    monkeypatch.setattr(get_settings(), "rate_selfies", 2)
    assert [service.send_selfie(one, people(1)).status_code for _ in range(3)] == [200, 200, 429]
    assert service.send_selfie(other, people(2)).status_code == 200


def test_refusals_are_counted_and_logged_without_names(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    exhaust(service, "a-name-of-someone")
    try_password(service, "a-name-of-someone")
    lines = [record.getMessage() for record in caplog.records if "over the limit" in record.getMessage()]
    assert len(lines) == 1
    assert "wait 30 s" in lines[0]
    assert "someone" not in caplog.text
    assert HERE not in lines[0]
    metrics = service.get("/metrics", headers={"Authorization": "Bearer monitoring-token-for-tests"}).text
    assert 'reperio_refusals_total{kind="password"}' in metrics
