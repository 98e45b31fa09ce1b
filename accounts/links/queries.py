"""SQL about the links that log a guest in, and about addresses that their owners have proved."""

from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from models import LoginLink


def link(session: Session, token_hash: str) -> LoginLink | None:
    """Return the link with this token, used or expired ones too, as it is in the database now."""
    wanted = select(LoginLink).where(LoginLink.token_hash == token_hash)
    return session.scalar(wanted.execution_options(populate_existing=True))


def has_link(session: Session, user_id: int, purpose: str) -> bool:
    """Tell whether the account has a link of this kind, expired or not."""
    return bool(session.scalar(select(exists().where(LoginLink.user_id == user_id, LoginLink.purpose == purpose))))


def delete_links(session: Session, user_id: int, purpose: str) -> None:
    """Delete the account's links of this kind."""
    session.execute(delete(LoginLink).where(LoginLink.user_id == user_id, LoginLink.purpose == purpose))


def delete_old(session: Session, before: datetime, but: str) -> None:
    """Delete the links of all accounts that expired before a time, except those of the kind `but`."""
    session.execute(delete(LoginLink).where(LoginLink.expires_at < before, LoginLink.purpose != but))
