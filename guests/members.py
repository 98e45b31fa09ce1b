"""An event's guest list, for admins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import errors
from accounts import queries as account_queries
from database import reading
from events import queries as event_queries
from events.consents import queries as consent_queries
from guests import queries
from guests.queries import MemberRow
from keys import comparison_key, row_id, storable
from models import Consent, User, UserSession, utcnow
from selfies import queries as selfie_queries

SESSIONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Member:
    """A guest of an event. `has_selfie`: one that was not rejected. `selfie_status`: of the newest selfie.

    `matched`: the number of the event's photos that show the guest. `name`: the one to show, None without one.
    `is_child`: a child's profile, managed by another guest and without a login.
    """

    id: int
    username: str
    name: str | None
    email: str | None
    user_type: str
    created_at: datetime
    joined_at: datetime
    has_selfie: bool
    selfie_status: str | None
    matched: int
    is_child: bool


@dataclass(frozen=True, slots=True)
class Details:
    """What an admin sees of one guest of an event. `selfie_id` is that of an accepted portrait, or None."""

    guest: User
    joined_at: datetime
    selfie_id: int | None
    portraits: int
    matched: int
    consents: Sequence[Consent]
    sessions: Sequence[UserSession]


@dataclass(frozen=True, slots=True)
class GuestList:
    """One page of guests, the number of all guests, and the cursor of the next page."""

    members: Sequence[Member]
    total: int
    next_cursor: str | None


def members_of(event_id: int, typed: str, limit: int | None, cursor: str | None) -> GuestList:
    """Return one page of the event's guests, those who joined last first.

    With `typed`, only those whose name or address begins with it.

    Raises:
        NoSuchEvent: there is no event with this id.
        InvalidCursor: the cursor is malformed.
    """
    after = row_id(cursor) if cursor else None
    if cursor and after is None:
        raise errors.InvalidCursor
    prefix = comparison_key(typed)
    with reading() as session:
        if not event_queries.event_exists(session, event_id):
            raise errors.NoSuchEvent
        if not storable(prefix):
            return GuestList([], 0, None)
        rows = queries.members(session, event_id, prefix, limit, after)
        total = queries.count_members(session, event_id, prefix)
    full = limit is not None and len(rows) == limit
    next_cursor = str(rows[-1].membership_id) if full and rows else None
    return GuestList([_member(row) for row in rows], total, next_cursor)


def details_of(user_id: int, event_id: int) -> Details:
    """Return what an admin sees of a guest of the event.

    Raises:
        NoSuchUser: no guest of the event has this id.
    """
    with reading() as session:
        row = queries.member(session, event_id, user_id)
        guest = account_queries.user(session, user_id)
        if row is None or guest is None:
            raise errors.NoSuchUser
        accepted = selfie_queries.accepted(session, user_id)
        return Details(
            guest=guest,
            joined_at=row.joined_at,
            selfie_id=accepted.id if accepted else None,
            portraits=queries.count_portraits(session, user_id),
            matched=row.matched,
            consents=[each for each, _ in consent_queries.all_of(session, user_id) if each.event_id == event_id],
            sessions=account_queries.live_sessions(session, user_id, utcnow(), SESSIONS_SHOWN),
        )


def _member(row: MemberRow) -> Member:
    fields = row._asdict()
    del fields["membership_id"]
    made_up, typed = fields.pop("has_made_up_username"), fields.pop("display_name")
    fields["name"] = typed if made_up else row.username
    return Member(id=fields.pop("user_id"), **fields)
