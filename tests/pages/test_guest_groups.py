"""Invitations to see photos together, and a portrait that is refused beside others, over HTTP."""

from typing import Any

import pytest

from guests.wordings import CURRENT
from testkit.builders import EventInfo, Person, Service, people
from testkit.forms import form_token
from testkit.passwords import PASSWORD

HTML = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def fresh_browser(service: Service) -> None:
    """Remove all cookies."""
    service.client.cookies.clear()


def show(service: Service, path: str, who: Person | None = None) -> Any:
    return service.get(path, who, headers={**HTML, **(who.headers if who else {})}, follow_redirects=False)


def send(service: Service, path: str, page: str, **fields: str) -> Any:
    data = {"csrf_token": form_token(show(service, page).text), **fields}
    return service.post(path, data=data, headers=HTML, follow_redirects=False)


@pytest.fixture(scope="module")
def gala(service: Service) -> tuple[EventInfo, Person, str]:
    """An event, a guest of it, and the page of the guest's invitation."""
    event = service.event(name="Gala")
    host = service.guest(event, "Hélène")
    token = service.post("/api/together", host, json={"event_id": event.id}).json()["token"]
    return event, host, f"/together/{token}"


def test_who_joins_because_of_an_invitation_comes_back_to_it(
    service: Service, gala: tuple[EventInfo, Person, str]
) -> None:
    event, _, path = gala
    opened = show(service, path)
    assert opened.status_code == 200
    assert "Hélène" not in opened.text
    assert "Gala" not in opened.text
    join = f"/join?event_code={event.code}"
    account = {"username": "Nadia", "email": "nadia@example.org", "password": PASSWORD, "consent": CURRENT}
    joined = send(service, "/join", join, event_code=event.code, **account)
    assert joined.headers["location"] == f"/selfie?event={event.id}"
    assert f'data-onward="{path}"' in show(service, joined.headers["location"]).text
    asked = show(service, path)
    assert "Hélène vous invite" in asked.text
    assert f'data-onward="/photos?event={event.id}"' in show(service, joined.headers["location"]).text, "once"
    agreed = send(service, path, path)
    assert agreed.status_code == 303
    photos = show(service, agreed.headers["location"])
    assert "Les photos de vous avec Hélène." in photos.text
    assert "Pas encore de photo qui montre tout le groupe." in photos.text
    assert show(service, path).headers["location"].startswith(f"/together?event={event.id}#group-")


def test_a_guest_of_another_event_joins_first_and_learns_no_names(
    service: Service, gala: tuple[EventInfo, Person, str]
) -> None:
    event, _, path = gala
    stranger = service.guest(service.event())
    login = {"username": stranger.name, "password": PASSWORD, "next": path}
    assert send(service, "/login", "/login", **login).headers["location"] == path
    unknown = show(service, path)
    assert unknown.status_code == 404
    assert "Cette invitation ne s’ouvre pas" in unknown.text
    assert "Hélène" not in unknown.text
    join = f"/join?event_code={event.code}"
    joined = send(service, "/join/further", join, event_code=event.code, consent=CURRENT)
    assert joined.headers["location"] == path
    assert "Hélène" in show(service, path).text


@pytest.mark.parametrize("token", ["1.forged", "0.x", "%22%3E%3Cscript%3E", "9" * 300, "-1.x", "%00"])
def test_a_forged_invitation_is_told_in_words(
    service: Service, gala: tuple[EventInfo, Person, str], token: str
) -> None:
    guest = gala[1]
    assert send(service, "/login", "/login", username=guest.name, password=PASSWORD).status_code == 303
    found = show(service, f"/together/{token}")
    assert found.status_code == 404
    assert "<script>" not in found.text
    accepted = send(service, f"/together/{token}", "/together")
    assert accepted.status_code == 303
    assert show(service, accepted.headers["location"]).status_code in (200, 404)
    assert show(service, "/photos?group=999999").status_code == 404


def test_a_refused_further_portrait_says_why_and_loses_nothing(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    service.send_selfie(guest, people(3))
    service.settle(guest)
    service.upload(event, people(3, block=200))
    service.process_photos(event)
    service.send_selfie(guest, people(3, 4), keep="true")
    assert service.settle(guest)["status"] == "validation_failed"
    standing = show(service, f"/photos/standing?event={event.id}", guest).json()
    assert (standing["kind"], standing["matched"], standing["needs_portrait"]) == ("found", 1, False)
    assert standing["sentence"] == (
        "1 photo de vous. Votre dernier portrait n’a pas été retenu\u00a0; les précédents servent toujours."
    )
    page = show(service, "/selfie", guest).text
    assert "n’a pas été retenu, les autres servent toujours. Nous voyons plusieurs visages." in page
    assert page.count("data-erase=") == 1
    alone = service.guest(event)
    service.send_selfie(alone, people(3, 4))
    service.settle(alone)
    standing = show(service, f"/photos/standing?event={event.id}", alone).json()
    assert (standing["kind"], standing["needs_portrait"]) == ("refused", True)
    assert standing["sentence"].startswith("Nous voyons plusieurs visages.")
