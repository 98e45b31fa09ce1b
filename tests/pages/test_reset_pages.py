"""The pages for a forgotten password and for the confirmation of an address, without and with a browser."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from accounts import confirmation
from accounts import queries as account_queries
from accounts.resets import service as resets
from accounts.tokens import csrf_of
from api.sessions import SESSION_COOKIE
from database import reading, transaction
from models import Mail
from settings import get_settings
from testkit.builders import Person, Service
from tests.pages.html import forms_of
from tests.pages.stage import Stage, as_admin, axe, shoot

NEW = "a new long sentence"


@pytest.fixture(autouse=True)
def fresh_browser(request: pytest.FixtureRequest) -> Iterator[None]:
    """A browser without a session."""
    if "service" in request.fixturenames:
        service: Service = request.getfixturevalue("service")
        service.client.cookies.clear()
        yield
        service.client.cookies.clear()
    else:
        yield


def send_form(service: Service, path: str, **typed: str) -> Any:
    """Fill in the form of a page and send it; return the page that follows."""
    [form] = [form for form in forms_of(service.get(path).text) if form.action == path]
    body = {name: values[0] for name, values in form.sent.items()} | typed
    return service.client.post(path, data=body, headers={"accept": "text/html"})


def link_of(person: Person) -> str:
    return resets.issue_for_admin(person.id).url


def test_the_page_asks_for_an_address_and_answers_the_same_for_all(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "mail_outbox", "somewhere")
    guest = service.guest(service.event())
    known = send_form(service, "/forgot", email=f"{guest.name}@example.org")
    unknown = send_form(service, "/forgot", email="nobody@example.org")
    without_token = [re.sub(r'(csrf-token" content|value)="[^"]*"', "", page.text) for page in (known, unknown)]
    assert without_token[0] == without_token[1]
    assert "Si un compte a cette adresse" in known.text
    with transaction() as session:
        asked = session.query(Mail).filter(Mail.asked_address.is_not(None)).all()
        assert {mail.asked_address for mail in asked} == {f"{guest.name}@example.org", "nobody@example.org"}
        session.query(Mail).delete()
    wrong = send_form(service, "/forgot", email="nobody")
    assert "semble incomplète" in wrong.text
    assert 'value="nobody"' in wrong.text


def test_without_mail_the_page_says_whom_to_ask(service: Service) -> None:
    page = service.get("/forgot", headers={"accept": "text/html"})
    assert "n’envoie pas d’e-mails" in page.text
    assert 'action="/forgot"' not in page.text
    assert 'href="/forgot"' in service.get("/login").text


def test_a_pasted_link_sets_the_password_once(service: Service) -> None:
    guest = service.guest(service.event())
    link = link_of(guest)
    page = service.get("/reset")
    assert page.headers["referrer-policy"] == "no-referrer"
    short = send_form(service, "/reset", token=link, password="short")
    assert "trop court" in short.text
    assert str(short.url).endswith("/reset#" + link.partition("#")[2]), "the form has the link again"
    assert "trop long" in send_form(service, "/reset", token=link, password="x" * 1025).text
    done = send_form(service, "/reset", token=link, password=NEW)
    assert "est enregistré" in done.text
    assert service.log_in(guest.name, NEW)
    for wrong in (link, "", "\u00e9", "x" * 5000):
        refused = send_form(service, "/reset", token=wrong, password=NEW)
        assert refused.status_code == 200
        assert "n’est plus valable" in refused.text


def test_opening_a_link_changes_nothing_and_the_button_confirms(service: Service) -> None:
    guest = service.guest(service.event())
    with reading() as session:
        user = account_queries.user(session, guest.id)
    assert user is not None
    link = confirmation.link_for(user)
    service.get("/confirm")
    with reading() as session:
        unchanged = account_queries.user(session, guest.id)
    assert unchanged is not None
    assert unchanged.email_confirmed_at is None
    assert "confirmée" in send_form(service, "/confirm", token=link).text
    assert "n’est plus valable" in send_form(service, "/confirm", token=link + "x").text


def test_a_guest_can_have_the_link_mailed_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "mail_outbox", "somewhere")
    guest = service.guest(service.event())
    with transaction() as session:
        session.query(Mail).delete()
    service.client.cookies.set(SESSION_COOKIE, guest.token)
    for _ in range(2):
        answer = service.client.post("/account/confirm-address", data={"csrf_token": csrf_of(guest.token)})
        assert "Un e-mail vient de partir" in answer.text
    with transaction() as session:
        assert [mail.user_id for mail in session.query(Mail)] == [guest.id], "asked twice, one mail"
        session.query(Mail).delete()


def test_the_link_of_a_closed_account_or_another_admin_is_refused_in_words(service: Service) -> None:
    event = service.event()
    service.client.cookies.set(SESSION_COOKIE, service.admin.token)
    answer = service.client.post(
        f"/admin/events/{event.id}/guests/{service.admin.id}/reset-link",
        data={"csrf_token": csrf_of(service.admin.token)},
        headers={"accept": "text/html"},
    )
    assert "on ne peut pas créer de lien" in answer.text


@pytest.mark.parametrize("kind", ["login-link", "reset-link"])
def test_a_link_for_a_guest_is_shown_again_on_a_reload_to_its_admin_alone(service: Service, kind: str) -> None:
    event = service.event()
    guest = service.guest(event)
    page = f"/admin/events/{event.id}/guests/{guest.id}/{kind}"
    service.client.cookies.set(SESSION_COOKIE, service.admin.token)
    assert "data-copy" not in service.client.get(page).text
    made = service.client.post(page, data={"csrf_token": csrf_of(service.admin.token)})
    shown = re.search(r'data-copy="([^"]+)"', made.text)
    assert shown
    assert shown[1] in service.client.get(page).text
    service.client.cookies.set(SESSION_COOKIE, service.log_in(service.admin.name))
    assert shown[1] not in service.client.get(page).text


def test_an_admin_hands_a_link_to_a_guest_who_opens_it(stage: Stage) -> None:
    event = stage.event()
    guest = stage.guest(event)
    with stage.page("desktop") as page:
        as_admin(stage, page, f"/admin/events/{event.id}")
        page.get_by_role("button", name=f"Créer un lien de mot de passe pour {guest}").click()
        link = page.locator("#reset-link").inner_text()
        assert axe(page) == []
        shoot(page, "reset-link")
    asked: list[str] = []
    with stage.page() as page:
        page.on("request", lambda request: asked.append(f"{request.url} {request.headers.get('referer')}"))
        page.goto(link.replace(link.partition("/reset")[0], stage.server.url))
        expect(page.locator("#token")).to_be_hidden()
        page.fill("#password", "short")
        page.click("main button.main")
        expect(page.locator("#password-about")).to_contain_text("trop court")
        expect(page.locator("#token")).to_be_hidden()
        shoot(page, "reset-short")
        assert axe(page) == []
        page.fill("#password", NEW)
        page.click("main button.main")
        expect(page.get_by_role("status").first).to_contain_text("enregistré")
        page.click("main a.button.main")
        page.wait_for_url("**/login")
        stage.log_in(page, guest, NEW)
        page.wait_for_url("**/photos")
    token = link.partition("#")[2]
    assert [each for each in asked if token in each.partition("#")[0] or token in each.partition(" ")[2]] == []
