"""How far an event's photos are, for a guest who waits."""

from dataclasses import dataclass
from datetime import datetime

from database import reading
from models import User
from photos import queries
from photos.service import guest_event


@dataclass(frozen=True, slots=True)
class Standing:
    """An event's photos: how many came, are through, show the guest, are favourites; and when the last one came."""

    photos: int
    processed: int
    matched: int
    favourites: int
    last_photo_at: datetime | None


def standing_for(user: User, event_id: int) -> Standing:
    """Return how far the photos of one of the guest's events are.

    Raises:
        NotInEvent: not one of the guest's events.
    """
    with reading() as session:
        event = guest_event(session, user, event_id)
        return Standing(*queries.standing(session, user.id, event.id))
