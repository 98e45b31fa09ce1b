"""Another password for an account that exists."""

import unicodedata

import errors
from accounts import addresses, queries, sessions
from accounts.password_rules import check_new
from accounts.passwords import hash_password, verify_password
from audit.log import Action, record
from database import reading, transaction
from models import GUEST, User


def change_own(user: User, current: str, new: str) -> None:
    """Change the password of the calling account; its other sessions end, that of the request goes on.

    Raises:
        BadCredentials: `current` is wrong. RefusedPassword: `new` breaks a rule.
        PasswordUnchanged: `new` is the password until now.
        InvalidToken: meanwhile the account was deleted or its sessions ended.
    """
    if not verify_password(current, user.hashed_password):
        raise errors.BadCredentials
    if unicodedata.normalize("NFKC", new) == unicodedata.normalize("NFKC", current):
        raise errors.PasswordUnchanged
    _store(user, new, keep=user.session_id)


def set_first(user_id: int, new: str, address: str | None = None) -> None:
    """Give a guest without a password one, and note the address typed beside it. Sessions and links go on.

    Raises:
        RefusedPassword: `new` breaks a rule. PasswordUnchanged: there is one by now.
        InvalidToken: meanwhile the account was deleted.
    """
    check_new(new, staff=False)
    hashed = hash_password(new)
    with transaction() as session:
        found = queries.lock_user(session, user_id)
        if found is None or found.user_type != GUEST:
            raise errors.InvalidToken
        if found.hashed_password is not None:
            raise errors.PasswordUnchanged
        found.hashed_password = hashed
        if address is not None:
            addresses.note_typed(found, address)
        record(session, Action.PASSWORD_CHANGED, subject_id=user_id)


def set_new(user_id: int, new: str) -> None:
    """Give an account a new password without the old one; all its sessions end.

    Raises:
        NoSuchUser: there is no such account. RefusedPassword: `new` breaks a rule.
        InvalidToken: meanwhile the account was deleted or its sessions ended.
    """
    with reading() as session:
        user = queries.user(session, user_id)
    if user is None:
        raise errors.NoSuchUser
    _store(user, new, keep=None)


def _store(user: User, new: str, *, keep: str | None) -> None:
    check_new(new, staff=user.user_type != GUEST, names=filter(None, (user.username, user.email)))
    hashed = hash_password(new)
    with transaction() as session:
        found = queries.lock_user(session, user.id)
        if found is None or found.token_version != user.token_version:
            raise errors.InvalidToken
        found.hashed_password = hashed
        record(session, Action.PASSWORD_CHANGED, subject_id=user.id)
        sessions.end_in(session, found, but=keep)
