"""What deleting an event would erase, shown before the deletion is confirmed."""

from dataclasses import dataclass

from database import reading
from events import queries
from events.progress import progress_of


@dataclass(frozen=True, slots=True)
class Losses:
    """Counts of what deleting an event erases; `bytes` is the size of the photos' originals.

    `guests_kept`: guests who joined further events and so keep their accounts and selfies.
    """

    photos: int
    bytes: int
    faces: int
    matches: int
    accounts: int
    selfies: int
    guests_kept: int


def losses_of(event_id: int) -> Losses:
    """Return the counts of what deleting the event would erase now."""
    counts = progress_of(event_id)
    with reading() as session:
        accounts, selfies = queries.only_here(session, event_id)
    return Losses(
        photos=counts.received,
        bytes=counts.bytes,
        faces=counts.faces,
        matches=counts.matches,
        accounts=accounts,
        selfies=selfies,
        guests_kept=counts.guests - accounts,
    )
