"""Confirm an address by a link that was mailed to it. Nothing requires a confirmed address."""

from datetime import timedelta

import errors
from accounts import queries
from database import transaction
from keys import MAX_ID
from models import User, utcnow
from settings import get_settings
from signing import same, signature

LIFETIME = timedelta(days=7)


def link_for(user: User) -> str:
    """Return the link that confirms the account's present address, valid for seven days."""
    expires = int((utcnow() + LIFETIME).timestamp())
    return f"{get_settings().address}/confirm#{user.id}.{expires}.{_signature(user.id, user.email_key, expires)}"


def confirm(typed_token: str) -> None:
    """Record that the address is confirmed. Idempotent; `typed_token` is the token, or the whole link.

    Raises:
        ConfirmationLinkInvalid: forged or expired, the address has changed since, or the account is gone or closed.
    """
    user_id, expires, given = _parts(typed_token.rpartition("#")[2].strip())
    with transaction() as session:
        user = queries.lock_user(session, user_id)
        if user is None or user.email is None or not user.is_active or expires < utcnow().timestamp():
            raise errors.ConfirmationLinkInvalid
        if not same(_signature(user.id, user.email_key, expires), given):
            raise errors.ConfirmationLinkInvalid
        user.email_confirmed_at = user.email_confirmed_at or utcnow()


def _parts(token: str) -> tuple[int, int, str]:
    numbers = token.split(".")
    if len(numbers) != 3 or not all(each.isascii() and each.isdigit() and len(each) < 20 for each in numbers[:2]):
        raise errors.ConfirmationLinkInvalid
    user_id, expires = int(numbers[0]), int(numbers[1])
    if user_id > MAX_ID:
        raise errors.ConfirmationLinkInvalid
    return user_id, expires, numbers[2]


def _signature(user_id: int, email_key: str | None, expires: int) -> str:
    return signature(b"confirm address", f"{user_id}.{expires}.{email_key}")
