"""Tokens and sizes are checked as each route's marks say."""

import re
from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient

from api.rules import JSON_BODY, PART_BODY, PHOTOS_BODY, SELFIE_BODY, BodyLimit, RouteRules, body_limit, public
from settings import ROOT, get_settings

# Every call of the API that needs no token.
PUBLIC = {
    "POST /api/check-event-code",
    "GET /api/event-info",
    "POST /api/check-user-availability",
    "POST /api/validate-selfie",
    "POST /api/register-with-event-code",
    "POST /api/register-invite-with-selfie",
    "POST /api/register-invite",
    "POST /api/register",
    "POST /api/login",
    "POST /api/token/refresh",
    "POST /api/password-reset",
    "POST /api/password-reset/confirm",
    "POST /api/confirm-address",
    "POST /api/push-renewal",
    "GET /api/shared/{link_token}",
    "GET /api/shared/{link_token}/photos/{photo_id}",
    "GET /api/shared/{link_token}/photos.zip",
    "POST /api/shared/{link_token}/photos/{photo_id}/report",
}
SELFIES = {
    "POST /api/validate-selfie",
    "POST /api/register-invite-with-selfie",
    "POST /api/register",
    "POST /api/upload-selfie",
    "PUT /api/me/children/{child_id}/portrait",
}
PHOTOS = {
    "POST /api/upload-photo",
    "POST /api/upload-photos",
    "POST /api/photographer/events/{event_id}/upload-photos",
}
PARTS = {"PUT /api/photographer/events/{event_id}/uploads/{upload_id}/parts/{number}"}
# More than any call takes: refused before the call runs, but after its token was asked for.
ENDLESS = {"Content-Length": str(2**40)}


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, follow_redirects=False)


@pytest.fixture
def app(app: FastAPI) -> Iterator[FastAPI]:
    """The application, to which a test may add routes: other tests share its router."""
    before = list(app.router.routes)
    yield app
    app.router.routes[:] = before


def calls(app: FastAPI) -> list[str]:
    """Return every documented call of the API, such as `GET /api/me`."""
    return [
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if path.startswith("/api/")
    ]


def answer(client: TestClient, call: str, **headers: str) -> tuple[int, str]:
    """Return the status and the error's name that a call without a token and with an endless body gets."""
    method, path = call.split(" ")
    reply = client.request(method, path, headers={**ENDLESS, **headers})
    return reply.status_code, reply.json()["error"]


def test_a_call_needs_a_token_unless_it_is_public(app: FastAPI, client: TestClient) -> None:
    assert {call for call in calls(app) if answer(client, call) != (401, "NotAuthenticated")} == PUBLIC


def test_a_public_call_refuses_a_body_that_is_too_large(client: TestClient) -> None:
    wanted = {call: (413, "SelfieBodyTooLarge" if call in SELFIES else "BodyTooLarge") for call in PUBLIC}
    assert {call: answer(client, call) for call in PUBLIC} == wanted


@pytest.mark.parametrize(
    ("call", "status"),
    [
        ("GET /api/login", 405),
        ("POST /api/login/", 307),
        ("POST /api/login//", 401),
        ("GET /api/me/", 401),
        ("HEAD /api/me", 401),
        ("PUT /api/me", 401),
        ("OPTIONS /api/me", 405),
        ("GET /api/nothing", 401),
        ("GET /api/", 401),
        ("GET /api/login/more", 401),
        ("GET /nothing", 404),
        ("GET /apinothing", 404),
        ("GET //api/me", 404),
        ("GET /api/photo/1", 401),
    ],
)
def test_without_a_token(client: TestClient, call: str, status: int) -> None:
    method, path = call.split(" ")
    assert client.request(method, f"http://testserver{path}").status_code == status


def test_a_signed_link_is_judged_by_its_route(client: TestClient) -> None:
    reply = client.get("/api/photo/1?user=1&expires=1&signature=forged")
    assert (reply.status_code, reply.json()["error"]) == (401, "InvalidToken")


def test_only_uploads_take_a_body_larger_than_json(app: FastAPI) -> None:
    rules = RouteRules(app.routes)
    found: dict[BodyLimit, set[str]] = {JSON_BODY: set(), SELFIE_BODY: set(), PHOTOS_BODY: set(), PART_BODY: set()}
    for call in calls(app):
        found[rules.of(*call.split(" ")).body].add(call)
    assert (found[SELFIE_BODY], found[PHOTOS_BODY], found[PART_BODY]) == (SELFIES, PHOTOS, PARTS)
    assert [kind.largest(get_settings()) for kind in found] == [2**20, 25 * 2**20, 2**30, 8 * 2**20 + 2**16]


def test_the_proxy_lets_large_bodies_through_to_the_same_calls(app: FastAPI) -> None:
    (pattern,) = re.findall(r"@photos path_regexp (\S+)", (ROOT / "deploy" / "Caddyfile").read_text())
    assert {call for call in calls(app) if re.match(pattern, call.split(" ")[1])} == PHOTOS


def test_a_new_route_is_private_and_small_until_it_says_otherwise(app: FastAPI, client: TestClient) -> None:
    @app.post("/api/private")
    def private() -> str:
        return "reached"

    @app.post("/api/open/{number}")
    @public
    @body_limit(BodyLimit(lambda settings: 10, SELFIE_BODY.error))
    def opened(number: int, text: Annotated[str, Body()]) -> str:
        return "reached"

    assert client.post("/api/private").status_code == 401
    assert client.post("/api/open/1", json="12345678").json() == "reached"
    assert client.post("/api/open/1", json="123456789").json()["error"] == "SelfieBodyTooLarge"


def test_the_rule_is_that_of_the_route_that_answers(app: FastAPI, client: TestClient) -> None:
    @app.get("/api/things/secret")
    def secret() -> str:
        return "secret"

    @app.get("/api/things/{name}")
    @public
    def thing(name: str) -> str:
        return name

    @app.post("/api/things/{name}")
    def change(name: str) -> str:
        return name

    assert client.get("/api/things/chair").json() == "chair"
    assert client.get("/api/things/secret").status_code == 401
    assert client.post("/api/things/chair").status_code == 401
