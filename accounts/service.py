"""Log in, and manage the accounts of photographers and admins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import errors
from accounts import queries, sessions, tokens
from accounts.password_rules import check_new
from accounts.passwords import hash_password
from audit.log import Action, record
from database import reading, transaction
from keys import comparison_key
from models import ADMIN, PHOTOGRAPHER, User, utcnow
from stored import receipts


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Name, address and plain password of an account to make; only the password's hash is stored.

    A guest may have neither address nor password.
    """

    username: str
    email: str | None = None
    password: str = ""

    @property
    def username_key(self) -> str:
        """The normalised name, on which uniqueness is decided."""
        return comparison_key(self.username)

    @property
    def email_key(self) -> str | None:
        """The normalised address, on which uniqueness is decided."""
        return comparison_key(self.email) if self.email is not None else None


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
        gone = user is None and queries.user(session, claims.user_id) is None
    if user is None or not user.is_active:
        error = errors.InvalidToken()
        error.account_is_gone = gone
        raise error
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
    check_new(account.password, staff=True, names=filter(None, (account.username, account.email)))
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
    """Change a photographer's account; a new password, or closing the account, ends its sessions.

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
        user = queries.lock_photographer(session, user_id)
        if user is None:
            raise errors.NoSuchPhotographer
        closes = is_active is False and user.is_active
        _rename(user, NewAccount(username or user.username, email or user.email, ""))
        if is_active is not None:
            user.is_active = is_active
        changed = [
            name for name in ("username", "email", "is_active") if inspect(user).attrs[name].history.has_changes()
        ]
        if hashed is not None:
            user.hashed_password = hashed
            changed.append("password")
        _flush_account(session, user)
        if closes or hashed is not None:
            sessions.end_in(session, user)
        record(session, Action.STAFF_CHANGED, subject_id=user.id, fields=changed)
        return user


def _rename(user: User, wanted: NewAccount) -> None:
    """Give an account a name and an address; a new address is not confirmed."""
    check_username(wanted)
    user.username, user.username_key = wanted.username, wanted.username_key
    if user.email_key != wanted.email_key:
        user.email_confirmed_at = None
    user.email, user.email_key = wanted.email, wanted.email_key


def _check_photographers(user_id: int, password: str, *new_names: str | None) -> None:
    """Check a photographer's new password against the rules, with the names of the account before and after."""
    with reading() as session:
        user = queries.photographer(session, user_id)
    if user is None:
        raise errors.NoSuchPhotographer
    check_new(password, staff=True, names=filter(None, (user.username, user.email, *new_names)))


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
        receipts.leave(session, receipts.STAFF, [receipts.subject_of(user)])
        session.delete(user)


def list_photographers() -> Sequence[User]:
    """Return every photographer, by id."""
    with reading() as session:
        return queries.photographers(session)


def add_account(
    session: Session,
    account: NewAccount,
    hashed_password: str | None,
    user_type: str,
    *,
    event_id: int | None = None,
    locale: str = "fr",
    **columns: Any,
) -> User:
    """Add an account to the open transaction and return it; the unique keys decide. `columns` are further ones.

    Raises:
        AccountTaken: the name or the address is in use in that event (or, without one, among the accounts without
            an event). The transaction is then lost.
    """
    user = User(
        username=account.username.strip(),
        username_key=account.username_key,
        email=account.email.strip() if account.email is not None else None,
        email_key=account.email_key,
        hashed_password=hashed_password,
        user_type=user_type,
        event_id=event_id,
        locale=locale,
        **columns,
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
