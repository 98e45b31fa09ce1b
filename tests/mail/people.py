"""Accounts for tests of mails, and the thread's work without the thread."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage

from accounts.resets import service as resets
from accounts.service import NewAccount
from database import transaction
from errors import ResetLinkInvalid
from events import service as events
from events.service import NewEvent
from guests.registration import register
from mail import delivery
from mail.post import Post, ServerUnavailable, post_for
from models import Mail, User, utcnow
from settings import get_settings

PASSWORD = "open the third sesame"
LINK = re.compile(r"https://photos\.example\.org/(?:reset|confirm)#\S+")
_numbers = itertools.count(1)


def new_address() -> str:
    """Return an address that no account has."""
    return f"amy{next(_numbers)}@example.org"


def guest(address: str, event: str = "Mariage", language: str = "fr") -> User:
    """Register a guest at a new event of this name; the mail that asks to confirm the address is taken away."""
    code = events.create(NewEvent(event)).event_code
    user = register(NewAccount(f"guest{next(_numbers)}", address, PASSWORD), code, language)
    forget_mails()
    return user


def forget_mails() -> None:
    """Delete every mail that waits."""
    with transaction() as session:
        session.query(Mail).delete()


def mails() -> list[Mail]:
    """Return the rows of all mails."""
    with transaction() as session:
        return session.query(Mail).order_by(Mail.id).all()


@contextmanager
def connection() -> Iterator[Post]:
    """Yields what the settings say takes mails away."""
    post = post_for(get_settings())
    try:
        yield post
    finally:
        post.close()


def deliver(after: timedelta = timedelta(0), start: datetime | None = None) -> bool:
    """Work on all mails that are due at a time from now; return False if the mail server cannot be used."""
    now = (start or utcnow()) + after
    with connection() as post:
        try:
            while delivery.deliver_next(post, now):
                pass
        except ServerUnavailable:
            return False
    return True


def text_of(message: EmailMessage) -> str:
    """Return the plain text of a mail."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def links_in(message: EmailMessage) -> list[str]:
    """Return the links of the plain text that do something."""
    return LINK.findall(text_of(message))


def opens(link: str) -> bool:
    """Tell whether a link sets a new password."""
    try:
        resets.set_password(link, "another long sentence")
    except ResetLinkInvalid:
        return False
    return True
