"""A forgotten password over the API: asking, the link, its single use, what an admin can do."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import event

from accounts.resets import service as resets
from database import get_engine, reading, transaction
from mail import outbox
from models import Mail, PasswordReset, utcnow
from settings import get_settings
from testkit.application import application
from testkit.builders import Person, Service
from testkit.quick_client import QuickClient
from tests.conftest import DATABASES, fresh_database, wait_until
from tests.mail.people import text_of

NEW = "a new long sentence"


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with a folder as its outbox."""
    folder = tmp_path_factory.mktemp("resets")
    with (
        fresh_database(request, folder, MAIL_OUTBOX=f"{folder}/outbox", PUBLIC_URL="https://photos.example.org"),
        QuickClient(application(), raise_server_exceptions=False) as client,
    ):
        yield Service(client, folder / "storage")


def mails_to(person: Person, subject: str, number: int = 1) -> list[EmailMessage]:
    """Return the mails of this subject in a person's mailbox, once there are so many."""

    def found() -> list[EmailMessage]:
        files = sorted(Path(get_settings().mail_folder or "").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        messages = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]
        return [
            each for each in messages if each["To"] == f"{person.name}@example.org" and each["Subject"] == subject
        ]

    wait_until(lambda: len(found()) >= number)
    return found()


def link_for(service: Service, person: Person, number: int = 1) -> str:
    """Ask for a link as the person does; return it."""
    answer = service.post("/api/password-reset", json={"email": f"{person.name}@example.org"})
    assert answer.status_code == 200, answer.text
    message = mails_to(person, "Choisir un nouveau mot de passe", number)[-1]
    return next(word for word in text_of(message).split() if "/reset#" in word)


def set_password(service: Service, token: str, password: str = NEW) -> tuple[int, str]:
    """Set a password by a link; return the status and the name of the error."""
    answer = service.post("/api/password-reset/confirm", json={"token": token, "password": password})
    assert answer.json().get("detail", answer.json().get("message"))
    return answer.status_code, answer.json().get("error", "")


def test_a_link_sets_a_password_once_and_ends_every_session(service: Service) -> None:
    guest = service.guest(service.event())
    link = link_for(service, guest)
    assert link.startswith("https://photos.example.org/reset#")
    token = link.partition("#")[2]
    assert set_password(service, token, "short") == (400, "PasswordTooShort")
    assert set_password(service, token) == (200, "")
    assert service.get("/api/me", guest).status_code == 401
    assert service.log_in(guest.name, NEW)
    assert set_password(service, token, "yet another password") == (400, "ResetLinkInvalid")
    assert service.log_in(guest.name, NEW)


@pytest.mark.parametrize("token", ["x", "x" * 43, "\u0000", "\ud800", "https://photos.example.org/reset#", "é" * 900])
def test_a_foreign_token_is_refused_in_words(service: Service, token: str) -> None:
    body = b'{"token": "' + token.encode("ascii", "backslashreplace").replace(b"\\x", b"\\u00") + b'", "password": "'
    answer = service.post(
        "/api/password-reset/confirm",
        content=body + NEW.encode() + b'"}',
        headers={"content-type": "application/json"},
    )
    assert 400 <= answer.status_code < 500
    assert answer.json()["detail"]


def test_a_link_that_is_too_old_or_of_a_closed_account_is_refused(service: Service) -> None:
    person = service.photographer()
    link = link_for(service, person)
    service.put(f"/api/admin/photographers/{person.id}", service.admin, json={"is_active": False})
    assert set_password(service, link) == (400, "ResetLinkInvalid")
    service.put(f"/api/admin/photographers/{person.id}", service.admin, json={"is_active": True})
    assert set_password(service, link) == (400, "ResetLinkInvalid"), "reopened"
    link = link_for(service, person, 2)
    with transaction() as session:
        for row in session.query(PasswordReset):
            row.expires_at = utcnow() - timedelta(seconds=1)
    assert set_password(service, link) == (400, "ResetLinkInvalid")
    fresh = link_for(service, person, 3)
    assert set_password(service, fresh, "only 14 chars.") == (400, "StaffPasswordTooShort")
    assert set_password(service, fresh) == (200, "")


def test_a_changed_password_or_address_ends_the_links_made_before(service: Service) -> None:
    for number, change in enumerate([{"password": "changed by an admin"}, {"email": "elsewhere@example.org"}]):
        person = service.photographer()
        link = link_for(service, person)
        answer = service.put(f"/api/admin/photographers/{person.id}", service.admin, json=change)
        assert answer.status_code == 200
        assert set_password(service, link) == (400, "ResetLinkInvalid"), number


def test_of_two_who_use_the_links_of_one_account_at_once_one_sets_the_password(service: Service) -> None:
    guest = service.guest(service.event())
    links = [resets.issue_for_admin(guest.id).url for _ in range(2)] * 2
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda link: set_password(service, link), links))
    assert sorted(answers) == [(200, ""), *[(400, "ResetLinkInvalid")] * 3]


def test_known_and_unknown_addresses_get_the_same_answer_by_the_same_statements(service: Service) -> None:
    guest = service.guest(service.event())
    seen: dict[str, list[str]] = {}
    answers = {}

    def note(*arguments: object) -> None:
        # Threads that work in the background are at it all the time.
        if threading.current_thread().name not in ("mail", "inference", "heartbeat"):
            seen[name].append(str(arguments[2]))

    for name in (guest.name, "nobody"):
        seen[name] = []
        event.listen(get_engine(), "before_cursor_execute", note)
        try:
            answers[name] = service.post("/api/password-reset", json={"email": f"{name}@example.org"})
        finally:
            event.remove(get_engine(), "before_cursor_execute", note)
    assert seen[guest.name] == seen["nobody"]
    assert any(each.startswith("INSERT INTO mails") for each in seen["nobody"])
    assert {answer.status_code for answer in answers.values()} == {200}
    assert len({answer.text for answer in answers.values()}) == 1
    mails_to(guest, "Choisir un nouveau mot de passe")
    wait_until(lambda: asked_mails() == 0)


def asked_mails() -> int:
    """Return how many requests for a reset still wait to be looked up."""
    with reading() as session:
        return session.query(Mail).filter(Mail.kind == outbox.RESET_ASKED).count()


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c.fr", "a\r\nBcc: b@c.fr", "x" * 300 + "@example.org", None, 7])
def test_what_is_no_address_is_refused_in_words(service: Service, email: object) -> None:
    answer = service.post("/api/password-reset", json={"email": email})
    assert answer.status_code == 422
    assert "email" in answer.json()["detail"]


def test_an_admin_makes_a_link_for_guests_and_photographers_alone(service: Service) -> None:
    guest, photographer = service.guest(service.event()), service.photographer()
    made = service.post(f"/api/admin/users/{guest.id}/reset-link", service.admin)
    assert made.status_code == 200
    assert made.json()["expires_at"] > f"{utcnow():%Y-%m-%dT%H:%M:%S}"
    assert set_password(service, made.json()["url"]) == (200, "")
    assert service.post(f"/api/admin/users/{photographer.id}/reset-link", service.admin).status_code == 200
    for who, user_id, status in (
        (service.admin, service.admin.id, 403),
        (service.admin, 10**9, 404),
        (photographer, guest.id, 403),
        (None, guest.id, 401),
    ):
        answer = service.post(f"/api/admin/users/{user_id}/reset-link", who)
        assert (answer.status_code, bool(answer.json()["detail"])) == (status, True)
    service.put(f"/api/admin/photographers/{photographer.id}", service.admin, json={"is_active": False})
    closed = service.post(f"/api/admin/users/{photographer.id}/reset-link", service.admin)
    assert (closed.status_code, closed.json()["error"]) == (409, "AccountClosed")


def test_a_new_guest_confirms_the_address_by_its_link(service: Service) -> None:
    guest = service.guest(service.event())
    [message] = mails_to(guest, "Confirmez votre adresse")
    link = next(word for word in text_of(message).split() if "/confirm#" in word)
    for _ in range(2):
        assert service.post("/api/confirm-address", json={"token": link.partition("#")[2]}).status_code == 200
    wrong = service.post("/api/confirm-address", json={"token": link[:-4] + "AAAA"})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "ConfirmationLinkInvalid")


def test_where_mail_is_off_the_answer_says_whom_to_ask(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "mail_outbox", "off")
    guest = service.guest(service.event())
    answer = service.post(
        "/api/password-reset", json={"email": f"{guest.name}@example.org"}, headers={"Accept-Language": "en"}
    )
    assert answer.status_code == 200
    assert "sends no emails" in answer.json()["message"]
    with transaction() as session:
        assert session.query(Mail).filter(Mail.user_id == guest.id).count() == 0
