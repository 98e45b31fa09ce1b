"""How far the processing of an event's photos is, for a guest who waits."""

from dataclasses import dataclass
from datetime import datetime

from database import reading
from models import User
from photos import queries
from photos.service import guest_event


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts of an event's photos: uploaded, processed (done or failed), matched with the guest, favourites.

    `for_everyone` counts those that the event shows to all its guests: the ones marked, or all of them.
    """

    photos: int
    processed: int
    matched: int
    favourites: int
    for_everyone: int
    last_photo_at: datetime | None


def standing_for(user: User, event_id: int) -> Standing:
    """Return the progress of one of the guest's events.

    Raises:
        NotInEvent: the guest is not a member of the event.
    """
    with reading() as session:
        event = guest_event(session, user, event_id)
        return Standing(*queries.standing(session, user.id, event))
