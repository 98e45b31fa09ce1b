"""Password hashes, and the bound on logins that wait for one."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import bcrypt
import pytest

from accounts import passwords
from api import dependencies
from database import reading, transaction
from models import User
from testkit.builders import Service
from testkit.passwords import PASSWORD


def test_the_hash_is_argon2id_with_the_agreed_cost(agreed_hashes: None) -> None:
    hashed = passwords.hash_password("secret")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.verify_password("secret", hashed)
    assert not passwords.verify_password("Secret", hashed)
    assert not passwords.verify_password("the password of nobody", None)


@pytest.mark.long
def test_a_storm_of_logins_is_told_to_come_back_and_leaves_the_others_room(
    service: Service, agreed_hashes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = service.guest(service.event())
    monkeypatch.setattr(dependencies, "MAX_WAITING", 5)

    def log_in(_: int) -> Any:
        return service.post("/api/login", json={"username": guest.name, "password": PASSWORD})

    with ThreadPoolExecutor(60) as pool:
        storm = [pool.submit(log_in, number) for number in range(60)]
        began = time.monotonic()
        assert service.post("/api/check-event-code", json={"event_code": "x"}).status_code == 200
        waited = time.monotonic() - began
        answers = [each.result() for each in storm]
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 503)
    assert waited < 2
    assert log_in(0).status_code == 200


def test_the_predecessors_hash_is_replaced_at_the_first_login(service: Service) -> None:
    guest = service.guest(service.event())
    with transaction() as session:
        user = session.get(User, guest.id)
        assert user is not None
        user.hashed_password = bcrypt.hashpw(b"old secret", bcrypt.gensalt(4)).decode()
    body = {"username": guest.name, "password": "wrong"}
    assert service.post("/api/login", json=body).status_code == 401
    for _ in range(2):
        assert service.post("/api/login", json={**body, "password": "old secret"}).status_code == 200
        with reading() as session:
            user = session.get(User, guest.id)
            assert user is not None
            assert (user.hashed_password or "").startswith("$argon2id$")


@pytest.mark.parametrize(
    "hashed", ["", "$2b$", "$2b$99$" + "a" * 53, "plain", "$2b$04$" + "é" * 53, "$argon2id$v=19$x"]
)
def test_a_malformed_hash_fits_no_password(service: Service, hashed: str) -> None:
    guest = service.guest(service.event())
    with transaction() as session:
        user = session.get(User, guest.id)
        assert user is not None
        user.hashed_password = hashed
    assert service.post("/api/login", json={"username": guest.name, "password": PASSWORD}).status_code == 401


def _cpu_seconds(password: str, hashed: str) -> float:
    began = time.thread_time()
    for _ in range(10):
        passwords.verify_password(password, hashed)
    return time.thread_time() - began


def test_the_login_after_a_registration_costs_no_second_hash(agreed_hashes: None) -> None:
    hashed = passwords.hash_new("a sentence of mine")
    other = passwords.hash_password("a sentence of mine")
    assert passwords.verify_password("a sentence of mine", hashed)
    assert not passwords.verify_password("a sentence of yours", hashed)
    assert _cpu_seconds("a sentence of mine", hashed) < _cpu_seconds("a sentence of mine", other) / 10
    # In two minutes it is as any other.
    passwords._new.clear()
    assert passwords.verify_password("a sentence of mine", hashed)
    assert _cpu_seconds("a sentence of mine", hashed) > _cpu_seconds("a sentence of mine", other) / 2
