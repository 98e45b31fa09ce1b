"""Which tokens are accepted and which are refused."""

import base64
import json
import time
from typing import Any

import jwt
import pytest

from settings import get_settings
from testkit.builders import Person, Service
from testkit.passwords import OTHER_PASSWORD
from testkit.pictures import refused

GUARDED = ["/api/me", "/api/my-photos", "/api/rematch-status", "/api/stats", "/api/admin/events", "/api/photo/1"]


def with_token(service: Service, token: str) -> Any:
    return service.get("/api/me", headers={"Authorization": f"Bearer {token}"})


def claims(person: Person, **changes: Any) -> dict[str, Any]:
    return {"sub": str(person.id), "ver": 0, "exp": int(time.time()) + 600, **changes}


def signed(payload: dict[str, Any], key: str | None = None, algorithm: str = "HS256") -> str:
    return jwt.encode(payload, key or get_settings().secret_key, algorithm)


def unsigned(payload: dict[str, Any], algorithm: str) -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, payload)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


@pytest.mark.parametrize("path", GUARDED)
def test_without_a_token_nothing_opens(service: Service, path: str) -> None:
    answer = service.get(path)
    refused(answer, 401, "NotAuthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_of_ours_opens(service: Service) -> None:
    guest = service.guest(service.event())
    assert with_token(service, signed(claims(guest))).json()["id"] == guest.id


def test_an_expired_token_opens_nothing(service: Service) -> None:
    guest = service.guest(service.event())
    refused(with_token(service, signed(claims(guest, exp=int(time.time()) - 1))), 401, "InvalidToken")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_an_unsigned_token_opens_nothing(service: Service, algorithm: str) -> None:
    refused(with_token(service, unsigned(claims(service.admin), algorithm)), 401, "InvalidToken")


def test_a_forged_token_opens_nothing(service: Service) -> None:
    guest = service.guest(service.event())
    head, body, signature = guest.token.split(".")
    other = base64.urlsafe_b64encode(json.dumps(claims(service.admin)).encode()).decode().rstrip("=")
    forged = [
        signed(claims(guest), "another key, also of forty characters..."),
        f"{head}.{other}.{signature}",
        f"{head}.{body}.{signature[::-1]}",
    ]
    for token in forged:
        refused(with_token(service, token), 401, "InvalidToken")


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é", "0" * 5000])
def test_nonsense_opens_nothing(service: Service, token: str) -> None:
    raw = b"Bearer " + token.encode()
    refused(service.get("/api/me", headers={b"Authorization": raw}), 401, "InvalidToken")


@pytest.mark.parametrize(
    "changes",
    [{"sub": "0"}, {"sub": "-1"}, {"sub": "x"}, {"sub": str(2**64)}, {"sub": str(10**12)}, {"ver": 7}, {"ver": None}],
)
def test_claims_of_nobody_open_nothing(service: Service, changes: dict[str, Any]) -> None:
    guest = service.guest(service.event())
    refused(with_token(service, signed(claims(guest, **changes))), 401, "InvalidToken")


def test_a_token_without_an_expiry_opens_nothing(service: Service) -> None:
    payload = claims(service.guest(service.event()))
    del payload["exp"]
    refused(with_token(service, signed(payload)), 401, "InvalidToken")


def test_a_new_password_ends_the_sessions_before(service: Service) -> None:
    photographer = service.photographer()
    path = f"/api/admin/photographers/{photographer.id}"
    assert service.put(path, service.admin, json={"password": OTHER_PASSWORD}).status_code == 200
    refused(service.get("/api/me", photographer), 401, "InvalidToken")
    assert with_token(service, service.log_in(photographer.name, OTHER_PASSWORD)).status_code == 200


def test_a_deleted_account_opens_nothing(service: Service) -> None:
    photographer = service.photographer()
    assert service.delete(f"/api/admin/photographers/{photographer.id}", service.admin).status_code == 200
    refused(service.get("/api/me", photographer), 401, "InvalidToken")


def test_the_monitoring_token_is_no_account(service: Service) -> None:
    for path in ("/api/me", "/api/admin/events", "/api/my-photos"):
        answer = service.get(path, headers={"Authorization": f"Bearer {get_settings().monitoring_token}"})
        refused(answer, 401, "InvalidToken")


def test_other_schemes_are_not_ours(service: Service) -> None:
    guest = service.guest(service.event())
    for value in (f"Basic {guest.token}", guest.token, "Bearer", "Bearer   "):
        refused(service.get("/api/me", headers={"Authorization": value}), 401, "NotAuthenticated")


def test_a_link_signature_is_no_way_around_the_token(service: Service) -> None:
    refused(service.get("/api/me?signature=x"), 401, "NotAuthenticated")
    refused(service.get("/api/my-photos?signature=x&user=1&expires=9999999999"), 401, "NotAuthenticated")


def test_an_unknown_address_answers_in_our_form(service: Service) -> None:
    refused(service.get("/api/nothing", service.admin), 404, "NotFound")
    refused(service.put("/api/me", service.admin), 405, "MethodNotAllowed")


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_guests_do_not_administer(service: Service, method: str) -> None:
    event = service.event()
    calls = {
        "get": ["/api/admin/events", "/api/admin/photographers", f"/api/admin/event-qr/{event.code}"],
        "post": [f"/api/admin/events/{event.id}/rematch"],
        "put": [],
        "delete": [f"/api/admin/events/{event.id}", f"/api/admin/photographers/{event.photographer.id}"],
    }
    for person in (service.guest(event), event.photographer):
        for path in calls[method]:
            refused(getattr(service, method)(path, person), 403, "AdminsOnly")
