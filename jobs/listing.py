"""Single jobs, listed with what each is about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute

from database import reading
from jobs.kinds import KINDS, REQUESTED_AT, JobRow, failed, unfinished
from models import Evaluation, Event, Photo, Redetection, Reembedding, Reprocessing, Selfie, User, UserEvent

# The column that tells a person what a job is about: a guest's name, or a photo's file name.
_ABOUT: dict[JobRow, InstrumentedAttribute[str]] = {
    Selfie: User.username,
    UserEvent: User.username,
    Photo: Photo.original_filename,
    Evaluation: User.username,
    Redetection: Photo.original_filename,
    Reembedding: Photo.original_filename,
    Reprocessing: Photo.original_filename,
}
# The event a job belongs to; for a selfie, the event in which the guest registered.
_EVENT_ID: dict[JobRow, InstrumentedAttribute[Any]] = {
    Selfie: User.event_id,
    UserEvent: UserEvent.event_id,
    Photo: Photo.event_id,
    Evaluation: Evaluation.event_id,
    Redetection: Redetection.event_id,
    Reembedding: Reembedding.event_id,
    Reprocessing: Reprocessing.event_id,
}
_PHOTO_ID: dict[JobRow, InstrumentedAttribute[int]] = {
    Redetection: Redetection.photo_id,
    Reembedding: Reembedding.photo_id,
    Reprocessing: Reprocessing.photo_id,
}
_GUEST_ID: dict[JobRow, InstrumentedAttribute[int]] = {
    Selfie: Selfie.user_id,
    UserEvent: UserEvent.user_id,
    Evaluation: Evaluation.user_id,
}


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job; `about` is the guest's name or the photo's file name.

    `event_id` is None for a selfie whose guest belongs to no event any more.
    """

    kind: str
    id: int
    about: str
    event_id: int | None
    event_name: str | None
    status: str
    attempts: int
    error: str | None
    asked_at: datetime
    finished_at: datetime | None


def _listed(kind: JobRow, event_id: int | None) -> Select[Any]:
    """Select the fields of `ListedJob`, under their names, of all events or of one."""
    jobs = select(
        kind.id.label("id"),
        _ABOUT[kind].label("about"),
        Event.id.label("event_id"),
        Event.name.label("event_name"),
        kind.status.label("status"),
        kind.attempts.label("attempts"),
        kind.error.label("error"),
        REQUESTED_AT[kind].label("asked_at"),
        kind.finished_at.label("finished_at"),
    )
    if kind in _GUEST_ID:
        jobs = jobs.join(User, User.id == _GUEST_ID[kind])
    if kind in _PHOTO_ID:
        jobs = jobs.join(Photo, Photo.id == _PHOTO_ID[kind])
    jobs = jobs.outerjoin(Event, Event.id == _EVENT_ID[kind])
    return jobs if event_id is None else jobs.where(_EVENT_ID[kind] == event_id)


def list_failed(limit: int, event_id: int | None = None) -> list[ListedJob]:
    """Return the newest `limit` failed jobs of each kind; with `event_id`, of this event only."""
    found: list[ListedJob] = []
    with reading() as session:
        for kind in KINDS:
            jobs = _listed(kind, event_id).where(failed(kind)).order_by(kind.id.desc()).limit(limit)
            found += [ListedJob(kind=kind.__tablename__, **row) for row in session.execute(jobs).mappings()]
    return found


def list_unfinished(limit: int, event_id: int | None = None) -> list[ListedJob]:
    """Return the oldest `limit` unfinished jobs of each kind; with `event_id`, of this event only."""
    found: list[ListedJob] = []
    with reading() as session:
        for kind in KINDS:
            jobs = _listed(kind, event_id).where(unfinished(kind)).order_by(kind.id).limit(limit)
            found += [ListedJob(kind=kind.__tablename__, **row) for row in session.execute(jobs).mappings()]
    return found
