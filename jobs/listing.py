"""The background jobs one by one, for those who look after them: what each is about and how it stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute

from database import reading
from jobs.queue import ASKED, KINDS, JobRow, failed, unfinished
from models import Event, Photo, Selfie, User, UserEvent

# What a job is about: a photo's file, a guest's name. And its event; a selfie's is the guest's first.
_ABOUT: dict[JobRow, tuple[InstrumentedAttribute[str], InstrumentedAttribute[Any]]] = {
    Selfie: (User.username, User.event_id),
    UserEvent: (User.username, UserEvent.event_id),
    Photo: (Photo.original_filename, Photo.event_id),
}
_GUEST: dict[JobRow, InstrumentedAttribute[int]] = {Selfie: Selfie.user_id, UserEvent: UserEvent.user_id}


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job; `about` is the photo's file name or the guest's name. No event: the guest's first one is gone."""

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


def _listed(kind: JobRow) -> Select[Any]:
    about, event_id = _ABOUT[kind]
    jobs = select(
        kind.id,
        about,
        Event.id,
        Event.name,
        kind.status,
        kind.attempts,
        kind.error,
        ASKED[kind],
        kind.finished_at,
    )
    if kind in _GUEST:
        jobs = jobs.join(User, User.id == _GUEST[kind])
    return jobs.outerjoin(Event, Event.id == event_id)


def _of(kind: JobRow, jobs: Select[Any], event_id: int | None) -> Select[Any]:
    return jobs if event_id is None else jobs.where(_ABOUT[kind][1] == event_id)


def list_failed(limit: int, event_id: int | None = None) -> list[ListedJob]:
    """Return the jobs given up, of each kind the newest `limit`; of one event alone where it is named."""
    found: list[ListedJob] = []
    with reading() as session:
        for kind in KINDS:
            jobs = _of(kind, _listed(kind).where(failed(kind)), event_id)
            rows = session.execute(jobs.order_by(kind.id.desc()).limit(limit)).all()
            found += [ListedJob(kind.__tablename__, *row) for row in rows]
    return found


def list_unfinished(limit: int, event_id: int | None = None) -> list[ListedJob]:
    """Return the jobs not through, of each kind the oldest `limit`; of one event alone where it is named."""
    found: list[ListedJob] = []
    with reading() as session:
        for kind in KINDS:
            jobs = _of(kind, _listed(kind).where(unfinished(kind)), event_id)
            rows = session.execute(jobs.order_by(kind.id).limit(limit)).all()
            found += [ListedJob(kind.__tablename__, *row) for row in rows]
    return found
