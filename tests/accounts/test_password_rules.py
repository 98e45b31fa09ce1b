"""Which new passwords are refused, with which reason, wherever one is set."""

import unicodedata
from typing import Any

import pytest
from sqlalchemy import update

import errors
from accounts import passwords
from accounts.password_rules import check_new
from database import transaction
from guests.wordings import CURRENT
from models import User
from testkit.builders import Service, people
from testkit.passwords import OTHER_PASSWORD, PASSWORD
from testkit.pictures import refused
from tests.api.accounts.test_login import fresh
from tests.pages.test_pages import send, show, token_of

SHORT = "Le mot de passe doit avoir au moins 8 caractères."
NAMES = ("lea.martin", "lea@dunkerque-photos.fr")


@pytest.mark.parametrize(
    "password", ["Secret.000", "zwölf-und", "8 spaces", "    y    ", "ｖiolet otter", "🦦" * 7 + "."]
)
def test_what_a_guest_may_take(password: str) -> None:
    check_new(password, staff=False)


@pytest.mark.parametrize(
    ("password", "error"),
    [
        ("1234567", errors.PasswordTooShort),
        ("🦦" * 7, errors.PasswordTooShort),
        # Seven letters as the browser of a Mac may send them: each with its accent apart.
        (unicodedata.normalize("NFD", "éàèùçôî"), errors.PasswordTooShort),
        ("password", errors.PasswordTooCommon),
        ("PassWord1", errors.PasswordTooCommon),
        ("Christopher", errors.PasswordTooCommon),
        (" " * 8, errors.PasswordTooCommon),
        ("zZ" * 10, errors.PasswordTooCommon),
        ("ｐａｓｓｗｏｒｄ", errors.PasswordTooCommon),
    ],
)
def test_what_a_guest_may_not_take(password: str, error: type[errors.AppError]) -> None:
    with pytest.raises(error):
        check_new(password, staff=False)


@pytest.mark.parametrize("password", [PASSWORD, OTHER_PASSWORD, PASSWORD * 30, "correct horse battery staple ligne"])
def test_what_staff_may_take(password: str) -> None:
    check_new(password, staff=True, names=NAMES)


@pytest.mark.parametrize(
    ("password", "error"),
    [
        ("Secret.000", errors.StaffPasswordTooShort),
        ("password", errors.PasswordTooCommon),
        ("fourteen chars", errors.StaffPasswordTooShort),
        ("aaaaaaaaaaaaaaaa", errors.PasswordGuessable),
        ("a" * 1024, errors.PasswordGuessable),
        ("passwordpassword", errors.PasswordGuessable),
        ("lea@dunkerque-photos.fr", errors.PasswordGuessable),
        ("Lea.Martin2026!", errors.PasswordGuessable),
    ],
)
def test_what_staff_may_not_take(password: str, error: type[errors.AppError]) -> None:
    with pytest.raises(error):
        check_new(password, staff=True, names=NAMES)


def test_a_name_makes_guessable_what_is_none_for_others() -> None:
    password = "zorglubixquennedec"
    check_new(password, staff=True, names=NAMES)
    with pytest.raises(errors.PasswordGuessable):
        check_new(password, staff=True, names=("zorglubix", "quennedec@example.org"))


def registered(service: Service, password: str, **more: Any) -> tuple[Any, Any]:
    """Return the answers of both ways to register with `password`."""
    event, name = service.event(), fresh()
    data = {"username": name, "email": f"{name}@example.org", "password": password}
    plain = service.post("/api/register-with-event-code", json={"user_data": data, "event_code": event.code}, **more)
    form = {**data, "username": fresh(), "email": f"x-{name}@example.org", "event_code": event.code}
    files = {"file": ("me.png", people(1), "image/png")}
    return plain, service.post("/api/register-invite-with-selfie", data=form, files=files, **more)


def test_guests_register_with_a_good_password_only(service: Service) -> None:
    before = service.files()
    for answer in registered(service, "seven77"):
        refused(answer, 400, "PasswordTooShort", SHORT)
    for answer in registered(service, "Password1", headers={"Accept-Language": "en"}):
        refused(answer, 400, "PasswordTooCommon", errors.PasswordTooCommon.english)
    assert service.files() == before
    assert [answer.status_code for answer in registered(service, "Secret.000")] == [200, 200]


def test_admins_give_photographers_a_good_password_only(service: Service) -> None:
    name, photographer = fresh(), service.photographer()
    body = {"username": name, "email": f"{name}@example.org"}
    path = "/api/admin/photographers"
    for password, error in (("Secret.000", "StaffPasswordTooShort"), ("passwordpassword", "PasswordGuessable")):
        refused(service.post(path, service.admin, json={**body, "password": password}), 400, error)
        changed = service.put(f"{path}/{photographer.id}", service.admin, json={"password": password})
        refused(changed, 400, error)
    # The name that the same call gives counts too.
    body = {"username": "zorglubix", "password": "zorglubixzorglubix"}
    refused(service.put(f"{path}/{photographer.id}", service.admin, json=body), 400, "PasswordGuessable")
    assert service.get("/api/me", photographer).json()["username"] == photographer.name
    assert service.log_in(photographer.name)


def test_a_short_password_from_before_the_rules_still_logs_in(service: Service) -> None:
    guest = service.guest(service.event())
    with transaction() as session:
        hashed = passwords.hash_password("pw")
        session.execute(update(User).where(User.id == guest.id).values(hashed_password=hashed))
    assert service.log_in(guest.name, "pw")


def test_the_same_letters_written_in_another_way_are_the_same_password(service: Service) -> None:
    composed, apart = "été à Nîmes", unicodedata.normalize("NFD", "été à Nîmes")
    hashed = passwords.hash_password(apart)
    assert passwords.verify_password(composed, hashed)
    assert passwords.verify_password(apart, hashed)
    older = passwords._hash.hash(apart)
    assert passwords.verify_password(apart, older), "a hash from before was made of what was typed"


def test_the_page_says_at_the_field_why_a_password_is_refused(service: Service) -> None:
    service.client.cookies.clear()
    event, name = service.event(), fresh()
    page = f"/join?event_code={event.code}"
    assert 'minlength="8"' in show(service, f"{page}&form=true").text
    fields = {"username": name, "email": f"{name}@example.org", "event_code": event.code, "consent": CURRENT}
    for password, words in (("seven77", "Il faut au moins 8 caractères."), ("Password1", "plus courants au monde")):
        answer = send(service, "/join", csrf_token=token_of(service, page), password=password, **fields)
        assert answer.headers["location"] == page
        assert words in show(service, page).text
    answer = send(service, "/join", csrf_token=token_of(service, page), password="Secret.000", **fields)
    assert answer.headers["location"].startswith("/selfie")
    service.client.cookies.clear()
