"""Register a guest in an event, with or without a selfie in the same call."""

from sqlalchemy.orm import Session

import errors
import selfies.service as selfie_service
import storage
from accounts import queries
from accounts.password_rules import check_new
from accounts.passwords import hash_password
from accounts.service import NewAccount, add_account, check_username
from database import reading, transaction
from events.service import event_for_registration
from guests.consent import record
from keys import lookup_key
from mail.outbox import ask_to_confirm
from models import DONE, GUEST, User, UserEvent
from selfies.service import SelfieFile
from selfies.validator import Validator
from settings import get_settings


def availability(username: str | None, email: str | None, event_code: str | None) -> tuple[bool, bool]:
    """Tell whether the name and the address are taken, within that event or among accounts without one.

    Raises:
        EventNotFound: the code is unknown or expired.
    """
    with reading() as session:
        event_id = event_for_registration(session, event_code).id if event_code else None
        row = queries.taken(
            session,
            username_key=lookup_key(username or ""),
            email_key=lookup_key(email or ""),
            event_id=event_id,
        )
    return bool(row.username), bool(row.email)


def check_registration(account: NewAccount, event_code: str) -> None:
    """Refuse a registration that cannot succeed, before anything is hashed or stored.

    Raises:
        EventNotFound: the code is unknown or expired.
        UsernameIsNotOwnEmail: the name is another address.
        AccountTaken: the name or the address is in use at this event.
        RefusedPassword: the password is too short or too common.
    """
    check_username(account)
    with reading() as session:
        event = event_for_registration(session, event_code)
        row = queries.taken(
            session,
            username_key=account.username_key,
            email_key=account.email_key,
            event_id=event.id,
        )
    if row.username or row.email:
        raise errors.AccountTaken
    check_new(account.password, staff=False)


def add_guest(
    session: Session,
    account: NewAccount,
    hashed_password: str,
    event_code: str,
    language: str,
    consent: str | None = None,
) -> User:
    """Add a guest, their membership and consent to the open transaction; the unique keys decide.

    Raises:
        EventNotFound: the code is unknown or expired.
        AccountTaken: the name or the address is in use at this event. The transaction is then lost.
    """
    event = event_for_registration(session, event_code)
    user = add_account(session, account, hashed_password, GUEST, event_id=event.id, locale=language)
    session.add(UserEvent(user_id=user.id, event_id=event.id, status=DONE))
    session.flush()
    record(session, user.id, event.id, consent, language)
    ask_to_confirm(session, user)
    session.refresh(user, ["event"])
    return user


def register(account: NewAccount, event_code: str, language: str, consent: str | None = None) -> User:
    """Make a guest's account in an event; `consent` is the version of the consent text the guest agreed to.

    Raises:
        EventNotFound: the code is unknown or expired.
        UsernameIsNotOwnEmail: the name is another address.
        AccountTaken: the name or the address is in use at this event.
        RefusedPassword: the password is too short or too common.
    """
    check_registration(account, event_code)
    hashed = hash_password(account.password)
    with transaction() as session:
        return add_guest(session, account, hashed, event_code, language, consent)


def register_with_selfie(
    account: NewAccount,
    event_code: str,
    file: SelfieFile,
    validator: Validator,
    language: str,
    consent: str | None = None,
) -> User:
    """Make a guest's account together with a first selfie; an error leaves no account and no file.

    Raises:
        EventNotFound: the code is unknown or expired.
        UsernameIsNotOwnEmail: the name is another address.
        AccountTaken: the name or the address is in use at this event.
        RefusedPassword: the password is too short or too common.
        AppError: what `validator` raises about the selfie.
    """
    check_registration(account, event_code)
    validator.check(file)
    hashed = hash_password(account.password)
    stored = validator.store(file)
    try:
        with transaction() as session:
            user = add_guest(session, account, hashed, event_code, language, consent)
            selfie_service.add(session, user.id, stored, strict=get_settings().selfie_validation_strict)
    except BaseException:
        storage.delete([stored.storage_key])
        raise
    return user
