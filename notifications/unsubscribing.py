"""The link in each mail by which its reader is told no more, without a login."""

import re

import errors
from database import transaction
from keys import MAX_ID
from notifications import queries
from notifications.queries import MAIL
from settings import get_settings
from signing import same, signature

# The guest, the event, and the signature.
TOKEN = re.compile(r"(\d{1,19})\.(\d{1,19})\.([\w-]+)", re.ASCII)


def link_for(user_id: int, event_id: int) -> str:
    """Return the link that ends the mails of an event to a guest.

    Mail programs call it (RFC 8058), so its token is in the path, where logs see it; it can do nothing else.
    """
    return f"{get_settings().address}/unsubscribe/{user_id}.{event_id}.{_signature(user_id, event_id)}"


def check(token: str) -> tuple[int, int]:
    """Return the guest and the event of a link.

    Raises:
        UnsubscribeLinkInvalid: the link is forged or cut off.
    """
    found = TOKEN.fullmatch(token)
    if found is None:
        raise errors.UnsubscribeLinkInvalid
    user_id, event_id = int(found[1]), int(found[2])
    if max(user_id, event_id) > MAX_ID or not same(_signature(user_id, event_id), found[3]):
        raise errors.UnsubscribeLinkInvalid
    return user_id, event_id


def unsubscribe(token: str) -> None:
    """End the mails of an event to a guest. Idempotent.

    Raises:
        UnsubscribeLinkInvalid: the link is forged or cut off.
    """
    user_id, event_id = check(token)
    with transaction() as session:
        queries.delete_of(session, user_id, event_id, MAIL)


def _signature(user_id: int, event_id: int) -> str:
    return signature(b"unsubscribe", f"{user_id}.{event_id}")
