"""What requests do with mails: put a row into the outbox. Nothing is looked up, rendered or sent here."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from database import transaction
from mail import queries
from models import Mail, User
from settings import get_settings

RESET_ASKED, PASSWORD_RESET, CONFIRM_ADDRESS = "reset_asked", "password_reset", "confirm_address"
FACES_END, PHOTOS_END, CONSENT_ENDS = "faces_end", "photos_end", "consent_ends"
LOGIN_ASKED, LOGIN_LINK, KEEP_ADDRESS = "login_asked", "login_link", "keep_address"


def ask_for_reset(address: str, language: str) -> None:
    """Note that somebody asks for links to set new passwords for the accounts with this address.

    Whether there are any is looked up by the mail thread: this is the same work for every address.
    """
    _note(Mail(kind=RESET_ASKED, asked_address=address, language=language))


def ask_for_login(address: str, language: str) -> None:
    """Note that somebody asks for links that log in to the guests' accounts with this address, as `ask_for_reset`."""
    _note(Mail(kind=LOGIN_ASKED, asked_address=address, language=language))


def ask_to_keep(user_id: int, address: str, language: str) -> None:
    """Note that a guest wants to keep the account with this address; whether another account has it is seen later."""
    _note(Mail(kind=KEEP_ADDRESS, user_id=user_id, asked_address=address, language=language))


def _note(mail: Mail) -> None:
    if get_settings().mail_is_on:
        with transaction() as session:
            session.add(mail)


def ask_again_to_confirm(user: User, language: str) -> None:
    """Add another such mail for an account whose address is not confirmed yet, unless one waits already."""
    if get_settings().mail_is_on and user.email is not None and user.email_confirmed_at is None:
        with transaction() as session:
            if not queries.is_waiting(session, CONFIRM_ADDRESS, [user.id]):
                session.add(Mail(kind=CONFIRM_ADDRESS, user_id=user.id, language=language))


def ask_to_confirm(session: Session, user: User) -> None:
    """Add a mail to the open transaction that asks the owner of a new account to confirm the address."""
    if get_settings().mail_is_on and user.email is not None:
        session.add(Mail(kind=CONFIRM_ADDRESS, user_id=user.id, language=user.locale))


def announce_end(session: Session, kind: str, event_id: int) -> int:
    """Add a mail to each guest and photographer of the event with an address to the transaction; return how many.

    `kind` is `FACES_END` or `PHOTOS_END`; the date is looked up when the mail is sent.
    """
    if not get_settings().mail_is_on:
        return 0
    return queries.add_to_people_of(session, event_id, kind)


def announce_end_of_consent(session: Session, guests: Collection[int], event_id: int) -> int:
    """Add a mail to each of these guests with an address to the transaction: agree in words; return how many."""
    if not get_settings().mail_is_on:
        return 0
    return queries.add_to(session, guests, event_id, CONSENT_ENDS)
