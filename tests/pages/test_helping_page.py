"""The page on which a photographer helps a guest back into an account: what it shows, to whom, and how often."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from accounts import sessions
from accounts.service import user_of
from accounts.tokens import read
from guests import registration
from guests.wordings import shown
from settings import get_settings
from testkit.builders import EventInfo, Person, Service, people
from tests.pages.html import forms_of

PAGE = {"accept": "text/html"}


@pytest.fixture
def event(service: Service) -> Iterator[EventInfo]:
    """An event, in the browser of its photographer."""
    event = service.event()
    browser_of(service, event.photographer)
    yield event
    service.client.cookies.clear()


def browser_of(service: Service, who: Person) -> None:
    service.client.cookies.clear()
    service.client.cookies["reperio_session"] = who.token


def send(service: Service, event: EventInfo, picture: bytes) -> Any:
    """Send the form and return the answer, without following it."""
    path = f"/studio/{event.id}/help"
    [form] = [form for form in forms_of(service.get(path, headers=PAGE).text) if form.action == path]
    data = {"csrf_token": form.sent["csrf_token"][0]}
    files = {"file": ("portrait.jpg", picture, "image/jpeg")}
    return service.client.post(path, data=data, files=files, headers=PAGE, follow_redirects=False)


def said(service: Service, event: EventInfo, picture: bytes) -> str:
    answer = send(service, event, picture)
    return str(service.get(answer.headers["location"], headers=PAGE).text)


def guest_of(service: Service, event: EventInfo, number: int) -> Person:
    guest = registration.start(event.code, "fr", shown("fr"), f"{number} at {event.id}")
    person = Person(guest.id, "", sessions.start(guest, None, browser=True).access_token)
    service.send_selfie(person, people(number))
    service.settle(person)
    return person


def test_a_guest_without_phone_scans_the_link_that_a_portrait_makes(service: Service, event: EventInfo) -> None:
    assert f'href="/studio/{event.id}/help"' in service.get(f"/studio/{event.id}", headers=PAGE).text
    guest_of(service, event, 1)
    guest = guest_of(service, event, 2)
    made = send(service, event, people(2)).headers["location"]
    page = service.get(made, headers=PAGE)
    assert page.headers["referrer-policy"] == "no-referrer"
    link = re.search(r'value="(\S+/enter#\S+)"', page.text)
    assert link is not None
    assert "data:image/png" in page.text
    assert link[1] in service.get(made, headers=PAGE).text, "a reload shows it again"
    service.client.cookies.clear()
    [form] = [form for form in forms_of(service.get("/enter", headers=PAGE).text) if form.action == "/enter"]
    body = {"csrf_token": form.sent["csrf_token"][0], "token": link[1]}
    assert service.client.post("/enter", data=body, follow_redirects=False).headers["location"] == "/photos"
    assert user_of(read(service.client.cookies["reperio_session"])).id == guest.id
    assert (
        "L’équipe de l’événement a créé un lien qui ouvre votre compte" in service.get("/account", headers=PAGE).text
    )


def test_what_is_wrong_with_a_portrait_is_said_and_nothing_of_the_guests(service: Service, event: EventInfo) -> None:
    known = service.guest(event)
    service.send_selfie(known, people(3))
    service.settle(known)
    nobody = said(service, event, people(4))
    assert "Ce portrait n’ouvre aucun compte" in nobody
    strip = re.compile(r'="[^"]*"')
    assert strip.sub("", said(service, event, people(3))) == strip.sub("", nobody), "an account with a password"
    assert "Il y a plusieurs visages" in said(service, event, people(3, 4))
    assert "On ne voit pas de visage" in said(service, event, people())
    assert "Cette image ne se lit pas" in said(service, event, b"no picture")


def test_a_photographer_looks_for_so_many_faces_an_hour(
    service: Service, event: EventInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "rate_help_hour", 2)
    assert [send(service, event, people(5)).status_code for _ in range(3)] == [303, 303, 429]
    other = service.photographer()
    browser_of(service, other)
    assert service.get(f"/studio/{event.id}/help", headers=PAGE).status_code == 404
