"""The privacy page: what it says of an event and of the people responsible, to whom, and where it is linked."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from database import transaction
from models import Event, utcnow
from privacy_settings import PrivacySettings
from settings import get_settings
from testkit.builders import EventInfo, Person, Service
from testkit.forms import form_token
from testkit.passwords import PASSWORD

HTML = {"accept": "text/html"}


@pytest.fixture(autouse=True)
def empty_jar(service: Service) -> Iterator[None]:
    service.client.cookies.clear()
    yield
    service.client.cookies.clear()


def show(service: Service, path: str, language: str = "en") -> str:
    answer = service.get(path, headers={**HTML, "accept-language": language})
    assert answer.status_code == 200, answer.text
    return html.unescape(re.sub(r"\s+", " ", answer.text))


def page_of(service: Service, event: EventInfo, language: str = "en") -> str:
    return show(service, f"/privacy?event_code={event.code}", language)


def log_in(service: Service, who: Person) -> None:
    token = form_token(service.get("/login", headers=HTML).text)
    fields = {"csrf_token": token, "username": who.name, "password": PASSWORD}
    assert service.client.post("/login", data=fields, headers=HTML, follow_redirects=False).status_code == 303


def end(event: EventInfo) -> None:
    with transaction() as session:
        session.execute(update(Event).where(Event.id == event.id).values(expires_at=utcnow() - timedelta(days=1)))


def configure(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    for name, value in values.items():
        monkeypatch.setattr(get_settings(), name, value)


def test_it_says_what_holds_for_this_event(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    own = service.event(name="Wedding of A", guests_see_all_photos=False, guests_may_share=False)
    seen = page_of(service, own)
    assert "Wedding of A" in seen
    assert "those they were found in" in seen
    assert "those that a photographer gives you" in seen
    assert "aren’t allowed at this event" in seen
    assert "This service’s own machine" not in seen
    assert "On this service’s own machine" in seen
    assert "may count as consent" in seen
    shared = service.event(guests_see_all_photos=True, selfie_is_consent=False)
    seen = page_of(service, shared)
    assert "You then see all photos, by time" in seen
    assert "show it by a link" in seen
    assert "may count as consent" not in seen
    configure(monkeypatch, face_recognizer_provider="azure", require_consent=True)
    seen = page_of(service, own)
    assert "Microsoft’s Azure service" in seen
    assert "On this service’s own machine" not in seen
    assert "may count as consent" not in seen


def test_it_names_who_is_responsible(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    event = service.event()
    seen = page_of(service, event, "fr")
    assert "n’est pas encore indiqué ici" in seen
    assert "à l’organisation de l’événement" in seen
    assert "l’autorité de protection des données de votre pays" in seen
    configure(
        monkeypatch,
        privacy_controller="Studio <Léa> & Cie",
        privacy_contact="Léa Martin privacy@example.org",
        privacy_authority="CNIL https://www.cnil.fr/fr/plaintes",
        privacy_notice_url="https://example.org/notice",
    )
    seen = page_of(service, event, "fr")
    assert "Studio <Léa> & Cie" in seen
    assert "<Léa>" not in service.get("/privacy", headers=HTML).text
    assert re.search(r'Léa Martin <a href="mailto:privacy@example\.org"', seen)
    assert re.search(r'CNIL <a href="https://www\.cnil\.fr/fr/plaintes"', seen)
    assert 'href="https://example.org/notice"' in seen
    assert "pas encore indiqué" not in seen


def test_staff_are_told_what_the_page_lacks(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    event = service.event()
    log_in(service, service.admin)
    pages = ("/admin", f"/admin/events/{event.id}")
    assert all("PRIVACY_CONTROLLER, PRIVACY_CONTACT, PRIVACY_AUTHORITY" in show(service, each) for each in pages)
    configure(monkeypatch, privacy_controller="A", privacy_contact="B", privacy_authority="C")
    assert not any("PRIVACY_" in show(service, each) for each in pages)


def test_a_wrong_code_gets_the_general_page_and_counts_as_a_guess(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = service.event(name="Long over")
    guest = service.guest(over)
    end(over)
    for code in ("NOSUCHCODE", over.code, "\u202e\x00%", "x" * 5000):
        answer = service.get("/privacy", params={"event_code": code}, headers=HTML)
        assert answer.status_code == 200
        assert "Aucun événement en cours ne porte ce code" in html.unescape(answer.text)
        assert "Long over" not in answer.text
    assert "Aucun événement" not in show(service, "/privacy", "fr")
    log_in(service, guest)
    assert "Long over" in page_of(service, over)
    service.client.cookies.clear()
    configure(monkeypatch, rate_wrong_codes_minute=1)
    codes = [service.get("/privacy", params={"event_code": "WRONG"}, headers=HTML).status_code for _ in range(3)]
    assert 429 in codes
    assert "Vos données" in show(service, f"/privacy?event_code={service.event().code}", "fr")


def test_it_is_linked_where_people_give_something(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    of_event = f'href="/privacy?event_code={event.code}"'
    assert show(service, f"/join?event_code={event.code}").count(of_event) == 2
    assert show(service, f"/join?event_code={event.code}&form=true").count(of_event) == 2
    assert 'href="/privacy"' in show(service, "/login")
    log_in(service, guest)
    assert of_event in show(service, f"/photos?event={event.id}")
    assert of_event in show(service, "/account")
    service.client.cookies.clear()
    log_in(service, service.admin)
    assert of_event in show(service, f"/admin/events/{event.id}/poster")


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "example.org", "https://", "https://a b", "ftp://x.org", "//x"]
)
def test_what_is_no_page_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("PRIVACY_NOTICE_URL", address)
    with pytest.raises(ValueError, match="must be the address of a page"):
        PrivacySettings()
