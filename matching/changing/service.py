"""Changes each event to the engine that the settings name, while the matches of its old engine are still shown.

The new engine processes the event's photos again, one job each (`models.Reembedding`). Its faces are stored beside
the old engine's and are not used yet. When no job is left, one transaction makes it the event's active engine and
queues a matching of all guests; each guest keeps the old matches until then. When all guests are matched, the old
engine's faces and embeddings are deleted; while a matching has failed, they stay.

Every step is one transaction and can be repeated, by any process, so a change that was interrupted continues. If the
settings name yet another engine meanwhile, or the old one again, the jobs are planned again for that one.
"""

import logging
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from database import reading, transaction
from events import bystanders
from events import queries as event_queries
from events.rematching import queries as rematch_queries
from faces.engine import DetectedFace
from faces.providers import AZURE_ENGINE_ID
from matching import queries as matching_queries
from matching import service as matching
from matching.bystanders import queries as bystander_queries
from matching.changing import queries
from matching.changing.queries import EventChange
from matching.loading import locked_event
from models import DONE, Event, Photo, Reembedding, utcnow

log = logging.getLogger("reperio.jobs")
# Faces, and embeddings of portraits, deleted in one transaction; and such transactions before jobs have their turn.
BATCH, BATCHES = 500, 20


def proceed(engine_id: str) -> None:
    """Plan the jobs for this engine, switch the events that are complete, and delete what no event needs.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    with reading() as session:
        event_ids = queries.events_with_work(session, engine_id)
    for event_id in event_ids:
        with transaction() as session:
            event = event_queries.lock_event(session, event_id)
            if event is not None:
                _plan(session, event, engine_id)
    with reading() as session:
        event_ids = queries.events_with_remains(session, engine_id)
    batches = iter(range(BATCHES))
    for event_id in event_ids:
        while next(batches, None) is not None and _delete_some_remains(event_id, engine_id):
            pass


def _plan(session: Session, event: Event, engine_id: str) -> None:
    """Queue the photos that this engine has not processed; switch the event if there is none.

    An event that lets templates of strangers go does not change to Azure, whose lists would keep them.
    """
    if engine_id == AZURE_ENGINE_ID and bystanders.ends(event):
        return
    queries.delete_jobs_of_others(session, event.id, engine_id)
    queries.add_jobs(session, event.id, engine_id)
    if event.active_engine_id != engine_id and not queries.is_left(session, event.id, engine_id):
        _switch(session, event, engine_id)


def _switch(session: Session, event: Event, engine_id: str) -> None:
    """Make this the event's active engine and queue a matching of all its guests."""
    before = event.active_engine_id
    event.active_engine_id = engine_id
    session.flush()
    matching_queries.increment_version(session, event.id)
    queries.note_engine(session, event.id, engine_id)
    queries.request_first_matching(session, event.id, before, engine_id)
    guests = rematch_queries.request_rematch(session, event.id, utcnow(), asked=False)
    log.info("event %d: changed from %s to %s, %d guests are matched again", event.id, before, engine_id, guests)


def _delete_some_remains(event_id: int, engine_id: str) -> bool:
    """Delete a batch of what other engines have left in the event; return whether there may be more."""
    with transaction() as session:
        event = event_queries.lock_event(session, event_id)
        if event is None or event.active_engine_id != engine_id or queries.is_matching(session, event_id):
            return False
        # Selfies that were accepted by a process with other settings, or by an engine that was abandoned.
        if queries.request_missed_matchings(session, event_id):
            return False
        bystander_queries.delete_numbers_of_others(session, event_id, engine_id)
        return queries.delete_remains(session, event_id, engine_id, BATCH) > 0


# --- the job of one photo ----------------------------------------------------------------------------


def photo_of(job_id: int, engine_id: str) -> Photo | None:
    """Return the photo of a job; None if the job or photo is deleted, or the job is for another engine."""
    with reading() as session:
        job = queries.job(session, job_id)
        if job is None or job.engine_id != engine_id:
            return None
        return matching_queries.photo(session, job.photo_id)


def record_again(
    job_id: int, engine_id: str, faces: Sequence[DetectedFace], still_ours: Callable[[Reembedding], bool]
) -> None:
    """Store the faces that the engine has found in a photo, beside those of another engine, and end the job.

    With the last photo, the event is switched. If this engine is active there already, the photo is matched.
    """

    def store(session: Session, event: Event, photo: Photo) -> None:
        matching.store_faces(session, event, photo, engine_id, faces)

    finish(job_id, engine_id, store, still_ours)


def finish(
    job_id: int,
    engine_id: str,
    store: Callable[[Session, Event, Photo], None],
    still_ours: Callable[[Reembedding], bool],
) -> None:
    """Call `store` and end the job in one transaction; do nothing if the attempt is no longer current.

    `store` is called with the rows of the event and the photo locked.
    """
    with reading() as session:
        known = queries.job(session, job_id)
    if known is None:
        return
    with locked_event(known.event_id, engine_id) as (session, event):
        photo = matching_queries.lock_photo(session, known.photo_id)
        job = queries.lock_job(session, job_id)
        if event is None or photo is None or job is None or not still_ours(job) or job.engine_id != engine_id:
            return
        store(session, event, photo)
        if event.active_engine_id == engine_id:
            photo.engine_id = engine_id
            session.delete(job)
            return
        job.finish(DONE)
        session.flush()
        if not queries.is_left(session, event.id, engine_id):
            _plan(session, event, engine_id)


def drop(job_id: int, engine_id: str) -> None:
    """Delete a job that is for another engine than this one; `proceed` plans it again."""
    with transaction() as session:
        job = queries.lock_job(session, job_id)
        if job is not None and job.engine_id != engine_id:
            session.delete(job)


def changes_to(engine_id: str) -> list[EventChange]:
    """Return how far each event is that changes to the engine, newest first."""
    with reading() as session:
        return queries.changes(session, engine_id)
