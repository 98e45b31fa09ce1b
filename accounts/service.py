"""Log in, and manage the accounts of photographers and admins."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import errors
from accounts import queries, sessions, tokens
from accounts.password_rules import check_new
from accounts.passwords import hash_password, is_bcrypt, verify_password
from accounts.second_factor import service as second_factor
from audit.log import Action, record
from database import reading, transaction
from events.service import by_typed_code
from keys import comparison_key, lookup_key
from models import ADMIN, GUEST, PHOTOGRAPHER, User, utcnow

# Each account that fits a name costs one password hash, two if the password is not in NFKC form. Beyond this many
# guests, the app must give the event's code.
MAX_ACCOUNTS_TRIED = 8


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Name, address and plain password of an account to make; only the password's hash is stored."""

    username: str
    email: str
    password: str

    @property
    def username_key(self) -> str:
        """The normalised name, on which uniqueness is decided."""
        return comparison_key(self.username)

    @property
    def email_key(self) -> str:
        """The normalised address, on which uniqueness is decided."""
        return comparison_key(self.email)


def log_in(
    username: str,
    password: str,
    event_code: str | None,
    device: str | None = None,
    *,
    refresh: bool = False,
    otp: str | None = None,
) -> sessions.Grant:
    """Start a session with the right password, and return its tokens. `otp` is the code of a second factor.

    Raises:
        BadCredentials: there is no such account, or the password is wrong or was changed meanwhile.
        SecondFactorRequired: the account has a second factor, and no code was given.
        WrongSecondFactor: the code is wrong or was used before.
        SeveralAccounts: the password fits several accounts, or the name fits more than MAX_ACCOUNTS_TRIED guests.
    """
    user = authenticate(username, password, event_code)
    second_factor.check_login(user, otp)
    try:
        return sessions.start(user, device, refresh=refresh)
    except errors.InvalidToken as error:
        raise errors.BadCredentials from error


def authenticate(username: str, password: str, event_code: str | None) -> User:
    """Return the account that the name and the password mean.

    A staff account goes first, whatever the code says: no number of guests of the same name keeps it out.

    Raises:
        BadCredentials: there is no such account, or the password is wrong.
        SeveralAccounts: the password fits several accounts, or the name fits more than MAX_ACCOUNTS_TRIED guests.
    """
    staff, guests, event_id = _candidates(lookup_key(username), event_code)
    for user in staff:
        if verify_password(password, user.hashed_password):
            return _rehashed(user, password)
    if len(guests) > MAX_ACCOUNTS_TRIED:
        raise errors.SeveralAccounts(accounts=[])
    if not staff and not guests:
        verify_password(password, None)
    fitting = [user for user in guests if verify_password(password, user.hashed_password)]
    fitting = _preferred(fitting, event_id)
    if not fitting:
        raise errors.BadCredentials
    if len(fitting) > 1:
        tickets = [tokens.issue_choice(user.id, user.token_version) for user in fitting]
        raise errors.SeveralAccounts(tickets, accounts=[_choice(user) for user in fitting])
    return _rehashed(fitting[0], password)


def log_in_again(user: User, device: str | None) -> sessions.Grant:
    """Start a session of an account that has just proved who it is, whatever was changed since it was loaded."""
    with reading() as session:
        now = queries.user(session, user.id)
    if now is None:
        raise errors.InvalidToken
    return sessions.start(now, device)


def log_in_to(ticket: str, device: str | None = None, otp: str | None = None) -> sessions.Grant:
    """Start a session of the account that the ticket names, and return its token.

    Raises:
        SecondFactorRequired, WrongSecondFactor: see `log_in`.
        InvalidToken: the ticket is forged or expired, or the account is closed.
    """
    user = user_of(tokens.read_choice(ticket))
    second_factor.check_login(user, otp)
    return sessions.start(user, device)


def _candidates(key: str | None, event_code: str | None) -> tuple[list[User], list[User], int | None]:
    """Return the open staff accounts (one at most) and guest accounts with that name or address.

    With a code only guests of that event, whose id is returned too; with an unknown code none.
    """
    if key is None:
        return [], [], None
    most, event_id = MAX_ACCOUNTS_TRIED + 1, None
    with reading() as session:
        if event_code:
            # Expired events count too: their guests still see their photos.
            event = by_typed_code(session, event_code)
            event_id, most = (event.id, most) if event else (None, 0)
        found = queries.named(session, key, most, event_id)
    guests = [user for user in found if user.user_type == GUEST][:most]
    if len(guests) <= MAX_ACCOUNTS_TRIED:
        guests = [user for user in guests if user.is_active]
    return [user for user in found if user.user_type != GUEST and user.is_active], guests, event_id


def _preferred(fitting: list[User], event_id: int | None) -> list[User]:
    """Prefer the guest who registered in that event to guests who joined it."""
    first = [user for user in fitting if user.event_id == event_id]
    return first if len(first) == 1 else fitting


def _rehashed(user: User, password: str) -> User:
    """Return the account after replacing a bcrypt hash by an argon2id hash, unless the password changed meanwhile."""
    if is_bcrypt(user.hashed_password):
        hashed = hash_password(password)
        with transaction() as session:
            queries.replace_hash(session, user.id, user.hashed_password, hashed)
    return user


def _choice(user: User) -> dict[str, str | None]:
    event = user.event
    return {"event_name": event.name if event else None, "event_code": event.event_code if event else None}


def user_of(claims: tokens.TokenClaims) -> User:
    """Return the account that a token names, with its event, in one statement.

    Raises:
        InvalidToken: the account is deleted or closed, the session is over, or the token was revoked.
    """
    user = _account(claims)
    if claims.session_id is None and user.token_version != claims.version:
        raise errors.InvalidToken
    sessions.note_use(user, utcnow())
    return user


def signer_of(user_id: int, session_id: str | None) -> User:
    """Return the account for which a link was signed, with its event.

    Raises:
        InvalidToken: the session that made the link is over, or the account is deleted or closed.
    """
    return _account(tokens.TokenClaims(user_id, 0, session_id))


def _account(claims: tokens.TokenClaims) -> User:
    with reading() as session:
        if claims.session_id is None:
            # A ticket, or a token of a release without sessions.
            user = queries.user(session, claims.user_id)
        else:
            user = queries.user_in_session(session, claims.user_id, claims.session_id, utcnow())
    if user is None or not user.is_active:
        raise errors.InvalidToken
    return user


# --- photographers and admins --------------------------------------------------------------------


def create_staff(account: NewAccount, user_type: str) -> User:
    """Make the account of a photographer or an admin.

    Raises:
        RefusedPassword: the password breaks a rule for staff.
        UsernameIsNotOwnEmail: the name is an address other than the account's own.
        AccountTaken: the name or the address is in use among the accounts without an event.
    """
    assert user_type in (PHOTOGRAPHER, ADMIN)  # noqa: S101 - a guest has an event, staff have none
    check_username(account)
    check_new(account.password, staff=True, names=(account.username, account.email))
    hashed = hash_password(account.password)
    with transaction() as session:
        user = add_account(session, account, hashed, user_type)
        record(session, Action.STAFF_CREATED, subject_id=user.id, type=user_type)
        session.refresh(user, ["event"])
        return user


def update_photographer(
    user_id: int,
    *,
    username: str | None = None,
    email: str | None = None,
    password: str | None = None,
    is_active: bool | None = None,
) -> User:
    """Change a photographer's account; a new password, or closing the account, revokes its tokens.

    Raises:
        NoSuchPhotographer: there is no photographer with this id.
        RefusedPassword: the new password breaks a rule for staff.
        UsernameIsNotOwnEmail: the new name is an address other than the account's own.
        AccountTaken: the new name or address is in use among the accounts without an event.
    """
    if password:
        _check_photographers(user_id, password, username, email)
    hashed = hash_password(password) if password else None
    with transaction() as session:
        user = queries.photographer(session, user_id)
        if user is None:
            raise errors.NoSuchPhotographer
        wanted = NewAccount(username or user.username, email or user.email, "")
        check_username(wanted)
        user.username, user.username_key = wanted.username, wanted.username_key
        if user.email_key != wanted.email_key:
            user.email_confirmed_at = None
        user.email, user.email_key = wanted.email, wanted.email_key
        if hashed is not None:
            user.hashed_password = hashed
        if hashed is not None or (is_active is False and user.is_active):
            user.token_version += 1
        if is_active is not None:
            user.is_active = is_active
        changed = [
            name for name in ("username", "email", "is_active") if inspect(user).attrs[name].history.has_changes()
        ]
        _flush_account(session, user)
        record(
            session, Action.STAFF_CHANGED, subject_id=user.id, fields=[*changed, *(["password"] if hashed else [])]
        )
        return user


def _check_photographers(user_id: int, password: str, *new_names: str | None) -> None:
    """Check a photographer's new password against the rules, with the names of the account before and after."""
    with reading() as session:
        user = queries.photographer(session, user_id)
    if user is None:
        raise errors.NoSuchPhotographer
    check_new(password, staff=True, names=(user.username, user.email, *filter(None, new_names)))


def delete_photographer(user_id: int) -> None:
    """Delete a photographer's account; the photos stay with their events.

    Raises:
        NoSuchPhotographer: there is no photographer with this id.
    """
    with transaction() as session:
        user = queries.photographer(session, user_id)
        if user is None:
            raise errors.NoSuchPhotographer
        record(session, Action.STAFF_DELETED, subject_id=user_id)
        session.delete(user)


def list_photographers() -> Sequence[User]:
    """Return every photographer, by id."""
    with reading() as session:
        return queries.photographers(session)


def add_account(
    session: Session,
    account: NewAccount,
    hashed_password: str,
    user_type: str,
    *,
    event_id: int | None = None,
    locale: str = "fr",
) -> User:
    """Add an account to the open transaction and return it; the unique keys decide.

    Raises:
        AccountTaken: the name or the address is in use in that event (or, without one, among the accounts without
            an event). The transaction is then lost.
    """
    user = User(
        username=account.username.strip(),
        username_key=account.username_key,
        email=account.email.strip(),
        email_key=account.email_key,
        hashed_password=hashed_password,
        user_type=user_type,
        event_id=event_id,
        locale=locale,
    )
    _flush_account(session, user)
    return user


def check_username(account: NewAccount) -> None:
    """Check that a name with an "@" is the account's own address.

    Raises:
        UsernameIsNotOwnEmail: it is another one.
    """
    if "@" in account.username_key and account.username_key != account.email_key:
        raise errors.UsernameIsNotOwnEmail


def _flush_account(session: Session, user: User) -> None:
    """Write a new or changed account; translate a broken unique key into the error a caller expects."""
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:
        raise errors.AccountTaken from error
