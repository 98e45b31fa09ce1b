"""What is refused before a body is read, in which order, and what the access log keeps to itself."""

import logging
from typing import Any

import pytest

from testkit.builders import Service, people
from testkit.pictures import refused

TOO_MUCH = 2 * 1024 * 1024
JSON = {"Content-Type": "application/json"}


def too_much(headers: dict[str, str] | None = None) -> dict[str, Any]:
    return {"content": b" " * TOO_MUCH, "headers": {**JSON, **(headers or {})}}


@pytest.mark.parametrize("path", ["/api/join-event", "/api/photo/1", "/api/upload-photos", "/api/nothing"])
@pytest.mark.parametrize("query", ["", "?signature=x", "?signature=x&user=1&expires=9999999999"])
def test_without_a_token_nothing_is_read_whatever_the_address_says(service: Service, path: str, query: str) -> None:
    refused(service.post(f"{path}{query}", **too_much()), 401, "NotAuthenticated")
    for method in ("PUT", "DELETE"):
        answer = service.client.request(method, f"{path}{query}", **too_much())
        refused(answer, 401, "NotAuthenticated")


def test_a_token_of_nobody_is_refused_before_the_size(service: Service) -> None:
    answer = service.post("/api/join-event", **too_much({"Authorization": "Bearer a.b.c"}))
    refused(answer, 401, "InvalidToken")


def test_with_a_token_a_body_too_large_is_refused_and_the_connection_ends(service: Service) -> None:
    guest = service.guest(service.event())
    answer = service.post("/api/join-event", guest, **too_much())
    refused(answer, 413, "BodyTooLarge")
    assert answer.headers["connection"] == "close"
    assert service.post("/api/login", **too_much()).headers["connection"] == "close"


def test_a_link_opens_by_head_as_by_get(service: Service) -> None:
    event = service.event()
    service.upload(event, people(1))
    (photo,) = service.process_photos(event)
    shown, asked = service.get(photo["url"]), service.client.head(photo["url"])
    assert (asked.status_code, asked.headers["etag"]) == (200, shown.headers["etag"])


@pytest.mark.parametrize("ending", ["", "/"])
@pytest.mark.parametrize("call", ["check-event-code", "login", "check-user-availability", "validate-selfie"])
def test_calls_for_anybody_ask_for_no_token(service: Service, call: str, ending: str) -> None:
    answer = service.post(f"/api/{call}{ending}", json={}, follow_redirects=True)
    assert answer.status_code in (200, 404, 422), answer.text


def test_the_access_log_keeps_signatures_and_addresses_out(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    event = service.event()
    service.upload(event, people(1))
    (photo,) = service.process_photos(event)
    with caplog.at_level(logging.INFO, logger="reperio.access"):
        assert service.get(photo["url"]).status_code == 200
        assert service.get("/api/photo/1?signature=secret").status_code == 401
    lines = [record.getMessage() for record in caplog.records if record.name == "reperio.access"]
    assert [line.split()[:3] for line in lines] == [
        ["GET", f"/api/photo/{photo['id']}", "200"],
        ["GET", "/api/photo/1", "401"],
    ]
    for line in lines:
        assert "signature" not in line
        assert "testclient" not in line
