"""SQL about the links that log a guest in, and about addresses that their owners have proved."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from models import LoginLink, User

# No account has this version: the link was replaced or revoked.
ENDED = -1


def link(session: Session, token_hash: str) -> LoginLink | None:
    """Return the link with this token, used or expired ones too, as it is in the database now."""
    wanted = select(LoginLink).where(LoginLink.token_hash == token_hash)
    return session.scalar(wanted.execution_options(populate_existing=True))


def links(session: Session, token_hashes: Sequence[str]) -> dict[str, LoginLink]:
    """Return the links with these tokens, by the hash, used or expired ones too, as they are in the database now."""
    wanted = select(LoginLink).where(LoginLink.token_hash.in_(token_hashes))
    found = session.scalars(wanted.execution_options(populate_existing=True))
    return {each.token_hash: each for each in found}


def has_link(session: Session, user_id: int, purpose: str) -> bool:
    """Tell whether the account has a link of this kind that was not ended, expired or not."""
    alive = exists().where(
        LoginLink.user_id == user_id,
        LoginLink.purpose == purpose,
        User.id == LoginLink.user_id,
        LoginLink.token_version == User.token_version,
    )
    return bool(session.scalar(select(alive)))


def newest_at(session: Session, user_id: int, purpose: str) -> datetime | None:
    """Return when the account's newest link of this kind was made; used, ended and expired ones count too."""
    made = select(func.max(LoginLink.created_at)).where(LoginLink.user_id == user_id, LoginLink.purpose == purpose)
    return session.scalar(made)


def end_links(session: Session, user_id: int, purpose: str | None = None) -> None:
    """End the account's links, only those of one kind if it is given. The rows stay: they tell why."""
    wanted = update(LoginLink).where(LoginLink.user_id == user_id)
    if purpose is not None:
        wanted = wanted.where(LoginLink.purpose == purpose)
    session.execute(wanted.values(token_version=ENDED))


def delete_old(session: Session, before: datetime, but: str) -> None:
    """Delete the links of all accounts that expired before a time; of the kind `but` only those that were ended."""
    goes = or_(LoginLink.purpose != but, LoginLink.token_version == ENDED)
    session.execute(delete(LoginLink).where(LoginLink.expires_at < before, goes))
