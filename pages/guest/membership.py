"""The events a guest belongs to, as pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import errors
from guests.joining import joined_by
from guests.selfie_consents import ends_at
from models import Event, User


@dataclass(frozen=True, slots=True)
class Membership:
    """An event of a guest, and whether the guest is not matched there: no consent suffices.

    `asks_words`: because it rests on a selfie, and words are asked for now. What was found before is still there,
    until `ends_at` if that was announced.
    """

    event: Event
    withdrawn: bool
    asks_words: bool = False
    ends_at: datetime | None = None


def membership_in(joined: Sequence[Membership], event_id: int) -> Membership:
    """Return the membership of this event.

    Raises:
        NotInEvent: there is none.
    """
    for each in joined:
        if each.event.id == event_id:
            return each
    raise errors.NotInEvent


def memberships_of(guest: User) -> Sequence[Membership]:
    """Return the guest's events, oldest membership first."""
    return [
        Membership(event, False) if row.has_consent else Membership(event, True, *ends_at(guest.id, event.id))
        for event, row in joined_by(guest.id)
    ]
