"""The link in each mail by which its reader is told no more, without a login."""

import errors
from database import transaction
from keys import MAX_ID
from notifications import queries
from notifications.queries import MAIL
from settings import get_settings
from signing import same, signature


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
    numbers, given = token.rsplit(".", 1)[0].split("."), token.rpartition(".")[2]
    if len(numbers) != 2 or not all(each.isascii() and each.isdigit() and len(each) < 20 for each in numbers):
        raise errors.UnsubscribeLinkInvalid
    user_id, event_id = (int(each) for each in numbers)
    if max(user_id, event_id) > MAX_ID or not same(_signature(user_id, event_id), given):
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
