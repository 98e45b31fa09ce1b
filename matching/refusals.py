"""\"That is not me\": a guest takes a match away for good, or takes that back.

Both hold the event's row, as everybody does who writes matches there. So a matching under way ends before, and the
next one sees the refusal: nothing brings the match back.
"""

from sqlalchemy.orm import Session

import errors
from database import reading, transaction
from events import queries as event_queries
from matching import queries
from matching.guest_matches import match_again
from models import Event


def refuse(user_id: int, photo_id: int) -> None:
    """Delete the guest's match with a photo, record the refusal, and match the guest again at once. Idempotent.

    Raises:
        NoSuchMatch: the photo is not matched with the guest.
    """
    with reading() as session:
        if not queries.is_judged(session, user_id, photo_id):
            raise errors.NoSuchMatch
    with transaction() as session:
        event = _lock_event(session, photo_id)
        if event is None:
            raise errors.NoSuchMatch
        if queries.refusal(session, user_id, photo_id) is not None:
            return
        if not queries.delete_match(session, user_id, photo_id):
            raise errors.NoSuchMatch
        queries.add_refusal(session, user_id, photo_id)
        # What was found only because of that photo goes too.
        match_again(session, event, user_id)


def take_back(user_id: int, photo_id: int) -> None:
    """Forget that the guest refused a photo, and match the guest again at once.

    Raises:
        NoSuchRefusal: the guest did not refuse it.
    """
    with reading() as session:
        if queries.refusal(session, user_id, photo_id) is None:
            raise errors.NoSuchRefusal
    with transaction() as session:
        event = _lock_event(session, photo_id)
        refusal = queries.refusal(session, user_id, photo_id)
        if event is None or refusal is None:
            raise errors.NoSuchRefusal
        session.delete(refusal)
        session.flush()
        match_again(session, event, user_id)


def _lock_event(session: Session, photo_id: int) -> Event | None:
    photo = queries.known_photo(session, photo_id)
    return event_queries.lock_event(session, photo.event_id) if photo is not None else None
