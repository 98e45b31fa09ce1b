"""Mails reach a real mail server, also one that refuses, hangs or comes back after an hour."""

import logging
from datetime import timedelta

import pytest

from accounts import confirmation
from accounts.service import NewAccount, create_staff, update_photographer
from database import transaction
from errors import ConfirmationLinkInvalid
from events import service as events
from events.service import NewEvent
from guests.registration import register
from mail import delivery, outbox, post
from mail.letters import Letter
from models import PHOTOGRAPHER, PasswordReset, User, utcnow
from settings import get_settings
from testkit.mail_server import Mailbox, MailServer
from tests.mail.people import (
    PASSWORD,
    connection,
    deliver,
    forget_mails,
    guest,
    links_in,
    mails,
    new_address,
    opens,
    text_of,
)

HOUR = timedelta(hours=1)


def test_one_mail_lists_every_account_of_the_address_each_with_a_link(box: Mailbox) -> None:
    address = new_address()
    guest(address, "Mariage de Léa")
    guest(address.upper(), "Course\u2028de la ville")
    staff = create_staff(NewAccount(address.split("@")[0], address, PASSWORD), PHOTOGRAPHER)
    outbox.ask_for_reset(address, "fr")
    assert deliver()
    [(recipient, message)] = box.received
    assert recipient == address
    assert box.encrypted == {True}
    text = text_of(message)
    for words in ("Votre compte de travail", "Mariage de Léa", "Course de la ville", "30 minutes"):
        assert words in text
    links = links_in(message)
    assert len(set(links)) == 3
    html = message.get_body(("html",))
    assert html is not None
    assert all(link in html.get_content() for link in links)
    assert "<img" not in html.get_content()
    assert message["Subject"] == "Choisir un nouveau mot de passe"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["From"].addresses[0].display_name == "Réperio"
    assert message["Date"]
    assert mails() == []
    # The first link is that of the staff account.
    assert opens(links[0])
    with transaction() as session:
        changed = session.get_one(User, staff.id)
    assert changed.token_version == staff.token_version + 1
    assert changed.email_confirmed_at is not None
    assert not opens(links[0])
    assert opens(links[1])


def test_unknown_and_closed_accounts_get_nothing_and_leave_nothing(box: Mailbox) -> None:
    address = new_address()
    closed = create_staff(NewAccount(address.split("@")[0], address, PASSWORD), PHOTOGRAPHER)
    update_photographer(closed.id, is_active=False)
    for each in (address, new_address(), "nobody@nowhere.example"):
        outbox.ask_for_reset(each, "fr")
    assert deliver()
    assert box.received == []
    assert mails() == []


def test_nobody_gets_links_of_a_mailbox_that_only_looks_alike(box: Mailbox) -> None:
    address = new_address()
    guest(address)
    other = address.replace("a", "\uff41", 1)
    guest(other)
    outbox.ask_for_reset(other, "en")
    assert deliver()
    assert sorted(recipient for recipient, _ in box.received) == sorted([address, other])
    assert [len(links_in(message)) for _, message in box.received] == [1, 1]
    assert {message["Subject"] for _, message in box.received} == {"Choose a new password"}


def test_a_server_that_is_down_for_an_hour_loses_nothing(box: Mailbox, running: MailServer) -> None:
    address, asked = new_address(), utcnow()
    guest(address)
    running.stop()
    try:
        outbox.ask_for_reset(address, "fr")
        outbox.ask_for_reset(address, "fr")
        minutes = 0
        while minutes < 60:
            deliver(timedelta(minutes=minutes), asked)
            minutes += 5
        assert [mail.status for mail in mails()] == ["pending"]
    finally:
        running.start()
    assert deliver(HOUR + timedelta(minutes=10), asked)
    assert [recipient for recipient, _ in box.received] == [address], "asked twice, one mail"
    assert opens(links_in(box.received[0][1])[0]), "the link lasts from the moment the mail is sent"


def test_after_two_days_it_is_given_up(box: Mailbox) -> None:
    address = new_address()
    guest(address)
    box.answers[address] = "451 4.3.0 Later"
    outbox.ask_for_reset(address, "fr")
    deliver()
    asked = mails()[0].created_at
    for hours in (1, 24, 47):
        deliver(timedelta(hours=hours), asked)
        assert [mail.status for mail in mails()] == ["pending"], hours
    deliver(timedelta(hours=49), asked)
    [mail] = mails()
    assert mail.status == "failed"
    assert "451 4.3.0 Later" in (mail.error or "")
    delivery.delete_old(utcnow() + timedelta(days=10))
    assert mails() == []


def test_one_refused_recipient_fails_with_the_reason_and_the_others_get_theirs(
    box: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    addresses = [new_address() for _ in range(3)]
    for address in addresses:
        guest(address)
    for address in addresses:
        outbox.ask_for_reset(address, "fr")
    box.answers[addresses[0]] = f"550 5.1.1 <{addresses[0]}> is unknown here"
    box.answers[addresses[1]] = "452 4.2.2 Mailbox full"
    with caplog.at_level(logging.INFO):
        assert deliver()
    assert [recipient for recipient, _ in box.received] == [addresses[2]]
    assert box.connections == 1
    failed, waiting = mails()
    assert failed.status == "failed"
    assert (failed.error or "").startswith("550 5.1.1")
    assert waiting.status == "pending"
    ours = " ".join(line.getMessage() for line in caplog.records if line.name.startswith("reperio"))
    assert "550 5.1.1" in ours
    assert "example.org" not in ours, "an address is never logged"
    box.answers.clear()
    deliver(HOUR)
    assert [recipient for recipient, _ in box.received] == [addresses[2], addresses[1]]
    forget_mails()


def test_a_message_refused_after_data_fails(box: Mailbox) -> None:
    address = new_address()
    guest(address)
    outbox.ask_for_reset(address, "fr")
    box.data_answer = "554 5.7.1 Not wanted"
    assert deliver()
    assert [(mail.status, mail.error) for mail in mails()] == [("failed", "554 5.7.1 Not wanted")]
    forget_mails()


@pytest.mark.parametrize("limit", ["STEP_SECONDS", "DIALOGUE_SECONDS"])
def test_a_server_that_hangs_is_left(box: Mailbox, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(post, limit, 0.3)
    address = new_address()
    guest(address)
    outbox.ask_for_reset(address, "fr")
    box.hang = 3
    began = utcnow()
    assert not deliver()
    assert utcnow() - began < timedelta(seconds=2)
    box.hang = 0
    assert deliver(HOUR)
    assert [recipient for recipient, _ in box.received] == [address]


def test_a_certificate_of_somebody_else_ends_the_dialogue(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "smtp_ca_file", "")
    address = new_address()
    guest(address)
    outbox.ask_for_reset(address, "fr")
    assert not deliver()
    assert box.received == []
    [mail] = mails()
    assert mail.status == "pending"
    assert "CERTIFICATE_VERIFY_FAILED" in (mail.error or "")
    forget_mails()


def test_a_process_that_dies_between_sending_and_recording_sends_the_same_message_again(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = new_address()
    guest(address)
    outbox.ask_for_reset(address, "fr")

    class Killed(BaseException):
        """Stands for SIGKILL after the server's 250."""

    def send_and_die(letter: Letter) -> None:
        sent(letter)
        raise Killed

    with connection() as dying:
        sent = dying.send
        monkeypatch.setattr(dying, "send", send_and_die)
        delivery.deliver_next(dying, utcnow())
        with pytest.raises(Killed):
            delivery.deliver_next(dying, utcnow())
    assert deliver(timedelta(minutes=1)), "its lease still runs"
    assert len(box.received) == 1
    deliver(delivery.LEASE + timedelta(minutes=1))
    assert len({message["Message-ID"] for _, message in box.received}) == 1
    first, second = (links_in(message)[0] for _, message in box.received)
    assert first != second
    assert opens(first), "a link of either copy works"
    assert not opens(second), "and ends the other"


def test_addresses_beyond_ascii(box: Mailbox) -> None:
    addresses = [f"zoë-{new_address()}", new_address().replace("example.org", "bücher.example")]
    for address in addresses:
        guest(address)
    for address in addresses:
        outbox.ask_for_reset(address, "fr")
    assert deliver()
    assert sorted(recipient for recipient, _ in box.received) == sorted(
        [addresses[0], addresses[1].replace("bücher", "xn--bcher-kva")]
    )


def test_a_new_guest_is_asked_to_confirm_the_address_and_a_new_address_again(box: Mailbox) -> None:
    code = events.create(NewEvent("Fête <b>")).event_code
    user = register(NewAccount("Visit http://spam.example", new_address(), PASSWORD), code, "en")
    assert deliver()
    [(recipient, message)] = box.received
    assert recipient == user.email
    assert message["Subject"] == "Confirm your address"
    html = message.get_body(("html",))
    assert html is not None
    assert "Fête &lt;b&gt;" in html.get_content()
    assert "spam.example" not in message.as_string(), "a stranger's words never reach the mailbox"
    [link] = links_in(message)
    confirmation.confirm(link)
    confirmation.confirm(link)
    with transaction() as session:
        found = session.get_one(User, user.id)
        assert found.email_confirmed_at is not None
        found.email, found.email_key, found.email_confirmed_at = "b@example.org", "b@example.org", None
    for wrong in (link, link[:-1] + "x", "", "1.2.3", f"{'9' * 19}.{'9' * 19}.é", "\ud800"):
        with pytest.raises(ConfirmationLinkInvalid):
            confirmation.confirm(wrong)


def test_no_secret_and_no_address_lies_in_the_database(box: Mailbox) -> None:
    address = new_address()
    guest(address)
    outbox.ask_for_reset(address, "fr")
    deliver()
    token = links_in(box.received[0][1])[0].partition("#")[2]
    with transaction() as session:
        rows = session.query(PasswordReset).all()
    assert all(token not in str(vars(row)) for row in rows)
    assert mails() == []


def test_a_server_without_smtputf8_refuses_such_an_address_in_words(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smtplib.SMTP.has_extn", lambda self, name: name == "starttls")
    address = f"zoë-{new_address()}"
    guest(address)
    outbox.ask_for_reset(address, "fr")
    assert deliver()
    [mail] = mails()
    assert mail.status == "failed"
    assert "beyond ASCII" in (mail.error or "")
    forget_mails()


def test_a_defect_of_ours_stops_neither_the_other_mails_nor_leaks_the_address(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    addresses = [new_address() for _ in range(2)]
    for address in addresses:
        guest(address)
    for address in addresses:
        outbox.ask_for_reset(address, "fr")
    sound = post.SmtpPost.send

    def broken(self: post.SmtpPost, letter: Letter) -> None:
        if letter.recipient == addresses[0]:
            raise ValueError(f"cannot send to {letter.recipient}")
        sound(self, letter)

    monkeypatch.setattr(post.SmtpPost, "send", broken)
    with caplog.at_level(logging.INFO, "reperio"):
        assert deliver()
    assert [recipient for recipient, _ in box.received] == [addresses[1]]
    assert [mail.status for mail in mails()] == ["pending"]
    assert "ValueError" in caplog.text
    assert not any(addresses[0] in line.getMessage() for line in caplog.records)
    forget_mails()
