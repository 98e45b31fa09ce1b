"""SQL about keys, and about what is not encrypted yet."""

from collections.abc import Sequence

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session

from models import ChangeMark, EvaluatedPhoto, Evaluation, Event, Face, Installation, Selfie, SelfieEmbedding

KEYS_MARK = "keys"


def event_key(session: Session, event_id: int) -> str | None:
    """Return the name of the event's key; None if there is no such event."""
    event = session.get(Event, event_id)
    return event.key_id if event is not None else None


def needs_keys(session: Session) -> bool:
    """Return whether any template is encrypted."""
    face = exists().where(func.length(Face.embedding) % 4 != 0)
    portrait = exists().where(func.length(SelfieEmbedding.embedding) % 4 != 0)
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
    return [row._tuple() for row in session.execute(wanted.order_by(Face.id).limit(limit))]


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
    """Return tables and ids of templates that are not encrypted."""
    found = list[tuple[str, str]]()
    for model, columns in (
        (Face, (Face.embedding,)),
        (SelfieEmbedding, (SelfieEmbedding.embedding, SelfieEmbedding.mean)),
    ):
        plain = or_(*((func.length(each) > 0) & (func.length(each) % 4 == 0) for each in columns))
        ids = session.scalars(select(model.id).where(plain).order_by(model.id).limit(limit))
        found += [(model.__tablename__, str(each)) for each in ids]
    return found
