"""SQL about the links that reset a password."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from models import PasswordReset, User


def valid(session: Session, token_hash: str, now: datetime) -> PasswordReset | None:
    """Return the link with this token, unless it has expired."""
    return session.scalar(
        select(PasswordReset).where(PasswordReset.token_hash == token_hash, PasswordReset.expires_at > now)
    )


def delete_of_account(session: Session, user_id: int) -> None:
    """Delete every link of the account."""
    session.execute(delete(PasswordReset).where(PasswordReset.user_id == user_id))


def delete_expired(session: Session, now: datetime) -> None:
    """Delete the links that can no longer be used."""
    session.execute(delete(PasswordReset).where(PasswordReset.expires_at <= now))


def open_accounts(session: Session, email_key: str, limit: int) -> Sequence[User]:
    """Return at most `limit` open accounts that have the address, with their events, newest first.

    Those whose guest typed it beside a password, unproved, come last: however many there are, an owner is listed.
    """
    return session.scalars(
        select(User)
        .where((User.email_key == email_key) | (User.typed_email_key == email_key), User.is_active)
        .options(joinedload(User.event))
        .order_by(User.email_key.is_(None), User.id.desc())
        .limit(limit)
    ).all()
