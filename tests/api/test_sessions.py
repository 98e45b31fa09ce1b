"""The session cookie of the pages: enough to read; changes also need the page's token."""

from collections.abc import Iterator

import pytest

from accounts.tokens import csrf_of
from api.sessions import SESSION_COOKIE
from testkit.builders import Person, Service, people


@pytest.fixture
def logged_in(service: Service) -> Iterator[Person]:
    """A guest whose browser holds the session cookie."""
    guest = service.guest(service.event())
    service.client.cookies.set(SESSION_COOKIE, guest.token, domain="testserver.local", path="/")
    yield guest
    service.client.cookies.clear()


def leave(service: Service, **headers: str) -> tuple[int, str | None]:
    answer = service.post("/api/logout", headers=headers)
    return answer.status_code, answer.json().get("error")


def test_the_cookie_reads(service: Service, logged_in: Person) -> None:
    assert service.get("/api/me").json()["id"] == logged_in.id


def test_the_cookie_alone_changes_nothing(service: Service, logged_in: Person) -> None:
    assert leave(service) == (403, "CsrfMismatch")
    assert leave(service, **{"X-CSRF-Token": csrf_of("another session")}) == (403, "CsrfMismatch")
    assert service.delete("/api/my-selfie").json()["error"] == "CsrfMismatch"


def test_a_form_of_another_site_is_refused(service: Service, logged_in: Person) -> None:
    fields = {"csrf_token": csrf_of(logged_in.token)}
    assert service.post("/api/logout", data=fields, headers={"Origin": "https://evil.example"}).status_code == 403


def test_with_the_pages_token_it_logs_out(service: Service, logged_in: Person) -> None:
    assert leave(service, **{"X-CSRF-Token": csrf_of(logged_in.token)}) == (200, None)
    assert service.get("/api/me").status_code == 401


def test_a_bearer_token_needs_no_other(service: Service, logged_in: Person) -> None:
    assert leave(service, **logged_in.headers) == (200, None)


def test_a_broken_cookie_is_an_expired_session(service: Service) -> None:
    service.client.cookies.set(SESSION_COOKIE, "not.a.token")
    try:
        answer = service.get("/api/me")
    finally:
        service.client.cookies.clear()
    assert (answer.status_code, answer.json()["error"]) == (401, "InvalidToken")


def test_a_signed_link_goes_before_the_cookie_of_somebody_else(service: Service, logged_in: Person) -> None:
    event = service.event()
    service.upload(event, people(1))
    (photo,) = service.process_photos(event)
    assert service.get(f"/api/photo/{photo['id']}").status_code == 404
    assert service.get(photo["thumbnail_url"]).status_code == 200
