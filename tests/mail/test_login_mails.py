"""Mails with links that log in: for a lost phone, and to keep an account with an address."""

import re
from email.message import EmailMessage

import pytest

import errors
from accounts import login_links
from accounts.service import NewAccount, create_staff
from database import reading
from events import service as events
from events.service import NewEvent
from guests import registration
from guests.wordings import shown
from mail import outbox
from models import PHOTOGRAPHER, User
from testkit.mail_server import Mailbox
from tests.mail.people import PASSWORD, deliver, forget_mails, guest, mails, new_address, text_of

LINK = re.compile(r"https://photos\.example\.org/enter#(\S+)")


def tokens_in(message: EmailMessage) -> list[str]:
    return LINK.findall(text_of(message))


def account(user_id: int) -> User:
    with reading() as session:
        return session.get_one(User, user_id)


def nameless(code: str, browser: str) -> User:
    return registration.start(code, "fr", shown("fr"), browser)


def test_a_lost_phone_gets_a_link_for_each_event(box: Mailbox) -> None:
    address = new_address()
    first, second = guest(address, "Mariage de Léa"), guest(address, "Course")
    create_staff(NewAccount(address.split("@")[0], address, PASSWORD), PHOTOGRAPHER)
    outbox.ask_for_login(address, "fr")
    outbox.ask_for_login(new_address(), "fr")
    assert deliver()
    [(recipient, message)] = box.received
    assert recipient == address
    assert {login_links.owner_of(each).id for each in tokens_in(message)} == {first.id, second.id}
    assert "Mariage de Léa" in text_of(message)
    login_links.enter(tokens_in(message)[0], "a browser", None)
    assert mails() == []
    assert {account(each.id).email_confirmed_at is None for each in (first, second)} == {True, False}


def test_an_address_is_stored_when_its_link_is_followed(box: Mailbox) -> None:
    code = events.create(NewEvent("Mariage")).event_code
    fresh, address = nameless(code, "a"), new_address()
    outbox.ask_to_keep(fresh.id, address, "en")
    assert deliver()
    [(recipient, message)] = box.received
    assert recipient == address
    assert account(fresh.id).email is None
    [token] = tokens_in(message)
    login_links.enter(token, "a browser", None)
    found = account(fresh.id)
    assert (found.email, found.email_confirmed_at is not None) == (address, True)


def test_the_mail_to_the_address_of_another_guest_of_the_event_leads_there(box: Mailbox) -> None:
    address = new_address()
    owner = guest(address)
    assert owner.event is not None
    fresh = nameless(owner.event.event_code, "b")
    outbox.ask_to_keep(fresh.id, address, "fr")
    assert deliver()
    [(_, message)] = box.received
    assert "déjà un compte" in text_of(message)
    assert [login_links.owner_of(each).id for each in tokens_in(message)] == [owner.id]
    assert account(fresh.id).email is None


def test_who_registers_with_a_taken_name_and_address_gets_in_and_the_owner_gets_the_mail(box: Mailbox) -> None:
    address = new_address()
    owner = guest(address)
    assert owner.event is not None
    who = registration.Introduction(owner.username, address, "quite another password")
    second = registration.introduce(who, owner.event.event_code, "fr", shown("fr"), "c")
    assert second.id != owner.id
    assert account(second.id).shown_name == owner.username
    assert deliver()
    assert [login_links.owner_of(each).id for _, message in box.received for each in tokens_in(message)] == [owner.id]
    # Whoever has the mailbox gets into both by a lost phone's mail.
    forget_mails()
    box.clear()
    outbox.ask_for_login(address, "fr")
    assert deliver()
    [(_, message)] = box.received
    assert [login_links.owner_of(each).id for each in tokens_in(message)] == [owner.id, second.id]


def test_two_accounts_that_typed_one_address_do_not_share_it(box: Mailbox) -> None:
    code, address = events.create(NewEvent("Mariage")).event_code, new_address()
    links = {}
    for browser in ("d", "e"):
        who = registration.Introduction("Penny", address, f"a password of {browser}")
        user = registration.introduce(who, code, "fr", shown("fr"), browser)
        assert deliver()
        [(_, message)] = box.received
        box.clear()
        links[user.id] = tokens_in(message)[0]
    for token in links.values():
        login_links.enter(token, "a browser", None)
    first, second = (account(each) for each in links)
    assert (first.email, second.email, second.typed_email) == (address, None, address)
    with pytest.raises(errors.LoginLinkInvalid):
        login_links.owner_of("nonsense")
