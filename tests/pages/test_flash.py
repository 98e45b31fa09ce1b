"""What a form leaves for the page it leads back to: said there, once, and nowhere else."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import update

from accounts.tokens import csrf_of
from api.sessions import SESSION_COOKIE
from database import transaction
from models import Event, User, utcnow
from pages.i18n import text
from testkit.builders import Person, Service
from testkit.passwords import PASSWORD
from tests.pages.test_pages import send, show, token_of

SAID = "reperio_said"


@pytest.fixture(autouse=True)
def fresh_browser(service: Service) -> Iterator[None]:
    """A browser without a session."""
    service.client.cookies.clear()
    yield
    service.client.cookies.clear()


def enter(service: Service, person: Person) -> str:
    """Let the browser be this person's; return the token of its forms."""
    service.client.cookies.set(SESSION_COOKIE, person.token)
    return csrf_of(person.token)


def saying(service: Service, path: str, words: str) -> bool:
    page = show(service, path)
    assert page.status_code == 200, page.text
    return words in page.text


def left(service: Service) -> Any:
    """Return what lies in the cookie for the next page."""
    return json.loads(base64.urlsafe_b64decode(service.client.cookies[SAID]))


def test_what_was_flash_of_one_page_shows_on_no_other_and_waits_there(service: Service) -> None:
    event, other = service.event(name="First"), service.event(name="Second")
    token = enter(service, service.admin)
    words = text("fr", "admin.done.rematch", count=0)
    answer = send(service, f"/admin/events/{event.id}/rematch", csrf_token=token)
    assert answer.headers["location"] == f"/admin/events/{event.id}"
    for elsewhere in (
        f"/admin/events/{other.id}",
        "/admin/events",
        "/admin/photographers",
        f"/admin/events/{event.id}/delete",
    ):
        assert not saying(service, elsewhere, words)
    assert saying(service, f"/admin/events/{event.id}", words)
    assert not saying(service, f"/admin/events/{event.id}", words), "it is said once"


def test_a_problem_of_one_form_is_none_of_another(service: Service) -> None:
    event = service.event()
    answer = send(service, "/join", csrf_token=token_of(service), event_code=event.code, username="amy")
    assert answer.headers["location"] == f"/join?event_code={event.code}"
    assert not saying(service, "/login", 'value="amy"')
    assert saying(service, f"/join?event_code={event.code}", 'value="amy"')


@pytest.mark.parametrize("made_up", ["x", "e30=", base64.urlsafe_b64encode(b'["/login", {"problem": 3}]').decode()])
def test_what_is_made_up_is_not_said(service: Service, made_up: str) -> None:
    service.client.cookies.set(SAID, made_up)
    assert show(service, "/login").status_code == 200


@pytest.mark.parametrize("path", ["/login", "/join", "/admin/photographers"])
def test_no_password_is_left_for_the_next_page(service: Service, path: str) -> None:
    fields = {"username": "amy", "email": "wrong", "password": "my secret", "event_code": service.event().code}
    token = enter(service, service.admin) if path.startswith("/admin") else token_of(service)
    assert send(service, path, csrf_token=token, **fields).status_code == 303
    page, said = left(service)
    assert page
    assert said["username"] == "amy"
    assert "my secret" not in str(said)
    assert "password" not in said


# --- a form that is sent twice ---------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "again"), [(9, True), (11, False)])
def test_the_same_form_means_the_event_it_made_for_ten_minutes(service: Service, minutes: int, again: bool) -> None:
    token, code = enter(service, service.admin), f"TWICE{minutes}"
    fields = {"name": "Twice", "timezone": "Europe/Paris", "sees": "own", "event_code": code, "date": "2100-01-01"}
    first = send(service, "/admin/events", csrf_token=token, **fields).headers["location"]
    with transaction() as session:
        before = utcnow() - timedelta(minutes=minutes)
        session.execute(update(Event).where(Event.event_code == code).values(created_at=before))
    second = send(service, "/admin/events", csrf_token=token, **fields).headers["location"]
    assert second == (first if again else "/admin/events/new")
    for name, value in (("name", "Another"), ("date", "2100-01-02")):
        answer = send(service, "/admin/events", csrf_token=token, **{**fields, name: value})
        assert answer.headers["location"] == "/admin/events/new", "another event with the same code"


@pytest.mark.parametrize(("minutes", "again"), [(9, True), (11, False)])
def test_the_same_form_means_the_photographer_it_made_for_ten_minutes(
    service: Service, minutes: int, again: bool
) -> None:
    token, name = enter(service, service.admin), f"twice{minutes}"
    fields = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    first = send(service, "/admin/photographers", csrf_token=token, **fields).headers["location"]
    with transaction() as session:
        before = utcnow() - timedelta(minutes=minutes)
        session.execute(update(User).where(User.username == name).values(created_at=before))
    second = send(service, "/admin/photographers", csrf_token=token, **fields).headers["location"]
    assert second == (first if again else "/admin/photographers/new")
    other = send(service, "/admin/photographers", csrf_token=token, **{**fields, "email": "other@example.org"})
    assert other.headers["location"] == "/admin/photographers/new", "another address with the same name"


# --- a session that ended meanwhile ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/account", "/account"),
        ("http://testserver/account?x=1", "/account"),
        ("https://evil.example/phish", "/phish"),
        ("", "/"),
    ],
)
def test_a_form_sent_without_a_session_leads_to_the_login_and_back_to_its_page(
    service: Service, referer: str, back: str
) -> None:
    token = token_of(service)
    answer = service.post(
        "/account/withdraw",
        data={"csrf_token": token, "event_id": "1"},
        headers={"Accept": "text/html", **({"Referer": referer} if referer else {})},
        follow_redirects=False,
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={quote(back, safe='')}")
