"""Searches photos again whose faces are not all stored: for guests who came later, or whose mean has changed.

A photo's job finds its faces again and stores those that have become a guest's; the others are forgotten once more.
`matching/redetecting/queries.py` says which photos are queued when.
"""

import statistics
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from database import reading, transaction
from events import queries as event_queries
from events.ending import compares_faces
from faces.engine import DetectedFace
from matching import queries as matching_queries
from matching import service as matching
from matching.bystanders.queries import number_in_photo
from matching.loading import locked_event
from matching.redetecting import queries
from models import DONE, Event, Photo, Redetection, utcnow
from settings import get_settings

# Photos of whose jobs the cost of a search is measured.
MEASURED = 50


def plan() -> None:
    """Queue the photos of the events that are due because a guest's mean has changed.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    now = utcnow()
    with reading() as session:
        event_ids = queries.events_due(session, now)
    for event_id in event_ids:
        with transaction() as session:
            event = event_queries.lock_event(session, event_id)
            if event is not None and event.search_due_at is not None and event.search_due_at <= now:
                event.search_due_at = None
                if compares_faces(event):
                    queries.queue_photos(session, event, now)


def photo_of(job_id: int, engine_id: str) -> Photo | None:
    """Return the photo of a job; None if there is nothing to search in it, or by another engine only."""
    with reading() as session:
        job = queries.job(session, job_id)
        event = event_queries.by_id(session, job.event_id) if job is not None else None
        if job is None or event is None or event.active_engine_id != engine_id or not compares_faces(event):
            return None
        if not number_in_photo(session, job.photo_id, engine_id):
            return None
        return matching_queries.photo(session, job.photo_id)


def record(
    job_id: int, engine_id: str, faces: Sequence[DetectedFace] | None, still_ours: Callable[[Redetection], bool]
) -> None:
    """Store the faces that are a guest's now, and end the job; with None, there was nothing to search.

    If the photo was asked for again after the attempt began, it is queued again. Does nothing if the job or the photo
    is deleted, or the attempt no longer current.
    """
    with reading() as session:
        known = queries.job(session, job_id)
    if known is None:
        return
    with locked_event(known.event_id, engine_id) as (session, event):
        photo = matching_queries.lock_photo(session, known.photo_id)
        job = queries.lock_job(session, job_id)
        if event is None or photo is None or job is None or not still_ours(job):
            return
        if faces is not None and event.active_engine_id == engine_id:
            matching.add_faces(session, event, photo, faces)
        asked, began = job.asked_at, job.started_at or utcnow()
        job.finish(DONE)
        job.searched_at = began
        if asked > began:
            job.requeue(lease_until=began + timedelta(seconds=get_settings().search_again_seconds))


class SearchCost(NamedTuple):
    """What a late guest costs: faces that are not stored, in how many photos, seconds for each, jobs left to do."""

    faces: int
    photos: int
    seconds: float | None
    left: int


def cost_of(event: Event) -> SearchCost:
    """Return what searching an event's photos again costs, by the time that processing its last photos took."""
    with reading() as session:
        known = queries.progress(session, event)
        took = queries.seconds_of_photos(session, event.id, MEASURED)
    return SearchCost(known.faces, known.photos, round(statistics.median(took), 3) if took else None, known.left)
