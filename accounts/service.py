"""Log in, and manage the accounts of photographers and admins."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import errors
from accounts import queries, tokens
from accounts.passwords import hash_password, is_bcrypt, verify_password
from database import reading, transaction
from events.service import by_typed_code
from keys import comparison_key, lookup_key
from models import ADMIN, PHOTOGRAPHER, User

# Each account that fits a name costs one password hash. Beyond this many, the app must give the event's code.
MAX_ACCOUNTS_TRIED = 8
PasswordGuard = Callable[[Sequence[int]], AbstractContextManager[None]]


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


def _unguarded(_: Sequence[int]) -> AbstractContextManager[None]:
    return nullcontext()


def log_in(
    username: str, password: str, event_code: str | None, guard: PasswordGuard = _unguarded
) -> tuple[str, int]:
    """Return an access token and its lifetime in seconds.

    `guard` gets the ids of the accounts that the name fits and encloses every check of the password.

    Raises:
        BadCredentials: there is no such account, or the password is wrong.
        SeveralAccounts: the password fits several accounts, or the name fits more than MAX_ACCOUNTS_TRIED.
    """
    key = lookup_key(username)
    candidates, event_id = _candidates(key, event_code)
    if len(candidates) > MAX_ACCOUNTS_TRIED:
        raise errors.SeveralAccounts(accounts=[])
    with guard([user.id for user in candidates]):
        if not candidates:
            verify_password(password, None)
            raise errors.BadCredentials
        fitting = [user for user in candidates if verify_password(password, user.hashed_password)]
        fitting = _preferred(fitting, event_id)
        if not fitting:
            raise errors.BadCredentials
        if len(fitting) > 1:
            tickets = [tokens.issue_choice(user.id, user.token_version) for user in fitting]
            raise errors.SeveralAccounts(tickets, accounts=[_choice(user) for user in fitting])
        if is_bcrypt(fitting[0].hashed_password):
            _rehash(fitting[0], password)
        return tokens.issue(fitting[0].id, fitting[0].token_version)


def log_in_to(ticket: str) -> tuple[str, int]:
    """Return an access token and its lifetime in seconds for the account that the ticket names.

    Raises:
        InvalidToken: the ticket is forged or expired, or the account is closed.
    """
    claims = tokens.read_choice(ticket)
    user = user_of(claims)
    return tokens.issue(user.id, user.token_version)


def _candidates(key: str | None, event_code: str | None) -> tuple[Sequence[User], int | None]:
    """Return the active accounts with that name or address, and the id of the event the search was limited to."""
    limit = MAX_ACCOUNTS_TRIED + 1
    if key is None:
        return [], None
    with reading() as session:
        if event_code:
            # Expired events count too: their guests still see their photos.
            event = by_typed_code(session, event_code)
            if event is None:
                return [], None
            found, event_id = queries.named_in_event(session, key, event.id, limit), event.id
        else:
            found, event_id = queries.named(session, key, limit), None
    if len(found) == limit:
        return found, event_id
    return [user for user in found if user.is_active], event_id


def _preferred(fitting: list[User], event_id: int | None) -> list[User]:
    """Prefer the account made in that event to accounts that joined it; without an event, prefer staff to guests."""
    first = [user for user in fitting if user.event_id == event_id]
    return first if len(first) == 1 else fitting


def _rehash(user: User, password: str) -> None:
    """Replace a bcrypt hash by an argon2id hash, unless the password was changed meanwhile."""
    hashed = hash_password(password)
    with transaction() as session:
        queries.replace_hash(session, user.id, user.hashed_password, hashed)


def _choice(user: User) -> dict[str, str | None]:
    event = user.event
    return {"event_name": event.name if event else None, "event_code": event.event_code if event else None}


def user_of(claims: tokens.TokenClaims) -> User:
    """Return the account that a token names, with its event.

    Raises:
        InvalidToken: the account is deleted or closed, or its tokens were revoked after this one was issued.
    """
    with reading() as session:
        user = queries.user(session, claims.user_id)
    if user is None or not user.is_active or user.token_version != claims.version:
        raise errors.InvalidToken
    return user


# --- photographers and admins --------------------------------------------------------------------


def create_staff(account: NewAccount, user_type: str) -> User:
    """Make the account of a photographer or an admin.

    Raises:
        UsernameIsNotOwnEmail: the name is an address other than the account's own.
        AccountTaken: the name or the address is in use among the accounts without an event.
    """
    assert user_type in (PHOTOGRAPHER, ADMIN)  # noqa: S101 - a guest has an event, staff have none
    check_username(account)
    hashed = hash_password(account.password)
    with transaction() as session:
        user = add_account(session, account, hashed, user_type)
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
        UsernameIsNotOwnEmail: the new name is an address other than the account's own.
        AccountTaken: the new name or address is in use among the accounts without an event.
    """
    hashed = hash_password(password) if password else None
    with transaction() as session:
        user = queries.photographer(session, user_id)
        if user is None:
            raise errors.NoSuchPhotographer
        wanted = NewAccount(username or user.username, email or user.email, "")
        check_username(wanted)
        user.username, user.username_key = wanted.username, wanted.username_key
        user.email, user.email_key = wanted.email, wanted.email_key
        if hashed is not None:
            user.hashed_password = hashed
        if hashed is not None or (is_active is False and user.is_active):
            user.token_version += 1
        if is_active is not None:
            user.is_active = is_active
        _flush_account(session, user)
        return user


def delete_photographer(user_id: int) -> None:
    """Delete a photographer's account; the photos stay with their events.

    Raises:
        NoSuchPhotographer: there is no photographer with this id.
    """
    with transaction() as session:
        user = queries.photographer(session, user_id)
        if user is None:
            raise errors.NoSuchPhotographer
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
