"""Delete an event with everything that belongs to it alone."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

import errors
from audit.log import Action, record
from database import after_commit, transaction
from events import codes
from events import queries as event_queries
from guests import queries
from models import User
from photos.keys import keys_being_written, stored_keys
from photos.raws.keys import keys_in
from photos.rows import queries as row_queries
from photos.trash import files as trash_files
from photos.trash import queries as trash_queries
from photos.uploads import service as uploads
from selfies import queries as selfie_queries
from stored import receipts
from stored.erasure import erase


def remove_event(event_id: int) -> None:
    """Delete an event with its photos, faces, matches and the accounts that belong to it alone.

    A guest who has joined further events keeps the account, and the selfies if a consent is in force in one of them.
    Its home event becomes the first of those in which no other account has the same name or address, else none.

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
        looked_for_here = queries.lock_looked_for_only_in(session, event_id)
        photos = row_queries.files_in(session, event_id)
        keys = [*stored_keys(photos), *queries.selfie_keys_of_home(session, event_id)]
        keys += keys_in(session, event_id)
        keys += [event.key_id] if event.key_id else []
        keys += [key for user_id in looked_for_here for key in selfie_queries.all_keys(session, user_id)]
        keys += [key for each in trash_queries.in_event(session, event_id) for key in trash_files.keys_of(each)]
        uploads.discard_of_event(session, event_id)
        record(session, Action.EVENT_DELETED, event_id=event_id, photos=len(photos))
        receipts.leave(session, receipts.EVENT, [receipts.subject_of(event)], photos=len(photos))
        event_queries.remove(session, event_id)
        for user_id in looked_for_here:
            selfie_queries.remove_all(session, user_id)
        event_queries.raise_change_mark(session)
        # First, because erasing the files takes a while.
        after_commit(session, lambda: codes.invalidate())
        erase(session, keys, late=keys_being_written(photos))


def _free_home(session: Session, user: User, homes: Sequence[int]) -> int | None:
    for home in (*homes, None):
        if not queries.has_namesake(session, user, home):
            return home
    raise errors.AccountsWouldCollide
