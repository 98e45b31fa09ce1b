"""Reset a password by a link that is valid once, for 30 minutes."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

import errors
from accounts import addresses, queries, sessions
from accounts.password_rules import check_new
from accounts.passwords import hash_password
from accounts.resets import queries as reset_queries
from audit.log import Action, record
from database import reading, transaction
from keys import comparison_key
from models import ADMIN, GUEST, PasswordReset, User, utcnow
from settings import get_settings

LIFETIME = timedelta(minutes=30)
# 256 bits.
TOKEN_BYTES = 32
# Accounts of one address that a mail lists: one for each event the person registered at.
MAX_ACCOUNTS = 50


@dataclass(frozen=True, slots=True)
class ResetLink:
    """A link that sets a new password; its token is nowhere else."""

    url: str
    expires_at: datetime


def issue(session: Session, user: User, *, by_mail: bool) -> ResetLink:
    """Add a link for the account to the open transaction and return it."""
    now, token = utcnow(), secrets.token_urlsafe(TOKEN_BYTES)
    reset_queries.delete_expired(session, now)
    row = PasswordReset(
        user_id=user.id,
        token_hash=_token_hash(token),
        account_mark=_account_mark(user),
        by_mail=by_mail,
        expires_at=now + LIFETIME,
    )
    session.add(row)
    # After "#": browsers send this part to no server, so it is in no log and no Referer.
    return ResetLink(f"{get_settings().address}/reset#{token}", row.expires_at)


def issue_for_admin(user_id: int) -> ResetLink:
    """Make a link that an admin hands to a guest or a photographer.

    Raises:
        NoSuchUser: there is no account with this id.
        NoLinkForAdmins: the account is an admin's.
        AccountClosed: the account is closed.
    """
    with transaction() as session:
        user = queries.lock_user(session, user_id)
        # A child's account has no login: its guardian manages the profile.
        if user is None or user.guardian_id is not None:
            raise errors.NoSuchUser
        if user.user_type == ADMIN:
            raise errors.NoLinkForAdmins
        if not user.is_active:
            raise errors.AccountClosed
        record(session, Action.RESET_LINK_MADE, subject_id=user_id)
        return issue(session, user, by_mail=False)


def set_password(typed_token: str, password: str) -> None:
    """Set a new password by a link; ends every session of the account and every other link.

    `typed_token` is the token, or the whole link.

    Raises:
        ResetLinkInvalid: the link was used, has expired, or is no link of ours; the account is closed, or
            since the link was made it was closed for a time, its password or address changed, or its sessions ended.
        RefusedPassword: the password breaks a rule for this account.
    """
    token_hash = _token_hash(typed_token.rpartition("#")[2].strip())
    with reading() as session:
        link = reset_queries.valid(session, token_hash, utcnow())
        user = _owner(link, queries.user(session, link.user_id) if link else None)
    check_new(password, staff=user.user_type != GUEST, names=filter(None, (user.username, user.email)))
    hashed = hash_password(password)
    with transaction() as session:
        # The account first: two links of one account that are used at once must not wait for each other.
        locked = queries.lock_user(session, user.id)
        link = reset_queries.valid(session, token_hash, utcnow())
        owner = _owner(link, locked)
        owner.hashed_password = hashed
        record(session, Action.PASSWORD_CHANGED, subject_id=owner.id, actor=(owner.id, owner.user_type))
        if link is not None and link.by_mail and address_of(owner):
            addresses.adopt(session, owner, address_of(owner))
        sessions.end_in(session, owner)
        reset_queries.delete_of_account(session, owner.id)


def accounts_of(session: Session, address: str) -> list[list[User]]:
    """Return the open accounts that have the address, one list for each mailbox.

    Addresses are compared folded, but mailboxes are not: `ａ@example.org` and `a@example.org` have one key, and may
    belong to two people. Only spellings that differ in the case of ASCII letters count as one mailbox. A mail to a
    mailbox lists only the accounts that gave exactly this address: no person gets a link to another person's account.
    """
    mailboxes: dict[str, list[User]] = {}
    for user in _staff_first(reset_queries.open_accounts(session, comparison_key(address), MAX_ACCOUNTS)):
        mailboxes.setdefault(_mailbox(address_of(user)), []).append(user)
    return list(mailboxes.values())


def accounts_beside(session: Session, user: User) -> list[User]:
    """Return the open accounts that have the same mailbox as `user`, staff first, then the newest."""
    return accounts_at(session, address_of(user))


def accounts_at(session: Session, address: str) -> list[User]:
    """Return the open accounts that have this mailbox, staff first, then those that own the address, newest first."""
    same = (each for each in accounts_of(session, address) if _mailbox(address_of(each[0])) == _mailbox(address))
    return next(same, [])


def address_of(user: User) -> str:
    """Return the address to which mails for the account go, proved or not; an empty text without one."""
    return user.email or user.typed_email or ""


def _owner(link: PasswordReset | None, user: User | None) -> User:
    if link is None or user is None or not user.is_active or link.account_mark != _account_mark(user):
        raise errors.ResetLinkInvalid
    return user


def _staff_first(users: Sequence[User]) -> list[User]:
    return sorted(users, key=lambda user: user.user_type == GUEST)


def _mailbox(address: str) -> str:
    return address.lower() if address.isascii() else address


def _token_hash(token: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _account_mark(user: User) -> str:
    # Closing an account and ending its sessions increment the version: earlier links end, also after reopening.
    marked = f"{user.hashed_password}\n{user.email_key or user.typed_email_key}\n{user.token_version}"
    return hashlib.sha256(marked.encode()).hexdigest()
