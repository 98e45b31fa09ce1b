"""The progress of an event's photos and guests, for photographers and admins."""

from dataclasses import dataclass

from database import reading
from events import queries
from models import DONE, FAILED, PENDING, PROCESSING, utcnow


@dataclass(frozen=True, slots=True)
class EventProgress:
    """Counts of one event; `bytes` is the size of the originals, the age that of the oldest unfinished photo.

    `incomplete` photos are shown although a part of them is missing or damaged.
    """

    received: int
    pending: int
    processing: int
    done: int
    failed: int
    incomplete: int
    faces: int
    guests: int
    guests_with_selfie: int
    guests_matched: int
    matches: int
    bytes: int
    oldest_pending_seconds: float | None


def progress_of(event_id: int) -> EventProgress:
    """Return the counts of one event; each statement reads only this event's rows, by index."""
    with reading() as session:
        states = queries.photo_states(session, event_id)
        incomplete, faces, matches, oldest, raws = queries.photo_counts(session, event_id)
        guests, with_selfie, matched = queries.guest_counts(session, event_id)
    number = {row.status: row.photos for row in states}
    return EventProgress(
        received=sum(number.values()),
        pending=number.get(PENDING, 0),
        processing=number.get(PROCESSING, 0),
        done=number.get(DONE, 0),
        failed=number.get(FAILED, 0),
        incomplete=int(incomplete),
        faces=faces,
        guests=guests,
        guests_with_selfie=with_selfie,
        guests_matched=matched,
        matches=int(matches),
        bytes=sum(int(row.bytes) for row in states) + int(raws or 0),
        oldest_pending_seconds=round((utcnow() - oldest).total_seconds(), 3) if oldest else None,
    )
