"""The mail thread, the command for operators, and settings that cannot work."""

import time
from typing import Any

import pytest

from accounts.service import NewAccount, create_staff
from mail import check, outbox
from mail.worker import MailThread
from models import PHOTOGRAPHER
from settings import Settings, UnsafeSettings, _check_mail, get_settings
from testkit.mail_server import Mailbox
from tests.conftest import wait_until
from tests.mail.people import PASSWORD, deliver, forget_mails, guest, mails, new_address


@pytest.mark.long
def test_a_server_that_hangs_holds_up_nobody_who_asks(box: Mailbox) -> None:
    address = new_address()
    guest(address)
    box.hang = 1.0
    thread = MailThread(get_settings())
    thread.start()
    try:
        began = time.monotonic()
        for _ in range(20):
            outbox.ask_for_reset(address, "fr")
            thread.wake()
        assert time.monotonic() - began < 1.0
        wait_until(lambda: bool(box.received))
    finally:
        began = time.monotonic()
        thread.stop(0.1)
        assert time.monotonic() - began < 1.0
        box.hang = 0.0
    wait_until(lambda: not thread.is_alive)
    assert box.connections <= 2, "one connection at a time, kept for the next mail"
    forget_mails()


def test_the_command_shows_what_failed_and_sends_a_test(box: Mailbox, capsys: pytest.CaptureFixture[str]) -> None:
    address = new_address()
    name = address.split("@")[0]
    create_staff(NewAccount(name, address, PASSWORD), PHOTOGRAPHER)
    box.answers[address] = "550 5.1.1 No such mailbox"
    outbox.ask_for_reset(address, "fr")
    deliver()
    assert check.main([]) is None
    assert f"for {name}: 550 5.1.1 No such mailbox" in capsys.readouterr().out
    assert check.main(["you@example.org"]) is None
    assert [recipient for recipient, _ in box.received] == ["you@example.org"]
    assert check.main([address]) == "550 5.1.1 No such mailbox"
    assert "email address" in (check.main(["nobody"]) or "")
    assert [mail.status for mail in mails()] == ["failed"]
    forget_mails()


def settings(**changes: Any) -> Settings:
    """Return settings without anything about mail, except `changes`."""
    return Settings(**{"smtp_host": "", "mail_from": "", "mail_outbox": "", "public_url": "", **changes})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"smtp_host": "mail"}, "MAIL_FROM"),
        ({"smtp_host": "mail", "mail_from": "nobody"}, "MAIL_FROM"),
        ({"mail_from": "a@example.org, b@example.org"}, "MAIL_FROM"),
        ({"mail_from": "a@example.org\nBcc: b@example.org"}, "MAIL_FROM"),
        ({"mail_reply_to": "a b"}, "MAIL_REPLY_TO"),
        ({"smtp_host": "mail", "mail_from": "a@example.org", "app_env": "production"}, "PUBLIC_URL"),
        (
            {"smtp_host": "mail", "mail_from": "a@example.org", "smtp_security": "none", "smtp_username": "u"},
            "SMTP_USERNAME",
        ),
        ({"smtp_host": "mail", "mail_from": "a@example.org", "smtp_ca_file": "/nowhere"}, "SMTP_CA_FILE"),
    ],
)
def test_settings_with_which_no_mail_would_arrive_are_refused(changes: dict[str, str], named: str) -> None:
    with pytest.raises(UnsafeSettings, match=named):
        _check_mail(settings(**changes))


def test_production_sends_nothing_unless_it_is_told_where() -> None:
    assert not settings(app_env="production").mail_is_on
    assert str(settings(app_env="development").mail_folder) == "var/outbox"
    assert not settings(mail_outbox="off").mail_is_on
    assert settings(app_env="production", smtp_host="mail").mail_is_on
