"""Plans which photos are to be processed again, and tells how far that is. The jobs are done by the running service.

One run per event at a time. A run has a job for each photo that the event has when the run begins.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

import errors
from database import reading, transaction
from events import queries as event_queries
from events.service import by_typed_code
from photos.keys import rendition_keys
from photos.reprocessing import queries
from photos.reprocessing.queries import EventReprocessing, FailedPhoto
from stored.erasure import erase


class Planned(NamedTuple):
    """An event whose photos are to be processed again: how many jobs were added, none if a run is under way."""

    event_id: int
    event_name: str
    event_code: str
    photos: int
    is_under_way: bool


def events_to_plan(event_code: str | None) -> Sequence[int]:
    """Return the ids of the events that a command is about: the one with this code, or all that have photos.

    Raises:
        EventNotFound: no event has this code.
    """
    with reading() as session:
        if event_code is None:
            return queries.event_ids(session)
        event = by_typed_code(session, event_code)
        if event is None:
            raise errors.EventNotFound
        return [event.id]


def plan(event_id: int) -> Planned | None:
    """Add a job for every photo of an event, unless a run of it is under way; None if the event is deleted.

    What is known of the last run is deleted.
    """
    with transaction() as session:
        event = event_queries.lock_event(session, event_id)
        if event is None:
            return None
        under_way, number = queries.is_under_way(session, event_id), 0
        if not under_way:
            _erase_unused(session, event_id, of_finished=True)
            queries.delete_jobs(session, event_id, finished=True)
            number = queries.add_jobs(session, event_id)
        return Planned(event.id, event.name, event.event_code, number, under_way)


def cancel(event_id: int) -> int:
    """Delete the jobs of an event that are not done; return how many. Their photos keep what they have.

    A job that is being done records nothing any more.
    """
    with transaction() as session:
        if event_queries.lock_event(session, event_id) is None:
            return 0
        _erase_unused(session, event_id, of_finished=False)
        return queries.delete_jobs(session, event_id, finished=False)


def _erase_unused(session: Session, event_id: int, *, of_finished: bool) -> None:
    """Erase the renditions that attempts have left; an attempt that is under way may write them once more."""
    files = queries.unused_files(session, event_id, of_finished=of_finished)
    keys = [key for each in files for key in rendition_keys(each.event_id, each.filename, each.rendition_set)]
    erase(session, keys, late=keys)


def progress() -> list[EventReprocessing]:
    """Return how far the last run of each event is, newest event first."""
    with reading() as session:
        return queries.progress(session)


def under_way() -> list[EventReprocessing]:
    """Return how far the runs are that are not over, newest event first."""
    return [each for each in progress() if each.left]


def failures(event_id: int, limit: int) -> list[FailedPhoto]:
    """Return the photos of the event that could not be processed again, at most `limit`."""
    with reading() as session:
        return queries.failures(session, event_id, limit)
