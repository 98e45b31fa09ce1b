"""Register a guest in an event, with or without a selfie in the same call; or let one in without any account data."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

import errors
import selfies.service as selfie_service
from accounts import queries
from accounts.addresses import note_typed
from accounts.password_rules import check_new
from accounts.passwords import hash_new
from accounts.service import NewAccount, add_account, check_username
from database import reading, transaction
from events.service import event_for_registration
from guests.consent import give, record
from guests.wordings import Wording, accepted
from keys import lookup_key
from mail.outbox import ask_to_confirm, ask_to_keep
from models import DONE, GUEST, User, UserEvent, utcnow
from selfies import consent as selfie_consent
from selfies import files
from selfies.service import SelfieFile
from selfies.validator import Validator
from settings import get_settings
from signing import hash_for

# Of a made-up name: digits and letters that nobody takes for one another, 30 bits.
NAME_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
NAME_LENGTH = 6
NAMES_TRIED = 5
# For so long the same browser gets the account it has just made, if the button is pressed again.
SAME_START = timedelta(minutes=10)


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
    consent: Wording | None = None,
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
    record(session, user.id, event.id, consent)
    ask_to_confirm(session, user)
    session.refresh(user, ["event"])
    return user


def register(account: NewAccount, event_code: str, language: str, consent: str | None = None) -> User:
    """Make a guest's account in an event; `consent` is the version of the consent text the guest agreed to.

    Raises:
        UnknownConsentVersion: see `wordings.accepted`.
        EventNotFound: the code is unknown or expired.
        UsernameIsNotOwnEmail: the name is another address.
        AccountTaken: the name or the address is in use at this event.
        RefusedPassword: the password is too short or too common.
    """
    wording = accepted(consent, language) if consent is not None else None
    check_registration(account, event_code)
    hashed = hash_new(account.password)
    with transaction() as session:
        return add_guest(session, account, hashed, event_code, language, wording)


def register_with_selfie(
    account: NewAccount,
    event_code: str,
    file: SelfieFile,
    validator: Validator,
    language: str,
    consent: str | None = None,
) -> User:
    """Make a guest's account together with a first selfie; an error leaves no account and no file.

    Without `consent` the selfie is the consent, where it may be one (`selfies/consent.py`).

    Raises:
        UnknownConsentVersion: see `wordings.accepted`.
        ConsentRequired: there is no `consent`, and the event takes no selfie as one.
        EventNotFound: the code is unknown or expired.
        UsernameIsNotOwnEmail: the name is another address.
        AccountTaken: the name or the address is in use at this event.
        RefusedPassword: the password is too short or too common.
        AppError: what `validator` raises about the selfie.
    """
    wording = accepted(consent, language) if consent is not None else None
    check_registration(account, event_code)
    if wording is None:
        _check_selfie_counts(event_code)
    validator.check(file)
    hashed = hash_new(account.password)
    stored = validator.store(file)
    try:
        with transaction() as session:
            user = add_guest(session, account, hashed, event_code, language, wording)
            selfie_consent.record(session, user, language)
            selfie_consent.check_in_force(session, user.id)
            selfie_service.add(session, user.id, stored, strict=get_settings().selfie_validation_strict)
    except BaseException:
        files.discard(stored.storage_key)
        raise
    return user


def _check_selfie_counts(event_code: str) -> None:
    with reading() as session:
        if not selfie_consent.counts_in(event_for_registration(session, event_code)):
            raise errors.ConsentRequired


def start(event_code: str, language: str, consent: Wording | None, browser: str) -> User:
    """Make a guest of an event without name, address and password, and return it.

    Without `consent` the membership is marked as withdrawn: nothing is matched until the guest consents. `browser` is
    a secret of the browser: if it asks again within SAME_START, also at the same moment, it gets the same account.

    Raises:
        EventNotFound: the code is unknown or expired.
    """
    with reading() as session:
        event = event_for_registration(session, event_code)
    mark = hash_for(b"start", f"{event.id}.{browser}").hex()
    for _ in range(NAMES_TRIED):
        with reading() as session:
            found = queries.started(session, mark, utcnow() - SAME_START)
        if found is not None:
            # The answer to the first request was lost. It may have been one without consent.
            if consent is not None:
                give(found.id, event.id, consent)
            return found
        try:
            with transaction() as session:
                return _add_nameless(session, event_code, language, consent, mark)
        except errors.AccountTaken:
            # The button was pressed twice at the same moment, or the name made up is in use.
            continue
    raise errors.TooBusy


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a guest types on the page: a name, which is only shown, an address and a password to log in with."""

    name: str
    address: str
    password: str


def introduce(who: Introduction, event_code: str, language: str, consent: Wording, browser: str) -> User:
    """Make a guest of an event who logs in with an address and a password; `browser`: see `start`.

    The same happens whether the address and the name belong to somebody or not: the address becomes the account's
    when its owner follows the link that is mailed there, and until then logs in with this password only. A mail to an
    address that belongs to another guest of the event leads there.

    Raises:
        EventNotFound: the code is unknown or expired. RefusedPassword: the password is too short or too common.
    """
    check_new(who.password, staff=False)
    hashed = hash_new(who.password)
    user = start(event_code, language, consent, browser)
    with transaction() as session:
        found = queries.lock_user(session, user.id)
        if found is None or found.hashed_password is not None:
            # The form was sent twice.
            return user
        found.display_name, found.hashed_password = who.name, hashed
        note_typed(found, who.address)
    ask_to_keep(user.id, who.address, language)
    return user


def made_up_username() -> str:
    """Return a name for an account whose guest gave none, such as `invite-7f3kq2`."""
    return "invite-" + "".join(secrets.choice(NAME_ALPHABET) for _ in range(NAME_LENGTH))


def _add_nameless(session: Session, event_code: str, language: str, consent: Wording | None, mark: str) -> User:
    event = event_for_registration(session, event_code)
    queries.clear_start_mark(session, mark, utcnow() - SAME_START)
    user = add_account(
        session,
        NewAccount(made_up_username()),
        None,
        GUEST,
        event_id=event.id,
        locale=language,
        has_made_up_username=True,
        start_mark=mark,
    )
    withdrawn = None if consent is not None else utcnow()
    session.add(UserEvent(user_id=user.id, event_id=event.id, status=DONE, withdrawn_at=withdrawn))
    session.flush()
    record(session, user.id, event.id, consent)
    session.refresh(user, ["event"])
    return user
