"""SQL about what ends: the events, the notices, what is erased, and the receipts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Delete, Select, delete, exists, func, literal_column, or_, select, update
from sqlalchemy.orm import Session

from events.consents.queries import has_consent
from models import (
    Confirmation,
    Ending,
    EndReceipt,
    Evaluation,
    Event,
    Face,
    FaceCandidate,
    FaceMatch,
    Photo,
    Redetection,
    Reembedding,
    RemoteFace,
    RemoteList,
    Selfie,
    SelfieEmbedding,
    Subscription,
    UnstoredFaces,
    UserEvent,
)


def events(session: Session) -> Sequence[Event]:
    """Return every event, by id."""
    return session.scalars(select(Event).order_by(Event.id)).all()


# --- notices ---------------------------------------------------------------------------------------


def notice(session: Session, event_id: int, what: str) -> Ending | None:
    """Return what was announced of an end."""
    return session.get(Ending, (event_id, what))


# --- faces -----------------------------------------------------------------------------------------


def _photos_in(event_id: int) -> Select[int]:
    return select(Photo.id).where(Photo.event_id == event_id)


def _computed(event_id: int) -> ColumnElement[bool]:
    """Return the condition that anything computed from faces is left in the event."""
    photos = _photos_in(event_id)
    return or_(
        exists().where(Face.event_id == event_id),
        exists().where(SelfieEmbedding.event_id == event_id),
        exists().where(FaceMatch.photo_id.in_(photos)),
        exists().where(Confirmation.photo_id.in_(photos)),
        exists().where(Evaluation.event_id == event_id),
        exists().where(RemoteList.event_id == event_id),
    )


def has_templates(session: Session, event_id: int) -> bool:
    """Return whether anything computed from faces is left in the event."""
    return bool(session.scalar(select(_computed(event_id))))


def concerns_faces(session: Session, event_id: int) -> bool:
    """Return whether the end of its faces would erase anything: templates, matches, or a guest's selfie."""
    selfie = exists().where(UserEvent.event_id == event_id, Selfie.user_id == UserEvent.user_id)
    return bool(session.scalar(select(or_(_computed(event_id), selfie))))


def delete_computed(session: Session, event_id: int) -> dict[str, int]:
    """Delete what was computed from faces in the event, but the faces themselves; return the numbers by kind.

    Lists that a recogniser keeps are given up: the rows without an event are deleted there.
    """
    photos = _photos_in(event_id)
    deleted = {
        "matches": delete(FaceMatch).where(FaceMatch.photo_id.in_(photos)),
        "candidates": delete(FaceCandidate).where(FaceCandidate.event_id == event_id),
        "confirmations": delete(Confirmation).where(Confirmation.photo_id.in_(photos)),
        "portrait_templates": delete(SelfieEmbedding).where(SelfieEmbedding.event_id == event_id),
        "evaluations": delete(Evaluation).where(Evaluation.event_id == event_id),
        "subscriptions": delete(Subscription).where(Subscription.event_id == event_id),
    }
    unsynchronised = {"synchronize_session": False}
    lists = select(RemoteList.id).where(RemoteList.event_id == event_id)
    session.execute(delete(RemoteFace).where(RemoteFace.list_id.in_(lists)), execution_options=unsynchronised)
    given_up = update(RemoteList).where(RemoteList.event_id == event_id).values(event_id=None)
    session.execute(given_up, execution_options=unsynchronised)
    for jobs in (Reembedding, Redetection, UnstoredFaces):
        session.execute(delete(jobs).where(jobs.event_id == event_id), execution_options=unsynchronised)
    numbers = {kind: _number(session, each, unsynchronised) for kind, each in deleted.items()}
    del numbers["subscriptions"]
    return numbers


def _number(session: Session, statement: Delete, options: dict[str, bool]) -> int:
    return len(session.execute(statement.returning(literal_column("1")), execution_options=options).all())


def delete_some_faces(session: Session, event_id: int, limit: int) -> int:
    """Delete at most `limit` faces of the event, with their templates; return how many."""
    ids = session.scalars(select(Face.id).where(Face.event_id == event_id).limit(limit)).all()
    session.execute(delete(Face).where(Face.id.in_(ids)), execution_options={"synchronize_session": False})
    return len(ids)


def guests_with_idle_selfies(session: Session, limit: int) -> Sequence[int]:
    """Return guests who are in an event whose faces have ended, and whose selfies no other event needs."""
    ended = exists().where(
        UserEvent.user_id == Selfie.user_id, Event.id == UserEvent.event_id, Event.faces_ended_at.is_not(None)
    )
    found = select(Selfie.user_id).where(ended, ~_is_needed()).distinct().order_by(Selfie.user_id)
    return session.scalars(found.limit(limit)).all()


def _is_needed() -> ColumnElement[bool]:
    """Return the condition that some event may still need the selfies: faces are compared, a consent is in force."""
    compares = exists().where(Event.id == UserEvent.event_id, Event.faces_ended_at.is_(None))
    return exists().where(UserEvent.user_id == Selfie.user_id, has_consent(), compares).correlate(Selfie)


def has_idle_selfies(session: Session, user_id: int) -> bool:
    """Return whether the guest has selfies that no event needs. Call with the events' and the guest's rows locked."""
    found = select(Selfie.id).where(Selfie.user_id == user_id, ~_is_needed()).limit(1)
    return session.scalar(found) is not None


# --- photos ----------------------------------------------------------------------------------------


def has_photos(session: Session, event_id: int) -> bool:
    """Return whether the event has a photo."""
    return bool(session.scalar(select(exists().where(Photo.event_id == event_id))))


def some_photos(session: Session, event_id: int, limit: int) -> Sequence[int]:
    """Return the ids of at most `limit` photos of the event."""
    return session.scalars(_photos_in(event_id).order_by(Photo.id).limit(limit)).all()


# --- receipts --------------------------------------------------------------------------------------


def open_receipt(session: Session, kind: str, event_id: int | None) -> EndReceipt | None:
    """Return the receipt of an erasure of this kind that is under way in the event."""
    found = select(EndReceipt).where(
        EndReceipt.kind == kind, EndReceipt.event_id == event_id, EndReceipt.ended_at.is_(None)
    )
    return session.scalar(found.order_by(EndReceipt.id).limit(1))


def open_receipts(session: Session) -> Sequence[EndReceipt]:
    """Return the receipts of all erasures that are under way."""
    return session.scalars(select(EndReceipt).where(EndReceipt.ended_at.is_(None))).all()


def end_receipts(session: Session, kind: str, event_id: int | None, now: datetime) -> None:
    """Note that the erasures of this kind in the event have ended."""
    session.execute(
        update(EndReceipt)
        .where(EndReceipt.kind == kind, EndReceipt.event_id == event_id, EndReceipt.ended_at.is_(None))
        .values(ended_at=now),
        execution_options={"synchronize_session": False},
    )


def receipts(session: Session, limit: int, before: int | None, event_id: int | None = None) -> Sequence[EndReceipt]:
    """Return receipts, newest first: those with an id below `before`, of one event or of all."""
    found = select(EndReceipt).order_by(EndReceipt.id.desc()).limit(limit)
    if before is not None:
        found = found.where(EndReceipt.id < before)
    return session.scalars(found.where(EndReceipt.event_id == event_id) if event_id is not None else found).all()


def count_receipts(session: Session) -> int:
    """Return the number of receipts."""
    return session.scalar(select(func.count()).select_from(EndReceipt)) or 0
