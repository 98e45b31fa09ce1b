"""Photos for everyone: every guest of the event sees them, also where guests see only their own photos."""

from collections.abc import Sequence

import errors
from accounts import queries as account_queries
from audit.log import Action, record
from database import transaction
from events import queries as event_queries
from models import ADMIN, User
from photos.rows import queries


def share(staff: User, photo_ids: Sequence[int], *, for_everyone: bool, event_id: int | None = None) -> None:
    """Mark photos of one event for everyone, or take the mark away: all of them or none. Idempotent.

    A photo that is withheld from guests stays withheld.

    Photographers mark any photo of the events they are assigned to, admins those of every event.

    Raises:
        NoSuchPhoto: one of them does not exist; they are not all of one event, or not of `event_id` if that is given;
            or the photographer is not assigned to their event.
    """
    wanted = sorted(set(photo_ids))
    with transaction() as session:
        events = queries.events_of(session, wanted)
        if len(events) != 1 or event_id not in (None, events[0]):
            raise errors.NoSuchPhoto
        # Deletions of an event or its photos lock its row first. The same order here avoids deadlocks.
        event_queries.lock_event(session, events[0])
        if staff.user_type != ADMIN and not account_queries.assigned(session, staff.id, events[0]):
            raise errors.NoSuchPhoto
        found = queries.lock_photos(session, wanted)
        if len(found) != len(wanted):
            raise errors.NoSuchPhoto
        changed = [photo for photo in found if photo.for_everyone != for_everyone]
        for photo in changed:
            photo.for_everyone = for_everyone
        if changed:
            action = Action.PHOTOS_SHARED if for_everyone else Action.PHOTOS_UNSHARED
            record(session, action, event_id=events[0], number=len(changed))
