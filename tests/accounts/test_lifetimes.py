"""Tokens and tickets end when they say so, and none passes for one of another kind."""

import inspect
from datetime import timedelta
from types import ModuleType

import jwt
import pytest

import errors
from accounts.tokens import CHOICE_SECONDS, csrf_fits, csrf_of, issue_choice, read_choice, sign, signature_fits
from models import utcnow
from settings import get_settings
from testkit.builders import Service
from testkit.passwords import PASSWORD


def module_of(function: object) -> ModuleType:
    found = inspect.getmodule(function)
    assert found is not None
    return found


def later(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tickets be judged so many seconds later."""
    moment = utcnow() + timedelta(seconds=seconds)
    monkeypatch.setattr(module_of(read_choice), "utcnow", lambda: moment)


def test_a_choice_between_accounts_stays_open_for_five_minutes(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = issue_choice(7, 2)
    assert CHOICE_SECONDS == 300
    later(CHOICE_SECONDS - 10, monkeypatch)
    claims = read_choice(ticket)
    assert (claims.user_id, claims.version) == (7, 2)
    later(CHOICE_SECONDS + 5, monkeypatch)
    with pytest.raises(errors.InvalidToken):
        read_choice(ticket)


def test_no_part_of_a_ticket_can_be_changed(service: Service) -> None:
    user, version, expires, signature = issue_choice(7, 2).split(".")
    forged = [
        f"8.{version}.{expires}.{signature}",
        f"{user}.3.{expires}.{signature}",
        f"{user}.{version}.{int(expires) + 1}.{signature}",
        f"{user}.{version}.{expires}.",
        # Signed by us, but for something else.
        f"{user}.{version}.{expires}.{sign(f'{user}.{version}.{expires}')}",
        f"{user}.{version}.{expires}.{csrf_of(f'{user}.{version}.{expires}')}",
    ]
    for ticket in forged:
        with pytest.raises(errors.InvalidToken):
            read_choice(ticket)


def test_a_signature_for_one_purpose_is_none_for_another(service: Service) -> None:
    message = "photo:1:web:1:9999999999"
    assert signature_fits(message, sign(message))
    assert csrf_fits(message, csrf_of(message))
    assert not signature_fits(message, csrf_of(message))
    assert not csrf_fits(message, sign(message))


def test_a_token_lasts_as_long_as_its_answer_says(service: Service) -> None:
    guest = service.guest(service.event())
    body = service.post("/api/login", json={"username": guest.name, "password": PASSWORD}).json()
    claims = jwt.decode(body["access_token"], get_settings().secret_key, ["HS256"])
    assert claims["exp"] - claims["iat"] == body["expires_in"] == 24 * 3600
    assert abs(claims["iat"] - utcnow().timestamp()) < 60
