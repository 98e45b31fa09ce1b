"""An event's guest list, for admins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import errors
from database import reading
from events import queries
from keys import MAX_ID, comparison_key, storable


@dataclass(frozen=True, slots=True)
class Member:
    """A guest of an event; `selfie_status` is that of the newest selfie, `matched` counts photos of this event."""

    id: int
    username: str
    email: str
    joined_at: datetime
    has_selfie: bool
    selfie_status: str | None
    matched: int


@dataclass(frozen=True, slots=True)
class GuestList:
    """One page of guests, how many there are in all, and where the next page starts."""

    members: Sequence[Member]
    total: int
    next_cursor: str | None


def members_of(event_id: int, typed: str, limit: int | None, cursor: str | None) -> GuestList:
    """Return the event's guests, who joined last first; with `typed`, those whose name or address begins so.

    Raises:
        NoSuchEvent: there is none. InvalidCursor: the cursor is not one of ours.
    """
    after = _membership_id(cursor) if cursor else None
    prefix = comparison_key(typed)
    with reading() as session:
        if not queries.is_there(session, event_id):
            raise errors.NoSuchEvent
        if not storable(prefix):
            return GuestList([], 0, None)
        rows = queries.members(session, event_id, prefix, limit, after)
        total = queries.count_members(session, event_id, prefix)
    full = limit is not None and len(rows) == limit
    return GuestList([Member(*row[1:]) for row in rows], total, str(rows[-1][0]) if full and rows else None)


def _membership_id(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > len(str(MAX_ID)) or int(cursor) > MAX_ID:
        raise errors.InvalidCursor
    return int(cursor)
