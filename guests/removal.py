"""Delete an event with everything that belongs to it alone."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

import errors
import storage
from database import transaction
from events import codes
from events import queries as event_queries
from guests import queries
from models import User
from photos.keys import stored_keys


def remove_event(event_id: int) -> None:
    """Delete an event with its photos, faces, matches and the accounts that belong to it alone.

    A guest who has joined further events keeps the account. Its home event becomes the first of those in which no
    other account has the same name or address, else none.

    Raises:
        NoSuchEvent: there is no event with this id.
        AccountsWouldCollide: an account's name is in use in each of its other events and among accounts without one.
    """
    with transaction() as session:
        event = event_queries.lock_event(session, event_id)
        if event is None:
            raise errors.NoSuchEvent
        for user in queries.lock_guests_of(session, event_id):
            homes = queries.other_homes(session, user.id, event_id)
            if homes:
                user.event_id = _free_home(session, user, homes)
                session.flush()
        keys = [key for name in queries.photo_filenames(session, event_id) for key in stored_keys(event_id, name)]
        keys += queries.selfie_keys_of_home(session, event_id)
        event_queries.remove(session, event_id)
        event_queries.raise_change_mark(session)
    codes.invalidate(event.code_key)
    storage.delete(keys)


def _free_home(session: Session, user: User, homes: Sequence[int]) -> int | None:
    for home in (*homes, None):
        if not queries.has_namesake(session, user, home):
            return home
    raise errors.AccountsWouldCollide
