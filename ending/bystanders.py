"""Erases the templates of faces that are no guest's, where an event lets them go before those of the guests.

Like the other ends: in small transactions, each of which locks the event's row and looks again at what is due, so
that a crash, another process or a setting changed meanwhile does no harm. Nothing is announced: no guest loses a
photo, and guests who come later are found all the same (`matching/redetecting/`).
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from database import reading, transaction
from ending import queries as end_queries
from ending import receipts
from events import queries as event_queries
from events.bystanders import due_before
from matching import queries as matching_queries
from matching.bystanders import queries
from matching.bystanders.queries import PlacedFace
from matching.bystanders.service import at_places
from models import NEVER, Event

log = logging.getLogger("reperio.jobs")
# Faces looked at in one transaction: others that lock the event wait for it.
AT_ONCE = 500
BYSTANDERS = "bystanders"


def sweep(now: datetime, *, only_never: bool = False) -> None:
    """Erase the templates of faces that are no guest's and due in any event.

    With `only_never`, in events that never store them: there a face is a stranger's once its guest has gone.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    with reading() as session:
        events = [each for each in queries.events_with_end(session) if each.bystanders == NEVER or not only_never]
        event_ids = [event.id for event in events if _is_anything_due(session, event, now)]
    for event_id in event_ids:
        after: int | None = 0
        while after is not None:
            after = erase_some(event_id, now, after)


def _is_anything_due(session: Session, event: Event, now: datetime) -> bool:
    due = due_before(event, now)
    if due is None:
        return False
    return bool(queries.faces_of_strangers(session, event.id, due, 1)) or queries.has_evaluated(session, event.id)


def erase_some(event_id: int, now: datetime, after: int = 0) -> int | None:
    """Erase a part of what is due in an event; return the id after which to go on, None at the end."""
    with transaction() as session:
        event = event_queries.lock_event(session, event_id)
        due = due_before(event, now) if event is not None else None
        if event is None or due is None:
            return None
        found = queries.faces_of_strangers(session, event.id, due, AT_ONCE, after)
        gone = without_twins(session, found)
        # Another engine's templates of everybody in a photo, from before they were due.
        queries.delete_evaluated(session, event.id)
        if gone:
            _erase(session, event, gone, now)
        if len(found) == AT_ONCE:
            return found[-1].id
        end_queries.end_receipts(session, BYSTANDERS, event.id, now)
        return None


def without_twins(session: Session, found: Sequence[PlacedFace]) -> list[PlacedFace]:
    """Return those of the faces that are at no place where a guest's face by another engine is.

    While an event changes engines, guests are matched by the one, and their faces by the other are theirs too.
    """
    guests = defaultdict[int, list[PlacedFace]](list)
    for each in queries.guests_faces(session, {face.photo_id for face in found}):
        guests[each.photo_id].append(each)
    return [
        face
        for face in found
        if not at_places([face.box], [each.box for each in guests[face.photo_id] if each.engine_id != face.engine_id])
    ]


def _erase(session: Session, event: Event, gone: Sequence[PlacedFace], now: datetime) -> None:
    queries.delete_faces(session, [each.id for each in gone])
    for (photo_id, engine_id), number in sorted(Counter((each.photo_id, each.engine_id) for each in gone).items()):
        queries.add_to_number(session, event.id, photo_id, engine_id, number)
    # Every process drops them from its memory.
    matching_queries.increment_version(session, event.id)
    receipts.add(session, BYSTANDERS, event.id, now, {"faces": len(gone)})
    session.flush()
    log.info("event %d: %d faces that are no guest's have been erased", event.id, len(gone))
