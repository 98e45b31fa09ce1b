"""The events a guest belongs to, as pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass

import errors
from guests.joining import joined_by
from models import Event, User


@dataclass(frozen=True, slots=True)
class Membership:
    """An event of a guest, and whether the guest is not matched there: no consent is in force."""

    event: Event
    withdrawn: bool


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
    return [Membership(event, not row.has_consent) for event, row in joined_by(guest.id)]
