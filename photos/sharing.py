"""Photos for everyone: photos that every guest of their event sees, also where guests see only their own."""

from collections import Counter
from collections.abc import Sequence

import errors
from accounts import queries as account_queries
from audit.log import Action, record
from database import transaction
from events import queries as event_queries
from models import ADMIN, User
from photos.rows import queries


def share(staff: User, photo_ids: Sequence[int], *, for_everyone: bool, event_id: int | None = None) -> None:
    """Mark photos for everyone, or take the mark away: all of them or none. Idempotent.

    Photographers mark any photo of the events they are assigned to, admins those of every event.

    Raises:
        NoSuchPhoto: one of them does not exist, is not of the event `event_id` if that is given, or is of an event
            to which the photographer is not assigned.
    """
    wanted = sorted(set(photo_ids))
    with transaction() as session:
        events = queries.events_of(session, wanted)
        if event_id is not None and set(events) != {event_id}:
            raise errors.NoSuchPhoto
        # Deletions of an event or its photos lock its row first. The same order here avoids deadlocks.
        for each in events:
            event_queries.lock_event(session, each)
            if staff.user_type != ADMIN and not account_queries.assigned(session, staff.id, each):
                raise errors.NoSuchPhoto
        found = queries.lock_photos(session, wanted)
        if len(found) != len(wanted):
            raise errors.NoSuchPhoto
        changed = [photo for photo in found if photo.for_everyone != for_everyone]
        for photo in changed:
            photo.for_everyone = for_everyone
        action = Action.PHOTOS_SHARED if for_everyone else Action.PHOTOS_UNSHARED
        for each, number in Counter(photo.event_id for photo in changed).items():
            record(session, action, event_id=each, number=number)
