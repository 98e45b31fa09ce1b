"""SQL about events that change to another engine."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import (
    DONE,
    FAILED,
    PENDING,
    PROCESSING,
    Event,
    Face,
    FaceMatch,
    Photo,
    Reembedding,
    Selfie,
    SelfieEmbedding,
    UserEvent,
    UtcDateTime,
    utcnow,
)


class EventChange(NamedTuple):
    """How far the change of an event to another engine is: how many of its photos the engine has looked at.

    `failed` ones could not be read; they hold nothing up.
    """

    event_id: int
    event_name: str
    done: int
    total: int
    failed: int


# --- what is to be done ------------------------------------------------------------------------------


def _differs(
    column: InstrumentedAttribute[Any], engine_id: str | ColumnElement[str]
) -> Sequence[ColumnElement[bool]]:
    """Return two conditions; one of them holds for any other engine. An index serves each of them, but not `!=`."""
    return column < engine_id, column > engine_id


def _any(*conditions: ColumnElement[bool], differs: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return the condition that a row fulfils `conditions` and one of `differs`, each in a subquery of its own."""
    return or_(*(exists().where(*conditions, each) for each in differs))


def _is_left(engine_id: str) -> ColumnElement[bool]:
    """Return the condition that a photo of the event waits for this engine or is being processed by it."""
    return exists().where(
        Reembedding.event_id == Event.id,
        Reembedding.engine_id == engine_id,
        Reembedding.status.in_((PENDING, PROCESSING)),
    )


def _is_without_job() -> ColumnElement[bool]:
    return ~exists().where(Reembedding.photo_id == Photo.id)


def events_with_work(session: Session, engine_id: str) -> Sequence[int]:
    """Return the ids of events in which something is to be planned, or that can be switched to the engine.

    These are events with jobs for another engine; events of another active engine in which no photo is left; and
    events of this engine with a photo that another engine has processed last, in a process with other settings.
    """
    planned_for_another = _any(Reembedding.event_id == Event.id, differs=_differs(Reembedding.engine_id, engine_id))
    looked_at_by_another = _any(
        Photo.event_id == Event.id,
        Photo.status == DONE,
        _is_without_job(),
        differs=_differs(Photo.engine_id, engine_id),
    )
    is_active = Event.active_engine_id == engine_id
    wanted = or_(planned_for_another, and_(~is_active, ~_is_left(engine_id)), and_(is_active, looked_at_by_another))
    return session.scalars(select(Event.id).where(wanted).order_by(Event.id)).all()


def is_left(session: Session, event_id: int, engine_id: str) -> bool:
    """Return whether a photo of the event waits for the engine or is being processed by it."""
    return bool(session.scalar(select(exists().where(Event.id == event_id, _is_left(engine_id)))))


def delete_jobs_of_others(session: Session, event_id: int, engine_id: str) -> None:
    """Delete the event's jobs for other engines than this one."""
    session.execute(delete(Reembedding).where(Reembedding.event_id == event_id, Reembedding.engine_id != engine_id))


def add_jobs(session: Session, event_id: int, engine_id: str) -> None:
    """Add a job for each processed photo of the event that another engine has looked at and that has no job yet."""
    columns = ("photo_id", "event_id", "engine_id", "created_at")
    photos = (
        select(Photo.id, Photo.event_id, literal(engine_id), literal(utcnow(), UtcDateTime()))
        .where(Photo.event_id == event_id, Photo.status == DONE, Photo.engine_id != engine_id, _is_without_job())
        .order_by(Photo.id)
    )
    session.execute(insert(Reembedding).from_select(columns, photos, include_defaults=False))


def lock_job(session: Session, job_id: int) -> Reembedding | None:
    """Return a job with its row locked."""
    return session.scalar(select(Reembedding).where(Reembedding.id == job_id).with_for_update())


def job(session: Session, job_id: int) -> Reembedding | None:
    """Return a job."""
    return session.get(Reembedding, job_id)


# --- the switch --------------------------------------------------------------------------------------


def note_engine(session: Session, event_id: int, engine_id: str) -> None:
    """Record that this engine has looked at the event's photos, and delete the jobs that are done."""
    session.execute(
        update(Photo)
        .where(Photo.event_id == event_id, Photo.status == DONE, Photo.engine_id != engine_id)
        .values(engine_id=engine_id)
        .execution_options(synchronize_session=False)
    )
    session.execute(delete(Reembedding).where(Reembedding.event_id == event_id, Reembedding.status == DONE))


def request_first_matching(session: Session, event_id: int, before: str, engine_id: str) -> None:
    """Mark as requested the matching of guests with a portrait that only the new engine has embedded.

    So the state that they see stays `running` until it is done.
    """
    embedded = (
        select(Selfie.user_id)
        .join(SelfieEmbedding, SelfieEmbedding.selfie_id == Selfie.id)
        .where(SelfieEmbedding.event_id == event_id, SelfieEmbedding.engine_id == engine_id)
    )
    by_the_one_before = exists().where(
        SelfieEmbedding.selfie_id == Selfie.id,
        SelfieEmbedding.event_id == event_id,
        SelfieEmbedding.engine_id == before,
    )
    session.execute(
        update(UserEvent)
        .where(
            UserEvent.event_id == event_id,
            UserEvent.withdrawn_at.is_(None),
            UserEvent.user_id.in_(embedded.where(~by_the_one_before.correlate(Selfie))),
        )
        .values(requested_at=utcnow())
        .execution_options(synchronize_session=False)
    )


# --- portraits that the active engine has not embedded ------------------------------------------------


def _waits_for_engine() -> ColumnElement[bool]:
    """Return the condition that the event's active engine has neither embedded a guest's selfie nor tried to since.

    Another engine accepted the selfie, while the event changed to that engine or from it.
    """
    embedded = exists().where(SelfieEmbedding.selfie_id == Selfie.id, SelfieEmbedding.event_id == Event.id)
    untried = or_(
        UserEvent.engine_id.is_(None),
        UserEvent.engine_id != Event.active_engine_id,
        UserEvent.finished_at < Selfie.finished_at,
    )
    return and_(
        Selfie.status == DONE,
        UserEvent.user_id == Selfie.user_id,
        UserEvent.withdrawn_at.is_(None),
        Event.id == UserEvent.event_id,
        embedded.where(SelfieEmbedding.engine_id != Event.active_engine_id).correlate(Selfie, Event),
        ~embedded.where(SelfieEmbedding.engine_id == Event.active_engine_id).correlate(Selfie, Event),
        untried,
    )


def found_so_far(session: Session, user_id: int, engine_id: str) -> tuple[int, bool]:
    """Return the number of photos that show the guest, over all events, and whether a portrait is yet to be matched.

    A portrait is yet to be matched while an event changes to this engine and no other has embedded it, and where its
    matching was missed. Not where the matching is queued: there the matches of the engine before are shown.
    """
    matches = (
        select(func.count()).select_from(FaceMatch).where(FaceMatch.user_id == user_id, FaceMatch.declared.is_(False))
    )
    is_queued = and_(Event.active_engine_id == engine_id, UserEvent.status != DONE)
    waiting = select(Selfie.id, UserEvent.id, Event.id).where(_waits_for_engine(), ~is_queued)
    waits = waiting.where(Selfie.user_id == user_id).exists()
    matched, is_waiting = session.execute(select(matches.scalar_subquery(), waits)).one()
    return int(matched), bool(is_waiting)


def found_by_many(session: Session, user_ids: Sequence[int], engine_id: str) -> dict[int, tuple[int, bool]]:
    """Return for each of these guests what `found_so_far` returns for one, in two statements."""
    counted = select(FaceMatch.user_id, func.count()).where(
        FaceMatch.user_id.in_(user_ids), FaceMatch.declared.is_(False)
    )
    matched = dict(iter(session.execute(counted.group_by(FaceMatch.user_id)).all()))
    is_queued = and_(Event.active_engine_id == engine_id, UserEvent.status != DONE)
    waiting = select(Selfie.user_id).distinct().where(Selfie.user_id.in_(user_ids), _waits_for_engine(), ~is_queued)
    waits = set(session.scalars(waiting.select_from(Selfie).join(UserEvent, UserEvent.user_id == Selfie.user_id)))
    return {each: (int(matched.get(each, 0)), each in waits) for each in user_ids}


def request_missed_matchings(session: Session, event_id: int) -> int:
    """Queue a matching for guests with a portrait that the active engine has not embedded; return how many."""
    missed = select(UserEvent.id, Selfie.id, Event.id).where(Event.id == event_id, _waits_for_engine()).subquery()
    rows = session.execute(
        update(UserEvent)
        .where(UserEvent.id.in_(select(missed.c[0])), UserEvent.status == DONE)
        .values(**UserEvent.requeue_values(requested_at=utcnow()))
        .returning(UserEvent.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(rows)


# --- afterwards --------------------------------------------------------------------------------------


def events_with_remains(session: Session, engine_id: str) -> Sequence[int]:
    """Return the ids of the engine's events that hold something by another engine and have no guest left to match.

    A failed matching counts as left: it may be retried, and the old matches are shown until then.
    """
    faces = _any(Face.event_id == Event.id, differs=_differs(Face.engine_id, engine_id))
    portraits = _any(SelfieEmbedding.event_id == Event.id, differs=_differs(SelfieEmbedding.engine_id, engine_id))
    return session.scalars(
        select(Event.id)
        .where(Event.active_engine_id == engine_id, or_(faces, portraits), ~_is_matching())
        .order_by(Event.id)
    ).all()


def _is_matching() -> ColumnElement[bool]:
    has_failed = and_(UserEvent.status == FAILED, UserEvent.withdrawn_at.is_(None))
    unfinished = UserEvent.status.in_((PENDING, PROCESSING))
    return exists().where(UserEvent.event_id == Event.id, or_(unfinished, has_failed))


def is_matching(session: Session, event_id: int) -> bool:
    """Return whether a guest of the event is yet to be matched."""
    return bool(session.scalar(select(exists().where(Event.id == event_id, _is_matching()))))


def delete_remains(session: Session, event_id: int, engine_id: str, limit: int) -> int:
    """Delete at most `limit` faces and as many embeddings of portraits by other engines; return how many.

    Candidates and matches are deleted with their faces. Faces by the engine that processed the photo last stay, and
    those by the engine of a job: a process with other settings has just stored them.
    """
    job_for_it = exists().where(Reembedding.photo_id == Face.photo_id, Reembedding.engine_id == Face.engine_id)
    last_look = exists().where(Photo.id == Face.photo_id, Photo.engine_id == Face.engine_id)
    faces = select(Face.id).where(
        Face.event_id == event_id, or_(*_differs(Face.engine_id, engine_id)), ~job_for_it, ~last_look
    )
    portraits = select(SelfieEmbedding.id).where(
        SelfieEmbedding.event_id == event_id, or_(*_differs(SelfieEmbedding.engine_id, engine_id))
    )
    number = 0
    for table, found in ((Face, faces), (SelfieEmbedding, portraits)):
        ids = session.scalars(found.limit(limit)).all()
        if ids:
            session.execute(delete(table).where(table.id.in_(ids)).execution_options(synchronize_session=False))
        number += len(ids)
    return number


# --- progress ----------------------------------------------------------------------------------------


def changes(session: Session, engine_id: str) -> list[EventChange]:
    """Return how far each event is that changes to the engine, newest first."""
    photos = select(func.count()).select_from(Photo).where(Photo.event_id == Event.id, Photo.status == DONE)
    jobs = (
        select(func.count())
        .select_from(Reembedding)
        .where(Reembedding.event_id == Event.id, Reembedding.engine_id == engine_id)
    )
    done = (
        photos.where(Photo.engine_id == engine_id).scalar_subquery()
        + jobs.where(Reembedding.status == DONE).scalar_subquery()
    )
    failed = jobs.where(Reembedding.status == FAILED).scalar_subquery()
    rows = session.execute(
        select(Event.id, Event.name, done, photos.scalar_subquery(), failed)
        .where(Event.active_engine_id != engine_id)
        .order_by(Event.id.desc())
    )
    return [EventChange(*row) for row in rows]
