"""The second factor of staff: set up, asked for at each login, each code once, replaced by a recovery code."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, text

from accounts import tokens
from accounts.tokens import csrf_of
from api.sessions import SESSION_COOKIE
from database import reading, transaction
from models import RecoveryCode, SecondFactor
from settings import get_settings
from testkit.builders import Person, Service, people
from testkit.forms import form_token
from testkit.passwords import PASSWORD

PATH = "/api/me/second-factor"


@pytest.fixture(autouse=True)
def fresh_browser(service: Service) -> Iterator[None]:
    service.client.cookies.clear()
    yield
    service.client.cookies.clear()


def code(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


def set_up(service: Service, person: Person) -> tuple[str, list[str]]:
    """Switch the second factor on with the code of the step before; return the secret and the recovery codes."""
    begun = service.post(PATH, person, json={"password": PASSWORD})
    assert begun.status_code == 200, begun.text
    assert begun.json()["uri"].startswith("otpauth://totp/Reperio:")
    assert begun.json()["qr"].startswith("data:image/png;base64,")
    secret: str = begun.json()["secret"]
    done = service.post(f"{PATH}/confirm", person, json={"otp": code(secret, -1)})
    assert done.status_code == 200, done.text
    return secret, done.json()["recovery_codes"]


def log_in(service: Service, person: Person, **more: Any) -> tuple[int, str | None]:
    answer = service.post("/api/login", json={"username": person.name, "password": PASSWORD, **more})
    return answer.status_code, answer.json().get("error")


def test_a_login_needs_the_code_and_each_code_works_once(service: Service) -> None:
    person = service.photographer()
    secret, _ = set_up(service, person)
    assert service.get(PATH, person).json() == {"enabled": True, "required": False, "recovery_codes_left": 10}
    assert log_in(service, person) == (401, "SecondFactorRequired")
    assert log_in(service, person, otp="000000") == (401, "WrongSecondFactor")
    assert log_in(service, person, password="wrong", otp=code(secret)) == (401, "BadCredentials")
    present = code(secret)
    assert log_in(service, person, otp=f" {present[:3]} {present[3:]}") == (200, None)
    assert log_in(service, person, otp=present) == (401, "WrongSecondFactor"), "used before"
    assert log_in(service, person, otp=code(secret, 1)) == (200, None), "a phone whose clock is fast"
    assert log_in(service, person, otp=code(secret)) == (401, "WrongSecondFactor"), "older than one used"
    assert log_in(service, person, otp=code(secret, 9)) == (401, "WrongSecondFactor")


def test_a_recovery_code_replaces_the_app_once(service: Service) -> None:
    person = service.photographer()
    secret, codes = set_up(service, person)
    assert len(set(codes)) == 10
    assert log_in(service, person, otp=codes[0].upper()) == (200, None)
    assert log_in(service, person, otp=codes[0]) == (401, "WrongSecondFactor")
    assert service.get(PATH, person).json()["recovery_codes_left"] == 9
    fresh = service.post(f"{PATH}/recovery-codes", person, json={"otp": code(secret)}).json()["recovery_codes"]
    assert log_in(service, person, otp=codes[1]) == (401, "WrongSecondFactor"), "replaced"
    assert log_in(service, person, otp=fresh[1].replace("-", "")) == (200, None)


def test_it_is_switched_off_with_password_and_code(service: Service) -> None:
    person = service.photographer()
    secret, _ = set_up(service, person)

    def off(**body: str) -> tuple[int, str | None]:
        answer = service.client.request("DELETE", PATH, headers=person.headers, json=body)
        return answer.status_code, answer.json().get("error")

    assert off(password="wrong", otp=code(secret)) == (401, "BadCredentials")
    assert off(password=PASSWORD, otp="000000") == (401, "WrongSecondFactor")
    assert off(password=PASSWORD, otp=code(secret)) == (200, None)
    assert log_in(service, person) == (200, None)
    assert off(password=PASSWORD, otp=code(secret)) == (409, "NoSecondFactor")


def test_nothing_counts_before_the_first_code(service: Service) -> None:
    person = service.photographer()
    assert service.post(f"{PATH}/confirm", person, json={"otp": "123456"}).json()["error"] == "NoSecondFactor"
    assert service.post(PATH, person, json={"password": "wrong"}).status_code == 401
    first = service.post(PATH, person, json={"password": PASSWORD}).json()["secret"]
    assert service.post(f"{PATH}/confirm", person, json={"otp": "000000"}).json()["error"] == "WrongSecondFactor"
    assert log_in(service, person) == (200, None)
    second = service.post(PATH, person, json={"password": PASSWORD}).json()["secret"]
    assert service.post(f"{PATH}/confirm", person, json={"otp": code(first)}).status_code == 401
    assert service.post(f"{PATH}/confirm", person, json={"otp": code(second)}).status_code == 200
    assert service.post(PATH, person, json={"password": PASSWORD}).json()["error"] == "SecondFactorEnabled"


def test_a_session_of_the_password_alone_ends_when_the_factor_is_switched_on(service: Service) -> None:
    owner = service.photographer()
    login = {"username": owner.name, "password": PASSWORD, "refresh": True}
    thief = service.post("/api/login", json=login).json()
    old = tokens.issue(owner.id, 0, timedelta(hours=1))
    stolen = [{"Authorization": f"Bearer {each}"} for each in (thief["access_token"], old)]
    assert [service.client.get("/api/me", headers=each).status_code for each in stolen] == [200, 200]
    secret, codes = set_up(service, owner)
    assert [service.client.get("/api/me", headers=each).status_code for each in stolen] == [401, 401]
    assert service.post("/api/token/refresh", json={"refresh_token": thief["refresh_token"]}).status_code == 401
    assert service.get("/api/me", owner).status_code == 200, "the session that set it up goes on"

    def other() -> Person:
        answer = service.post("/api/login", json={**login, "otp": codes.pop()})
        return Person(owner.id, owner.name, answer.json()["access_token"])

    before = other()
    codes = service.post(f"{PATH}/recovery-codes", owner, json={"otp": code(secret)}).json()["recovery_codes"]
    assert (service.get("/api/me", before).status_code, service.get("/api/me", owner).status_code) == (401, 200)
    before = other()
    off = {"password": PASSWORD, "otp": code(secret, 1)}
    assert service.client.request("DELETE", PATH, headers=owner.headers, json=off).status_code == 200
    assert (service.get("/api/me", before).status_code, service.get("/api/me", owner).status_code) == (401, 200)


def test_the_database_alone_gives_neither_secret_nor_codes(service: Service) -> None:
    person = service.photographer()
    secret, codes = set_up(service, person)
    with reading() as session:
        stored = [row.secret for row in session.scalars(select(SecondFactor))]
        stored += [row.code_hash for row in session.scalars(select(RecoveryCode))]
    everything = " ".join(stored)
    assert secret not in everything
    assert not any(part in everything for each in codes for part in (each, each.replace("-", "")))


def test_it_is_for_staff(service: Service) -> None:
    guest = service.guest(service.event())
    assert service.get(PATH, guest).json()["error"] == "StaffOnly"
    assert service.post(PATH, guest, json={"password": PASSWORD}).status_code == 403


@pytest.fixture
def required(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ADMIN_SECOND_FACTOR", "required")
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


def test_an_admin_without_a_required_factor_sees_no_picture(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = service.event()
    photo = service.upload(event, people(1))["uploaded_photos"][0]
    service.process_photos(event)
    guest = service.guest(event)
    service.send_selfie(guest, people(1))
    paths = (f"/api/photo/{photo['id']}?size=original", f"/api/image/{photo['filename']}", f"/api/selfie/{guest.id}")
    assert [service.get(path, service.admin).status_code for path in paths] == [200] * 3
    monkeypatch.setenv("ADMIN_SECOND_FACTOR", "required")
    get_settings.cache_clear()
    answers = [service.get(path, service.admin) for path in paths]
    own = service.get(paths[2], guest).status_code
    monkeypatch.undo()
    get_settings.cache_clear()
    assert [answer.json()["error"] for answer in answers] == ["SecondFactorMissing"] * 3
    assert own == 200


@pytest.mark.usefixtures("required")
def test_an_admin_without_a_required_factor_can_only_set_one_up(service: Service) -> None:
    admin = service.admin
    assert service.get("/api/admin/events", admin).json()["error"] == "SecondFactorMissing"
    assert service.get("/api/stats", admin).json()["error"] == "SecondFactorMissing"
    page = service.get("/admin", admin, headers={"Accept": "text/html"}, follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/account/second-factor")
    assert service.get(PATH, admin).json()["required"] is True
    assert service.get("/api/me", admin).status_code == 200
    secret, _ = set_up(service, admin)
    assert service.get("/api/admin/events", admin).status_code == 200
    service.client.request("DELETE", PATH, headers=admin.headers, json={"password": PASSWORD, "otp": code(secret)})


def test_the_pages_ask_for_the_code_and_show_what_was_set_up(service: Service) -> None:
    html = {"Accept": "text/html", "Accept-Language": "en"}
    person = service.photographer()
    service.client.cookies.set(SESSION_COOKIE, person.token)
    token = {"csrf_token": csrf_of(person.token)}
    shown = service.post("/account/second-factor/begin", data={**token, "password": PASSWORD}, headers=html)
    secret = shown.text.split("<code>")[1].split("</code>")[0]
    assert "data:image/png;base64," in shown.text
    wrong = service.post("/account/second-factor/confirm", data={**token, "otp": "000000"}, headers=html)
    assert secret in wrong.text, "the code can be scanned again"
    done = service.post("/account/second-factor/confirm", data={**token, "otp": code(secret, -1)}, headers=html)
    recovery = done.text.split("<code>")[1].split("</code>")[0]
    assert "10 recovery codes left" in service.get("/account/second-factor", headers=html).text
    service.client.cookies.clear()
    first = form_token(service.get("/login", headers=html).text)
    form = {"csrf_token": first, "username": person.name, "password": PASSWORD, "next": "/studio"}
    asked = service.post("/login", data=form, headers=html)
    assert "One more code" in asked.text
    ticket = asked.text.split('name="ticket" value="')[1].split('"')[0]
    again = {"csrf_token": first, "ticket": ticket, "next": "/studio"}
    assert "wrong, or has been used" in service.post("/login", data={**again, "otp": "111111"}, headers=html).text
    inside = service.post("/login", data={**again, "otp": recovery}, headers=html, follow_redirects=False)
    assert inside.headers["location"] == "/studio"


def test_a_secret_of_another_key_is_refused_in_words(service: Service) -> None:
    person = service.photographer()
    secret, _ = set_up(service, person)
    with transaction() as session:
        session.execute(text("UPDATE second_factors SET secret = 'x' WHERE user_id = :who"), {"who": person.id})
    assert log_in(service, person, otp=code(secret)) == (401, "WrongSecondFactor")
