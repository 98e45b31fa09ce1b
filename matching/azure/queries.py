"""SQL about the faces that Azure keeps, what its searches found, and what is to be deleted there."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models import (
    DONE,
    PENDING,
    PROCESSING,
    Face,
    Photo,
    RemoteDoubt,
    RemoteFace,
    RemoteList,
    Selfie,
    SelfieEmbedding,
    UserEvent,
)

OWNERLESS: ColumnElement[bool] = and_(RemoteFace.face_id.is_(None), RemoteFace.embedding_id.is_(None))


class Waiting(NamedTuple):
    """What is still to be deleted there: lists, faces, and faces that may be there without a row."""

    lists: int
    faces: int
    doubts: int


class Left(NamedTuple):
    """A face without an owner: its row's id, its list's name there, and its id in that list."""

    id: int
    list_id: int
    list_name: str
    persisted_id: str


# --- lists -----------------------------------------------------------------------------------------


def remote_list(session: Session, event_id: int, kind: str) -> RemoteList | None:
    """Return the event's list of that kind."""
    return session.scalar(select(RemoteList).where(RemoteList.event_id == event_id, RemoteList.kind == kind))


def list_named(session: Session, name: str) -> RemoteList | None:
    """Return the row of the list with this name there."""
    return session.scalar(select(RemoteList).where(RemoteList.name == name))


def add_list(session: Session, event_id: int, kind: str, name: str, changed: int = 0) -> None:
    """Insert the row of a list unless there is one."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    values = {"event_id": event_id, "kind": kind, "name": name, "changed": changed}
    session.execute(dialect.insert(RemoteList).values(**values).on_conflict_do_nothing())


def mark_made(session: Session, list_id: int) -> None:
    """Note that the list exists there."""
    session.execute(update(RemoteList).where(RemoteList.id == list_id).values(made=True))


def increment_changed(session: Session, list_id: int) -> None:
    """Note that faces of the list were added or deleted."""
    session.execute(update(RemoteList).where(RemoteList.id == list_id).values(changed=RemoteList.changed + 1))


def raise_trained(session: Session, list_id: int, version: int) -> None:
    """Note that the list was trained with the faces of this version, unless a later one is noted."""
    session.execute(
        update(RemoteList).where(RemoteList.id == list_id, RemoteList.trained < version).values(trained=version)
    )


def give_up_list(session: Session, list_id: int) -> None:
    """Have the list deleted there, whatever it still has; delete the rows of its faces, not those of its doubts."""
    session.execute(delete(RemoteFace).where(RemoteFace.list_id == list_id))
    session.execute(update(RemoteList).where(RemoteList.id == list_id).values(event_id=None))


def is_in_use(session: Session, list_id: int) -> bool:
    """Return whether the list is an event's, and not to be deleted there."""
    in_use = exists().where(RemoteList.id == list_id, RemoteList.event_id.is_not(None))
    return bool(session.scalar(select(in_use)))


def delete_list(session: Session, list_id: int) -> None:
    """Delete the row of a list; those of its faces and doubts go with it."""
    session.execute(delete(RemoteList).where(RemoteList.id == list_id))


def has_faces(session: Session, list_id: int) -> bool:
    """Return whether the list has a face with an owner."""
    return bool(session.scalar(select(exists().where(RemoteFace.list_id == list_id, ~OWNERLESS))))


# --- faces -----------------------------------------------------------------------------------------


def kept_faces(session: Session, photo_id: int, engine_id: str) -> tuple[int, int]:
    """Return how many faces the engine has found in a photo, and how many of them are in the list there."""
    there = exists().where(RemoteFace.face_id == Face.id)
    faces = select(func.count(), func.count().filter(there)).where(
        Face.photo_id == photo_id, Face.engine_id == engine_id
    )
    row = session.execute(faces).one()
    return int(row[0]), int(row[1])


def faces_gone(session: Session, photo_id: int, engine_id: str) -> list[Face]:
    """Return the photo's faces by the engine, in the order found, if none of them is in a list there any more."""
    faces, there = kept_faces(session, photo_id, engine_id)
    if not faces or there:
        return []
    of_photo = select(Face).where(Face.photo_id == photo_id, Face.engine_id == engine_id)
    return list(session.scalars(of_photo.order_by(Face.id)))


def is_portrait_kept(session: Session, embedding_id: int) -> bool:
    """Return whether the portrait is in the event's list there."""
    return bool(session.scalar(select(exists().where(RemoteFace.embedding_id == embedding_id))))


def add_faces(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert faces that are there; each row has the columns of `RemoteFace` by name."""
    if rows:
        session.execute(insert(RemoteFace), list(rows))


def owners(session: Session, list_id: int, persisted_ids: Collection[str]) -> dict[str, RemoteFace]:
    """Return the faces with these ids there that have an owner, by that id."""
    found = session.scalars(
        select(RemoteFace).where(
            RemoteFace.list_id == list_id, RemoteFace.persisted_id.in_(list(persisted_ids)), ~OWNERLESS
        )
    )
    return {each.persisted_id: each for each in found}


def embedding_of(session: Session, selfie_id: int, event_id: int, engine_id: str) -> SelfieEmbedding | None:
    """Return the row that stands for a selfie in an event."""
    return session.scalar(
        select(SelfieEmbedding).where(
            SelfieEmbedding.selfie_id == selfie_id,
            SelfieEmbedding.event_id == event_id,
            SelfieEmbedding.engine_id == engine_id,
        )
    )


def guests_of(session: Session, embedding_ids: Collection[int]) -> set[int]:
    """Return the ids of the guests whose portraits these are."""
    statement = select(Selfie.user_id).join(SelfieEmbedding, SelfieEmbedding.selfie_id == Selfie.id)
    return set(session.scalars(statement.where(SelfieEmbedding.id.in_(list(embedding_ids)))))


# --- doubts ----------------------------------------------------------------------------------------


def add_doubts(session: Session, list_id: int, notes: Collection[str], due_at: datetime) -> None:
    """Record that faces with these notes may soon be in the list."""
    session.execute(insert(RemoteDoubt), [{"note": each, "list_id": list_id, "due_at": due_at} for each in notes])


def end_doubts(session: Session, notes: Collection[str]) -> int:
    """Delete the records of these notes; return how many there were."""
    statement = delete(RemoteDoubt).where(RemoteDoubt.note.in_(list(notes))).returning(RemoteDoubt.note)
    return len(session.execute(statement).all())


def reschedule_doubts(session: Session, notes: Collection[str], due_at: datetime) -> None:
    """Have the list searched for these notes from that time on."""
    session.execute(update(RemoteDoubt).where(RemoteDoubt.note.in_(list(notes))).values(due_at=due_at))


def due_doubts(session: Session, now: datetime) -> dict[tuple[int, str], set[str]]:
    """Return the notes that are due, by their list's id and name."""
    rows = session.execute(
        select(RemoteDoubt.list_id, RemoteList.name, RemoteDoubt.note)
        .join(RemoteList, RemoteList.id == RemoteDoubt.list_id)
        .where(RemoteDoubt.due_at <= now, RemoteList.event_id.is_not(None))
    )
    found = dict[tuple[int, str], set[str]]()
    for list_id, name, note in rows:
        found.setdefault((list_id, name), set()).add(note)
    return found


def known_faces(session: Session, list_id: int, persisted_ids: Collection[str]) -> set[str]:
    """Return those of these ids there that a row has, with an owner or without."""
    statement = select(RemoteFace.persisted_id).where(RemoteFace.list_id == list_id)
    return set(session.scalars(statement.where(RemoteFace.persisted_id.in_(list(persisted_ids)))))


# --- what is to be deleted there ---------------------------------------------------------------------


def left_lists(
    session: Session, erased_before: datetime, limit: int, without: Collection[int] = ()
) -> Sequence[RemoteList]:
    """Return lists without an event that are not deleted there, or were before that time and may be made again."""
    return session.scalars(
        select(RemoteList)
        .where(RemoteList.event_id.is_(None), RemoteList.id.not_in(list(without)))
        .where(or_(RemoteList.erased_at.is_(None), RemoteList.erased_at < erased_before))
        .order_by(RemoteList.id)
        .limit(limit)
    ).all()


def left_faces(session: Session, limit: int, without: Collection[int] = ()) -> list[Left]:
    """Return faces without an owner, of lists that stay; not the rows `without`."""
    rows = session.execute(
        select(RemoteFace.id, RemoteFace.list_id, RemoteList.name, RemoteFace.persisted_id)
        .join(RemoteList, RemoteList.id == RemoteFace.list_id)
        .where(OWNERLESS, RemoteList.event_id.is_not(None), RemoteFace.id.not_in(list(without)))
        .order_by(RemoteFace.id)
        .limit(limit)
    )
    return [Left(*row) for row in rows]


def delete_face(session: Session, remote_face_id: int) -> None:
    """Delete the row of a face that is gone there."""
    session.execute(delete(RemoteFace).where(RemoteFace.id == remote_face_id))


def note_erased(session: Session, list_id: int, now: datetime) -> None:
    """Note that a list is gone there."""
    session.execute(update(RemoteList).where(RemoteList.id == list_id).values(erased_at=now))


def waiting(session: Session) -> Waiting:
    """Return what is still to be deleted there."""
    lists = select(func.count()).where(RemoteList.event_id.is_(None), RemoteList.erased_at.is_(None))
    faces = (
        select(func.count())
        .select_from(RemoteFace)
        .join(RemoteList, RemoteList.id == RemoteFace.list_id)
        .where(OWNERLESS, RemoteList.erased_at.is_(None))
    )
    doubts = select(func.count()).select_from(RemoteDoubt)
    return Waiting(*(session.scalar(each) or 0 for each in (lists, faces, doubts)))


# --- jobs that follow --------------------------------------------------------------------------------


def queue_matching(session: Session, event_id: int, user_ids: Collection[int], due_at: datetime) -> None:
    """Queue a matching of these guests, to begin at that time; one that waits or is under way stays as it is.

    The one under way ends by looking at what `want_search` noted. What the guests see of their state does not change.
    """
    of_guests = (
        UserEvent.event_id == event_id,
        UserEvent.user_id.in_(list(user_ids)),
        UserEvent.withdrawn_at.is_(None),
        UserEvent.status.not_in((PENDING, PROCESSING)),
    )
    values = UserEvent.requeue_values(lease_until=due_at)
    session.execute(update(UserEvent).where(*of_guests).values(**values))


def queue_photos(session: Session, event_id: int) -> None:
    """Queue every photo of the event that is done again."""
    done = (Photo.event_id == event_id, Photo.status == DONE)
    session.execute(update(Photo).where(*done).values(**Photo.requeue_values()))
