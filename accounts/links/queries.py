"""SQL about the links that log a guest in, and about addresses that their owners have proved."""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from models import LoginLink

# No account has this version: the link was replaced or revoked.
ENDED = -1


def link(session: Session, token_hash: str) -> LoginLink | None:
    """Return the link with this token, used or expired ones too, as it is in the database now."""
    wanted = select(LoginLink).where(LoginLink.token_hash == token_hash)
    return session.scalar(wanted.execution_options(populate_existing=True))


def has_link(session: Session, user_id: int, purpose: str) -> bool:
    """Tell whether the account has a link of this kind that was not ended, expired or not."""
    wanted = exists().where(*_of(user_id, purpose), LoginLink.token_version != ENDED)
    return bool(session.scalar(select(wanted)))


def end_links(session: Session, user_id: int, purpose: str) -> None:
    """End the account's links of this kind. Their rows stay, so that who opens one is told why."""
    session.execute(update(LoginLink).where(*_of(user_id, purpose)).values(token_version=ENDED))


def _of(user_id: int, purpose: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return LoginLink.user_id == user_id, LoginLink.purpose == purpose


def delete_old(session: Session, before: datetime, but: str) -> None:
    """Delete the links of all accounts that expired before a time; of the kind `but` only those that were ended."""
    goes = or_(LoginLink.purpose != but, LoginLink.token_version == ENDED)
    session.execute(delete(LoginLink).where(LoginLink.expires_at < before, goes))
