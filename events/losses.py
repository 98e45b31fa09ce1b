"""What disappears with an event, told before it is deleted."""

from dataclasses import dataclass

from database import reading
from events import queries
from events.progress import progress_of


@dataclass(frozen=True, slots=True)
class Losses:
    """What deleting an event erases, in numbers; `bytes` is the size of the photos' originals.

    `guests_kept` are those who joined further events: their accounts and selfies stay.
    """

    photos: int
    bytes: int
    faces: int
    matches: int
    accounts: int
    selfies: int
    guests_kept: int


def losses_of(event_id: int) -> Losses:
    """Count what deleting the event would erase now."""
    counts = progress_of(event_id)
    with reading() as session:
        accounts, selfies = queries.bound_to(session, event_id)
    return Losses(
        photos=counts.received,
        bytes=counts.bytes,
        faces=counts.faces,
        matches=counts.matches,
        accounts=accounts,
        selfies=selfies,
        guests_kept=counts.guests - accounts,
    )
