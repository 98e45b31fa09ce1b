"""SQL about the photos that are to be processed again."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, exists, func, insert, literal, select
from sqlalchemy.orm import Session

from models import DONE, FAILED, PENDING, PROCESSING, Event, Photo, Reprocessing, UtcDateTime, utcnow
from photos.keys import PhotoFiles

UNFINISHED = Reprocessing.status.in_((PENDING, PROCESSING))


class EventReprocessing(NamedTuple):
    """How far the last run of an event is. `failed` photos keep what they had; `left` ones are still to be done."""

    event_id: int
    event_name: str
    event_code: str
    done: int
    total: int
    failed: int
    left: int


class FailedPhoto(NamedTuple):
    """A photo that could not be processed again, and why."""

    photo_id: int
    original_filename: str
    error: str | None


def event_ids(session: Session) -> Sequence[int]:
    """Return the ids of all events that have a photo, or jobs of a run, in the order in which they are locked."""
    with_photo = exists().where(Photo.event_id == Event.id)
    return session.scalars(select(Event.id).where(with_photo).order_by(Event.id)).all()


def is_under_way(session: Session, event_id: int) -> bool:
    """Return whether a photo of the event is still to be processed again."""
    return bool(session.scalar(select(exists().where(Reprocessing.event_id == event_id, UNFINISHED))))


def add_jobs(session: Session, event_id: int) -> int:
    """Add a job for each photo of the event; return how many."""
    columns = ("photo_id", "event_id", "created_at", "status", "attempts")
    photos = (
        select(Photo.id, Photo.event_id, literal(utcnow(), UtcDateTime()), literal(PENDING), literal(0))
        .where(Photo.event_id == event_id)
        .order_by(Photo.id)
    )
    session.execute(insert(Reprocessing).from_select(columns, photos, include_defaults=False))
    counted = select(func.count()).select_from(Reprocessing).where(Reprocessing.event_id == event_id)
    return session.scalar(counted) or 0


def unused_files(session: Session, event_id: int, *, of_finished: bool) -> list[PhotoFiles]:
    """Return what names the files that jobs of the event may have written and no photo has.

    Of jobs that have ended, or of those that have not.
    """
    rows = session.execute(
        select(Photo.event_id, Photo.filename, Reprocessing.id)
        .join(Photo, Photo.id == Reprocessing.photo_id)
        .where(
            Reprocessing.event_id == event_id,
            ~UNFINISHED if of_finished else UNFINISHED,
            Reprocessing.attempts > 0,
            Photo.rendition_set != Reprocessing.id,
        )
    )
    return [PhotoFiles(event, name, DONE, number) for event, name, number in rows]


def delete_jobs(session: Session, event_id: int, *, finished: bool) -> int:
    """Delete the event's jobs that have ended, or those that have not; return how many."""
    condition = ~UNFINISHED if finished else UNFINISHED
    statement = delete(Reprocessing).where(Reprocessing.event_id == event_id, condition)
    found = session.execute(statement.returning(Reprocessing.id).execution_options(synchronize_session=False))
    return len(found.all())


def progress(session: Session) -> list[EventReprocessing]:
    """Return how far the last run of each event is, newest event first."""
    done, failed, left = (
        func.count().filter(condition)
        for condition in (Reprocessing.status == DONE, Reprocessing.status == FAILED, UNFINISHED)
    )
    rows = session.execute(
        select(Event.id, Event.name, Event.event_code, done, func.count(), failed, left)
        .join(Reprocessing, Reprocessing.event_id == Event.id)
        .group_by(Event.id, Event.name, Event.event_code)
        .order_by(Event.id.desc())
    )
    return [EventReprocessing(*row) for row in rows]


def unfinished_events(session: Session) -> Sequence[int]:
    """Return the ids of the events in which a photo is still to be processed again, in the order of locking."""
    there = exists().where(Reprocessing.event_id == Event.id, UNFINISHED)
    return session.scalars(select(Event.id).where(there).order_by(Event.id)).all()


def failures(session: Session, event_id: int, limit: int) -> list[FailedPhoto]:
    """Return the photos of the event that could not be processed again, at most `limit`."""
    rows = session.execute(
        select(Photo.id, Photo.original_filename, Reprocessing.error)
        .join(Photo, Photo.id == Reprocessing.photo_id)
        .where(Reprocessing.event_id == event_id, Reprocessing.status == FAILED)
        .order_by(Reprocessing.id)
        .limit(limit)
    )
    return [FailedPhoto(*row) for row in rows]
