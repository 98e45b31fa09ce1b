"""Addresses of guests: typed beside a password, and proved by a link that was mailed there."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import errors
from accounts import queries
from keys import comparison_key
from models import User, utcnow


def adopt(session: Session, user: User, address: str) -> None:
    """Make an address that its owner has proved the address of a locked account, in the open transaction.

    Nothing changes if the account has another address, or if another account of its event has this one.

    Raises:
        AccountTaken: at this moment another account got the address. The transaction is then lost.
    """
    key = comparison_key(address)
    if user.email_key == key:
        user.email_confirmed_at = user.email_confirmed_at or utcnow()
        return
    if user.email is not None:
        return
    if queries.taken(session, username_key=None, email_key=key, event_id=user.event_id).email:
        return
    user.email, user.email_key, user.email_confirmed_at = address, key, utcnow()
    user.typed_email = user.typed_email_key = None
    try:
        session.flush()
    except IntegrityError as error:
        raise errors.AccountTaken from error


def note_typed(user: User, address: str) -> None:
    """Store an unconfirmed address. With the password it logs in, until an owner of the address confirms it."""
    if user.email is None:
        user.typed_email, user.typed_email_key = address, comparison_key(address)
