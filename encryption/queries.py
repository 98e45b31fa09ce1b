"""SQL about keys, and about what is not encrypted yet."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import ChangeMark, EvaluatedPhoto, Evaluation, Event, Face, Installation, Selfie, SelfieEmbedding

KEYS_MARK = "keys"


def event_key(session: Session, event_id: int) -> str | None:
    """Return the name of the event's key; None if there is no such event."""
    event = session.get(Event, event_id)
    return event.key_id if event is not None else None


def _encrypted(column: InstrumentedAttribute[bytes]) -> ColumnElement[bool]:
    return func.length(column) % 4 != 0


def _plain(column: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    # As `is_plain` says.
    return (func.length(column) > 0) & (func.length(column) % 4 == 0)


def needs_keys(session: Session) -> bool:
    """Return whether any template is encrypted."""
    face, portrait = exists().where(_encrypted(Face.embedding)), exists().where(_encrypted(SelfieEmbedding.embedding))
    return bool(session.scalar(select(or_(portrait, face))))


def known_events(session: Session, names: Sequence[str]) -> set[str]:
    """Return those of `names` that are the key of an event."""
    return {name for name in session.scalars(select(Event.key_id).where(Event.key_id.in_(names))) if name}


def storage_keys_named(session: Session, names: Sequence[str]) -> Sequence[str]:
    """Return the storage keys of the selfies whose key has one of these names."""
    files = [f"{name}.jpg" for name in names]
    found = session.scalars(select(Selfie.storage_key).where(Selfie.storage_key.in_(files)))
    return [key for key in found if key is not None]


def installation_id(session: Session) -> str | None:
    """Return the id of this installation, None before its first start is over."""
    found = session.get(Installation, Installation.ONLY)
    return found.uuid if found is not None else None


def mark(session: Session) -> int:
    """Return the number that rises when keys were destroyed."""
    return session.scalar(select(ChangeMark.number).where(ChangeMark.name == KEYS_MARK)) or 0


def raise_mark(session: Session) -> None:
    """Let every process forget the keys that it holds in memory."""
    session.execute(update(ChangeMark).where(ChangeMark.name == KEYS_MARK).values(number=ChangeMark.number + 1))


# --- what earlier releases did not encrypt -----------------------------------------------------------


def a_plain_event(session: Session) -> int | None:
    """Return the id of an event that may have templates which are not encrypted."""
    return session.scalar(select(Event.id).where(Event.is_encrypted.is_(False)).order_by(Event.id).limit(1))


def some_faces(session: Session, event_id: int, after: int, limit: int) -> Sequence[tuple[int, int, bytes]]:
    """Return id, photo's id and stored template of the event's faces with a higher id than `after`, by their ids."""
    wanted = select(Face.id, Face.photo_id, Face.embedding).where(Face.event_id == event_id, Face.id > after)
    return session.execute(wanted.order_by(Face.id).limit(limit)).all()


def store_faces(session: Session, templates: Sequence[tuple[int, bytes]]) -> None:
    """Replace the stored templates of faces, given by id."""
    if templates:
        rows = [{"id": face_id, "embedding": stored} for face_id, stored in templates]
        session.execute(update(Face), rows)


def portraits_in(session: Session, event_id: int) -> Sequence[tuple[SelfieEmbedding, str]]:
    """Return the embeddings of selfies in the event, with the storage keys of the selfies."""
    rows = session.execute(
        select(SelfieEmbedding, Selfie.storage_key)
        .join(Selfie, Selfie.id == SelfieEmbedding.selfie_id)
        .where(SelfieEmbedding.event_id == event_id, Selfie.storage_key.is_not(None))
        .order_by(SelfieEmbedding.id)
    )
    return [(row[0], str(row[1])) for row in rows]


def evaluated_in(session: Session, event_id: int) -> Sequence[EvaluatedPhoto]:
    """Return what unfinished evaluations have read in the event."""
    return session.scalars(
        select(EvaluatedPhoto)
        .join(Evaluation, Evaluation.id == EvaluatedPhoto.evaluation_id)
        .where(Evaluation.event_id == event_id)
    ).all()


def plain_selfies(session: Session, limit: int) -> Sequence[Selfie]:
    """Return selfies whose file may not be encrypted."""
    wanted = select(Selfie).where(Selfie.is_encrypted.is_(False), Selfie.storage_key.is_not(None))
    return session.scalars(wanted.order_by(Selfie.id).limit(limit)).all()


def lock_selfie(session: Session, selfie_id: int) -> Selfie | None:
    """Return a selfie with its row locked."""
    return session.scalar(select(Selfie).where(Selfie.id == selfie_id).with_for_update())


def is_plain(length: int) -> bool:
    """Return whether a stored template of so many bytes is not encrypted; an empty one is none."""
    return length > 0 and length % 4 == 0


def plain_templates(session: Session, limit: int) -> list[tuple[str, str]]:
    """Return tables and ids of templates that are not encrypted; of an unfinished evaluation, the photo's id."""
    of_selfie = or_(_plain(SelfieEmbedding.embedding), _plain(SelfieEmbedding.mean))
    found = list[tuple[str, str]]()
    for table, row_id, plain in (
        (Face.__tablename__, Face.id, _plain(Face.embedding)),
        (SelfieEmbedding.__tablename__, SelfieEmbedding.id, of_selfie),
        (EvaluatedPhoto.__tablename__, EvaluatedPhoto.photo_id, _plain(EvaluatedPhoto.embeddings)),
    ):
        ids = session.scalars(select(row_id).where(plain).order_by(row_id).limit(limit))
        found += [(table, str(each)) for each in ids]
    return found


# --- for the audit ------------------------------------------------------------------------------------


def encrypted_events_after(session: Session, after: int, limit: int) -> Sequence[Row[int, str]]:
    """Return id and key of the events with an encrypted template and an id above `after`, by id."""
    face = exists().where(Face.event_id == Event.id, _encrypted(Face.embedding))
    portrait = exists().where(SelfieEmbedding.event_id == Event.id, _encrypted(SelfieEmbedding.embedding))
    wanted = select(Event.id, func.coalesce(Event.key_id, "")).where(Event.id > after, face | portrait)
    return session.execute(wanted.order_by(Event.id).limit(limit)).all()


def oldest_face(session: Session, event_id: int) -> Face | None:
    """Return the event's face with the lowest id that has a template."""
    wanted = select(Face).where(Face.event_id == event_id, func.length(Face.embedding) > 0)
    return session.scalar(wanted.order_by(Face.id).limit(1))


def ended_events_after(session: Session, after: int, limit: int) -> Sequence[Row[int, str]]:
    """Return id and key of the events that compare faces no longer, without templates, with an id above `after`."""
    face, portrait = exists().where(Face.event_id == Event.id), exists().where(SelfieEmbedding.event_id == Event.id)
    wanted = select(Event.id, func.coalesce(Event.key_id, "")).where(
        Event.id > after, Event.faces_ended_at.is_not(None), ~face, ~portrait
    )
    return session.execute(wanted.order_by(Event.id).limit(limit)).all()
