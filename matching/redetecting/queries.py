"""SQL about photos that are searched again for guests who came later.

A photo that waits covers every guest who comes meanwhile. One that is under way then runs once more. No photo is
searched again within `SEARCH_AGAIN_SECONDS`, so that guests who come one after the other share a pass over the
photos.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, exists, func, insert, literal, null, or_, select, update
from sqlalchemy.orm import Session

from matching.bystanders.queries import number_in_event
from models import (
    DONE,
    FAILED,
    PENDING,
    PROCESSING,
    Event,
    Photo,
    Redetection,
    UnstoredFaces,
    UserEvent,
    UtcDateTime,
    utcnow,
)
from settings import get_settings
from tracing import current_request_id

_UNFINISHED = Redetection.status.in_((PENDING, PROCESSING))
_UNSYNCHRONISED = {"synchronize_session": False}


class SearchProgress(NamedTuple):
    """How many `faces` of an event are not stored, in how many `photos`, and how many jobs are `left`."""

    faces: int
    photos: int
    left: int


def request_for_guest(session: Session, event: Event, user_id: int) -> None:
    """Queue the event's photos with faces that are not stored, if there are any, for a guest with a new portrait.

    The caller has locked the event's row.
    """
    if not number_in_event(session, event.id, event.active_engine_id):
        return
    now = utcnow()
    own = (UserEvent.user_id == user_id, UserEvent.event_id == event.id)
    session.execute(update(UserEvent).where(*own).values(search_asked_at=now))
    queue_photos(session, event, now)


def queue_photos(session: Session, event: Event, now: datetime) -> None:
    """Queue every photo of the event with faces that are not stored. The caller has locked the event's row."""
    pause = timedelta(seconds=get_settings().search_again_seconds)
    wanted = _has_unstored(event)
    of_event = (Redetection.event_id == event.id, wanted.correlate(Redetection))
    running = update(Redetection).where(*of_event, Redetection.status == PROCESSING).values(asked_at=now)
    session.execute(running, execution_options=_UNSYNCHRONISED)
    just_begun = case((Redetection.started_at > now - pause, literal(now + pause, UtcDateTime())), else_=null())
    values = Redetection.requeue_values(asked_at=now, lease_until=just_begun, request_id=current_request_id())
    ended = update(Redetection).where(*of_event, Redetection.status.in_((DONE, FAILED))).values(**values)
    session.execute(ended, execution_options=_UNSYNCHRONISED)
    columns = ("photo_id", "event_id", "asked_at", "status", "attempts", "request_id")
    new = (
        select(
            UnstoredFaces.photo_id,
            UnstoredFaces.event_id,
            literal(now, UtcDateTime()),
            literal(PENDING),
            literal(0),
            literal(current_request_id()),
        )
        .where(UnstoredFaces.event_id == event.id, UnstoredFaces.engine_id == event.active_engine_id)
        .where(~exists().where(Redetection.photo_id == UnstoredFaces.photo_id))
        .order_by(UnstoredFaces.photo_id)
    )
    session.execute(insert(Redetection).from_select(columns, new, include_defaults=False))


def _has_unstored(event: Event) -> ColumnElement[bool]:
    return exists().where(
        UnstoredFaces.photo_id == Redetection.photo_id, UnstoredFaces.engine_id == event.active_engine_id
    )


def events_due(session: Session, now: datetime) -> Sequence[int]:
    """Return the ids of the events whose photos are to be searched again because a guest's mean has changed."""
    return session.scalars(select(Event.id).where(Event.search_due_at <= now).order_by(Event.id)).all()


def is_searching(session: Session, user_id: int) -> bool:
    """Return whether a photo is yet to be searched again for the guest, in any event."""
    unsearched = or_(Redetection.searched_at.is_(None), Redetection.searched_at < UserEvent.search_asked_at)
    waits = and_(Redetection.event_id == UserEvent.event_id, _UNFINISHED, unsearched)
    asked = (UserEvent.user_id == user_id, UserEvent.search_asked_at.is_not(None))
    found = select(UserEvent.id).where(*asked, exists().where(waits).correlate(UserEvent)).limit(1)
    return session.scalar(found) is not None


def job(session: Session, job_id: int) -> Redetection | None:
    """Return a job."""
    return session.get(Redetection, job_id)


def lock_job(session: Session, job_id: int) -> Redetection | None:
    """Return a job with its row locked."""
    return session.scalar(select(Redetection).where(Redetection.id == job_id).with_for_update())


def progress(session: Session, event: Event) -> SearchProgress:
    """Return how many faces of the event are not stored, and how many photos wait to be searched again."""
    unstored = (UnstoredFaces.event_id == event.id, UnstoredFaces.engine_id == event.active_engine_id)
    faces, photos = session.execute(select(func.sum(UnstoredFaces.number), func.count()).where(*unstored)).one()
    left = select(func.count()).select_from(Redetection).where(Redetection.event_id == event.id, _UNFINISHED)
    return SearchProgress(int(faces or 0), int(photos), session.scalar(left) or 0)


def seconds_of_photos(session: Session, event_id: int, limit: int) -> list[float]:
    """Return how long the jobs of the event's newest processed photos took, in seconds."""
    rows = session.execute(
        select(Photo.started_at, Photo.finished_at)
        .where(Photo.event_id == event_id, Photo.status == DONE)
        .order_by(Photo.uploaded_at.desc(), Photo.id.desc())
        .limit(limit)
    )
    return [(ended - begun).total_seconds() for begun, ended in rows if begun is not None and ended is not None]
