"""An event's cover photo."""

import errors
from database import reading, transaction
from events import queries
from events.cover_focus import Focus, focus_on
from models import Photo


def cover_of(event_id: int) -> Photo | None:
    """Return the event's cover photo, if it has one."""
    with reading() as session:
        return queries.cover_photo(session, event_id)


def focus_of(photo: Photo, place: float) -> Focus:
    """Return where to cut a cover for a place whose width is `place` times its height: see `events.cover_focus`."""
    with reading() as session:
        boxes = queries.face_boxes(session, photo.id)
    return focus_on((photo.width, photo.height), boxes, place)


def choose(event_id: int, photo_id: int) -> None:
    """Make one of the event's photos its cover, which every member may see.

    Raises:
        NoSuchEvent: there is no event with this id.
        NoSuchPhoto: the photo is not one of the event's.
    """
    with transaction() as session:
        if queries.lock_event(session, event_id) is None:
            raise errors.NoSuchEvent
        if not queries.has_photos(session, event_id, [photo_id]):
            raise errors.NoSuchPhoto
        queries.set_cover(session, event_id, photo_id)


def clear(event_id: int) -> None:
    """Remove the event's cover. Idempotent.

    Raises:
        NoSuchEvent: there is no event with this id.
    """
    with transaction() as session:
        if queries.lock_event(session, event_id) is None:
            raise errors.NoSuchEvent
        queries.set_cover(session, event_id, None)
