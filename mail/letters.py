"""The mails themselves: plain text and HTML, in French and in English."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from settings import get_settings
from signing import keyed_hash

LANGUAGES = ("fr", "en")
SUBJECTS = {
    "password_reset": {"fr": "Choisir un nouveau mot de passe", "en": "Choose a new password"},
    "confirm_address": {"fr": "Confirmez votre adresse", "en": "Confirm your address"},
    # The subject that guests see names event and number: `notifications/messages.py`.
    "new_photos": {"fr": "De nouvelles photos de vous", "en": "New photos of you"},
    "login_link": {"fr": "Retrouver vos photos", "en": "Back to your photos"},
    "keep_address": {"fr": "Gardez l’accès à vos photos", "en": "Keep the way to your photos"},
    "address_known": {"fr": "Vous êtes déjà parmi nous", "en": "You already have an account"},
    "consent_ends": {"fr": "Voulez-vous encore être cherché ?", "en": "Do you still want to be looked for?"},
    "faces_end": {"fr": "Les visages ne seront bientôt plus comparés", "en": "Faces will soon no longer be compared"},
    "photos_end": {"fr": "Des photos vont être effacées", "en": "Photos will soon be erased"},
    "test": {"fr": "Un essai de Reperio", "en": "A test from Reperio"},
}
MONTHS = {
    "fr": (
        *("janvier", "février", "mars", "avril", "mai", "juin"),
        *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}
# The first administrator's address, unless another is chosen; email-validator knows no such domain.
OF_THIS_MACHINE = re.compile(r"[A-Za-z0-9._+-]+@localhost")
_environment = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class BadAddress(Exception):
    """No mail can be sent to this address."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, the address it goes to, and the number of its row, or another name of it."""

    id: int | str
    recipient: str
    message: EmailMessage


@dataclass(frozen=True, slots=True)
class LinkTo:
    """A link in a mail, and the event of the account it is for; None for staff."""

    url: str
    event: str | None


def letter(kind: str, mail_id: int | str, address: str, language: str, now: datetime, **context: Any) -> Letter:
    """Return the mail of this kind; `context` is for its templates, and may have another `subject`.

    Raises:
        BadAddress: `address` is malformed.
    """
    language = language if language in LANGUAGES else "fr"
    recipient = deliverable(address)
    values = {"site": get_settings().address, "language": language, "subject": SUBJECTS[kind][language], **context}
    message = EmailMessage()
    message["Subject"] = values["subject"]
    message["From"] = sender()
    # An address without a name: no text that a guest typed gets into a header.
    local, _, domain = recipient.rpartition("@")
    message["To"] = Address(username=local, domain=domain)
    if get_settings().mail_reply_to:
        message["Reply-To"] = get_settings().mail_reply_to
    message["Date"] = format_datetime(now)
    message["Message-ID"] = _message_id(mail_id)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["Content-Language"] = language
    # Not 8 bits: some servers do not take them.
    message.set_content(_rendered(f"{language}/{kind}.txt", values), cte="quoted-printable")
    message.add_alternative(_rendered(f"{language}/{kind}.html", values), subtype="html", cte="quoted-printable")
    return Letter(mail_id, recipient, message)


def sender() -> Address:
    """Return the `From` of every mail."""
    name, address = parseaddr(get_settings().mail_sender)
    return Address(name, addr_spec=deliverable(address))


def deliverable(address: str) -> str:
    """Return an address as it is sent: its domain in ASCII, unless the part before the @ is not ASCII either.

    Raises:
        BadAddress: it is malformed.
    """
    if OF_THIS_MACHINE.fullmatch(address):
        return address
    try:
        found = validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise BadAddress(str(error)) from error
    return found.ascii_email or found.normalized


def one_line(value: str) -> str:
    """Return text without line breaks of any kind: an event's name must not look like a paragraph of ours."""
    return " ".join(value.split())


def _rendered(template: str, values: dict[str, Any]) -> str:
    return _environment.get_template(template).render(values)


def _message_id(mail_id: int | str) -> str:
    """Return the same id at each attempt, so that mail servers and readers drop a second copy."""
    digest = keyed_hash(f"message id {mail_id}".encode()).hex()[:24]
    return f"<{mail_id}.{digest}@{sender().domain}>"


def last_day(language: str, until: datetime, timezone: str) -> str:
    """Return the last day before a time, in a time zone: what ends at midnight ends on the day before."""
    day = (until - timedelta(microseconds=1)).astimezone(ZoneInfo(timezone)).date()
    number = "1er" if day.day == 1 and language == "fr" else day.day
    return f"{number} {MONTHS[language if language in LANGUAGES else 'fr'][day.month - 1]} {day.year}"


def links_of(links: Sequence[LinkTo]) -> list[LinkTo]:
    """Return the links with the names of their events on one line."""
    return [LinkTo(each.url, one_line(each.event) if each.event else None) for each in links]
