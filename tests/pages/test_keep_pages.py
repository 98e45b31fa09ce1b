"""Keep an account that lives in one browser, come back by a link, and what happens when a link is not what it was."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from accounts import login_links
from database import reading, transaction
from guests import registration
from guests.removal import remove_event
from guests.wordings import CURRENT, shown
from models import LoginLink, Mail, User, UserSession, utcnow
from settings import get_settings
from testkit.builders import EventInfo, Service, people
from testkit.forms import form_token
from testkit.passwords import PASSWORD
from tests.pages.html import forms_of

pytestmark = pytest.mark.sqlite_is_enough
PAGE = {"accept": "text/html"}


@pytest.fixture(autouse=True)
def empty_jar(service: Service) -> Iterator[None]:
    service.client.cookies.clear()
    yield
    service.client.cookies.clear()


@pytest.fixture(scope="module")
def event(service: Service) -> EventInfo:
    return service.event()


def send(service: Service, page: str, action: str, **typed: str) -> Any:
    """Fill in a form of a page and send it; return the answer, without following it."""
    form = next(form for form in forms_of(service.get(page, headers=PAGE).text) if form.action == action)
    body = {name: values[0] for name, values in form.sent.items()} | typed
    return service.client.post(action, data=body, headers=PAGE, follow_redirects=False)


def join(service: Service, event: EventInfo) -> User:
    """Get into the event with one button; return the guest of this browser."""
    page = service.get(f"/join?event_code={event.code}", headers=PAGE)
    fields = {"csrf_token": form_token(page.text), "event_code": event.code, "consent": CURRENT}
    service.client.post("/join/start", data=fields, follow_redirects=False)
    with reading() as session:
        return session.get_one(User, service.get("/api/me").json()["id"])


def other(event: EventInfo, browser: str) -> User:
    return registration.start(event.code, "fr", shown("fr"), browser)


def whose(service: Service) -> int:
    return int(service.get("/api/me").json()["id"])


def test_a_personal_link_is_shown_once_and_opens_the_account_elsewhere(service: Service, event: EventInfo) -> None:
    guest = join(service, event)
    made = send(service, "/keep", "/keep/link").headers["location"]
    assert made == "/keep?made=true"
    page = service.get(made, headers=PAGE)
    assert page.headers["referrer-policy"] == "no-referrer"
    link = re.search(r'value="(\S+/enter#\S+)"', page.text)
    assert link is not None
    assert "data:image/png" in page.text
    # Loading the page again makes no other link, and shows this one.
    assert link[1] in service.get(made, headers=PAGE).text
    assert link[1] not in service.get("/keep", headers=PAGE).text
    carried = service.client.cookies["reperio_carried"]
    assert link[1].partition("#")[2] not in carried
    service.client.cookies.clear()
    # What another browser does with the cookie.
    join(service, event)
    service.client.cookies["reperio_carried"] = carried
    assert link[1] not in service.get(made, headers=PAGE).text
    service.client.cookies.clear()
    # Without scripts the reader pastes the link.
    assert send(service, "/enter", "/enter", token=link[1]).headers["location"] == "/photos"
    assert whose(service) == guest.id
    send(service, "/keep", "/keep/link/revoke")
    service.client.cookies.clear()
    answer = send(service, "/enter", "/enter", token=link[1])
    assert "a été remplacé ou désactivé" in service.get(answer.headers["location"], headers=PAGE).text


def test_opening_a_link_uses_nothing(service: Service, event: EventInfo) -> None:
    token = login_links.issue(other(event, "scanned").id, login_links.MAIL)
    page = service.get("/enter", headers=PAGE)
    assert page.headers["referrer-policy"] == "no-referrer"
    with reading() as session:
        assert session.scalars(select(LoginLink.used_at).where(LoginLink.purpose == login_links.MAIL)).all() == [None]
    assert login_links.owner_of(token)


def test_a_link_used_twice_says_what_to_do(service: Service, event: EventInfo) -> None:
    token = login_links.issue(other(event, "twice").id, login_links.MAIL)
    send(service, "/enter", "/enter", token=token)
    with transaction() as session:
        session.execute(update(LoginLink).values(used_at=utcnow().replace(year=2020)))
    # In the browser that it has logged in, it leads on.
    assert send(service, "/enter", "/enter", token=token).headers["location"] == "/photos"
    service.client.cookies.clear()
    answer = send(service, "/enter", "/enter", token=token)
    page = service.get(answer.headers["location"], headers=PAGE).text
    assert "a déjà servi" in page
    # A moment after its use, too, it works only where it was used.
    token = login_links.issue(other(event, "twice").id, login_links.MAIL)
    visitor = service.client.cookies["reperio_visitor"]
    send(service, "/enter", "/enter", token=token)
    del service.client.cookies["reperio_session"]
    assert service.client.cookies["reperio_visitor"] == visitor
    assert send(service, "/enter", "/enter", token=token).headers["location"] == "/photos"
    service.client.cookies.clear()
    answer = send(service, "/enter", "/enter", token=token)
    assert "a déjà servi" in service.get(answer.headers["location"], headers=PAGE).text
    assert 'href="/lost"' in page


def test_the_first_account_is_offered_and_the_second_erased_once_the_guest_says_so(
    service: Service, event: EventInfo
) -> None:
    first = other(event, "the phone of before")
    token = login_links.issue(first.id, login_links.PERSONAL)
    second = join(service, event)
    answer = send(service, "/enter", "/enter", token=token)
    asked = answer.headers["location"]
    assert service.get("/enter", headers=PAGE).text.count('value="go_on"') == 0, "another link is opened here"
    assert token not in asked
    service.get(asked, headers=PAGE)
    question = service.get(asked, headers=PAGE)
    assert "le compte de cet appareil sera effacé, avec son portrait" in question.text
    assert whose(service) == second.id
    [form] = [form for form in forms_of(question.text) if form.action == "/enter"]
    body = {name: values[0] for name, values in form.sent.items()} | {"choice": "erase"}
    service.client.post("/enter", data=body, follow_redirects=False)
    assert whose(service) == first.id
    assert "Ouvrez-le encore une fois" in service.get(asked, headers=PAGE).text
    with reading() as session:
        assert session.get(User, second.id) is None


def test_following_the_mailed_link_in_the_same_browser_keeps_its_session(service: Service, event: EventInfo) -> None:
    guest = join(service, event)
    cookie = service.client.cookies["reperio_session"]
    with transaction() as session:
        token = login_links.issue_in(
            session, session.get_one(User, guest.id), login_links.ADDRESS, "kept@example.org"
        )
    answer = send(service, "/enter", "/enter", token=token)
    assert "vous ramènera à vos photos" in service.get(answer.headers["location"], headers=PAGE).text
    assert service.client.cookies["reperio_session"] == cookie
    assert service.get("/api/me").json()["email"] == "kept@example.org"


def test_an_account_that_is_kept_is_never_erased_by_a_link(service: Service, event: EventInfo) -> None:
    first = other(event, "another person")
    token = login_links.issue(first.id, login_links.PERSONAL)
    kept = join(service, event)
    send(service, "/keep", "/keep/link")
    asked = send(service, "/enter", "/enter", token=token).headers["location"]
    question = service.get(asked, headers=PAGE).text
    assert "déjà connecté à un autre compte" in question
    [form] = [form for form in forms_of(question) if form.action == "/enter"]
    body = {name: values[0] for name, values in form.sent.items()} | {"choice": "erase"}
    service.client.post("/enter", data=body, follow_redirects=False)
    assert whose(service) == first.id
    with reading() as session:
        assert session.get(User, kept.id) is not None


def test_a_password_keeps_the_account_too(service: Service, event: EventInfo) -> None:
    guest = join(service, event)
    answer = send(service, "/keep", "/keep/password", password="short")
    assert "trop court" in service.get(answer.headers["location"], headers=PAGE).text
    answer = send(service, "/keep", "/keep/password", password=PASSWORD, email="no address")
    refused = service.get(answer.headers["location"], headers=PAGE).text
    assert re.search(r'<input id="login"[^>]*aria-describedby="login-about" aria-invalid="true"', refused)
    assert "<h1>Vos appareils</h1>" in service.get("/account/security", headers=PAGE).text
    send(service, "/keep", "/keep/password", password=PASSWORD)
    assert guest.username in service.get("/keep", headers=PAGE).text
    service.log_in(guest.username)
    assert "<h1>Appareils et mot de passe</h1>" in service.get("/account/security", headers=PAGE).text
    assert send(service, "/account", "/logout").headers["location"] == "/"


def test_a_mail_is_asked_for_with_the_same_answer_for_every_address(
    service: Service, event: EventInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "mail_outbox", "somewhere")
    known = service.guest(event, "knownguest")
    answers = []
    for address in (f"{known.name}@example.org", "nobody@example.org"):
        guest = join(service, event)
        answer = send(service, "/keep", "/keep/mail", email=address)
        page = service.get(answer.headers["location"], headers=PAGE).text
        answers.append(re.sub(r'(csrf-token" content|value)="[^"]*"', "", page).replace(guest.username, ""))
        with transaction() as session:
            assert session.get_one(User, guest.id).email is None
            assert [mail.asked_address for mail in session.query(Mail) if mail.kind == "keep_address"] == [address]
            session.query(Mail).delete()
        service.client.cookies.clear()
    assert answers[0] == answers[1]
    lost = set()
    for address in ("knownguest@example.org", "nobody@example.org"):
        answer = send(service, "/lost", "/lost", email=address)
        lost.add(re.sub(r'="[^"]*"', "", service.get(answer.headers["location"], headers=PAGE).text))
    assert len(lost) == 1
    with transaction() as session:
        session.query(Mail).delete()


@pytest.mark.parametrize("name", ["Pénélope 🦩", "פנינה"])
def test_names_are_no_logins_and_need_not_be_unique(service: Service, event: EventInfo, name: str) -> None:
    service.client.cookies.clear()
    page = f"/join?event_code={event.code}&form=true"
    number = utcnow().timestamp()
    typed = {"username": name, "email": f"penny{number}@example.org", "password": PASSWORD, "consent": CURRENT}
    answer = send(service, page, "/join", **typed)
    assert answer.headers["location"] == f"/selfie?event={event.id}"
    assert f"<bdi>{name}</bdi>" in service.get("/account", headers=PAGE).text
    service.client.cookies.clear()
    again = {**typed, "email": f"again{number}@example.org"}
    assert send(service, page, "/join", **again).headers["location"] == f"/selfie?event={event.id}"
    service.client.cookies.clear()
    # The same again, from another browser, is the same guest.
    assert send(service, page, "/join", **typed).headers["location"] == f"/photos?event={event.id}"


def test_registering_does_not_tell_who_is_registered(service: Service, event: EventInfo) -> None:
    service.guest(event, "victor")
    page = f"/join?event_code={event.code}&form=true"
    typed = {"username": "victor", "email": "victor@example.org", "password": "not his password", "consent": CURRENT}
    assert send(service, page, "/join", **typed).headers["location"] == f"/selfie?event={event.id}"
    assert service.get("/api/me").json()["email"] is None


def test_more_tries_tell_no_more_and_an_address_is_not_mailed_without_end(
    service: Service, event: EventInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "rate_resets_target_hour", 3)
    service.guest(event, "walter")
    page = f"/join?event_code={event.code}&form=true"
    answers = []
    for name in ("walter", "wanda"):
        typed = {"username": name, "email": f"{name}@example.org", "consent": CURRENT}
        for turn in range(5):
            service.client.cookies.clear()
            answers.append(send(service, page, "/join", **typed, password=f"not the right one {turn}").status_code)
    assert answers == [303, 303, 303, 429, 429] * 2
    # Whoever tried has locked nobody out.
    assert service.log_in("walter", PASSWORD)
    with transaction() as session:
        session.query(Mail).delete()


def test_what_was_typed_stays_when_something_is_missing(service: Service, event: EventInfo) -> None:
    page = f"/join?event_code={event.code}&form=true"
    answer = send(service, page, "/join", username="p" * 300, email="p@example.org", password=PASSWORD)
    shown = service.get(answer.headers["location"], headers=PAGE).text
    assert 'value="p@example.org"' in shown
    assert "150 caractères au plus" in shown
    answer = send(service, page, "/join", username="pen\tny", email="p@example.org", password=PASSWORD)
    assert "contient un caractère invisible" in service.get(answer.headers["location"], headers=PAGE).text


def test_a_deleted_event_leads_its_guests_to_a_page_that_says_so(service: Service) -> None:
    event = service.event()
    guest = join(service, event)
    remove_event(event.id)
    session_cookie = service.client.cookies["reperio_session"]
    for path in ("/photos", "/login"):
        service.client.cookies.clear()
        service.client.cookies.set("reperio_session", session_cookie, domain="testserver.local", path="/")
        assert "Ce compte n’existe plus" in service.get(path, headers=PAGE).text
    assert "reperio_session" not in service.client.cookies
    with reading() as session:
        assert session.scalars(select(UserSession).where(UserSession.user_id == guest.id)).all() == []


def test_the_gallery_offers_to_keep_the_account_until_it_is_kept_or_later(service: Service) -> None:
    event = service.event()
    guest = join(service, event)
    token = service.client.cookies["reperio_session"]
    files = {"file": ("me.jpg", people(1), "image/jpeg")}
    service.client.post("/api/upload-selfie", files=files, headers={"Authorization": f"Bearer {token}"})
    service.upload(event, people(1))
    service.process_photos(event)
    page = f"/photos?event={event.id}"
    assert 'href="/keep"' in service.get(page, headers=PAGE).text
    send(service, page, "/keep/later")
    assert 'action="/keep/later"' not in service.get(page, headers=PAGE).text
    del service.client.cookies["reperio_later"]
    login_links.issue(guest.id, login_links.PERSONAL)
    assert 'action="/keep/later"' not in service.get(page, headers=PAGE).text


def test_an_admin_makes_a_one_time_link_on_the_guests_page(service: Service, event: EventInfo) -> None:
    guest = other(event, "lost phone")
    page = service.get(f"/admin/events/{event.id}/guests/{guest.id}", service.admin, headers=PAGE)
    assert "Une personne sans nom" in page.text
    assert guest.username in page.text
    made = service.post(f"/api/admin/users/{guest.id}/login-link", service.admin).json()
    answer = send(service, "/enter", "/enter", token=made["url"])
    assert answer.headers["location"] == "/photos"
    assert whose(service) == guest.id
    elsewhere = service.event()
    path = f"/admin/events/{elsewhere.id}/guests/{guest.id}"
    assert service.get(path, service.admin, headers=PAGE).status_code == 404
