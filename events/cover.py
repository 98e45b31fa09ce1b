"""The photo that stands for an event."""

import errors
from database import transaction
from events import queries


def choose(event_id: int, photo_id: int) -> None:
    """Let one of the event's photos stand for it; every member may see it then.

    Raises:
        NoSuchEvent: there is none. NoSuchPhoto: the event has no such photo.
    """
    with transaction() as session:
        if queries.lock_event(session, event_id) is None:
            raise errors.NoSuchEvent
        if not queries.has_photo(session, event_id, photo_id):
            raise errors.NoSuchPhoto
        queries.set_cover(session, event_id, photo_id)


def clear(event_id: int) -> None:
    """Let no photo stand for the event; again, it changes nothing.

    Raises:
        NoSuchEvent: there is none.
    """
    with transaction() as session:
        if queries.lock_event(session, event_id) is None:
            raise errors.NoSuchEvent
        queries.set_cover(session, event_id, None)
