"""SQL about faces that are no guest's, and about the numbers of faces that are not stored."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from models import (
    KEEP,
    Confirmation,
    EvaluatedPhoto,
    Evaluation,
    Event,
    Face,
    FaceCandidate,
    FaceMatch,
    Photo,
    UnstoredFaces,
)

_UNSYNCHRONISED = {"synchronize_session": False}


class PlacedFace(NamedTuple):
    """A stored face without its embedding: `box` is (x, y, width, height) in px of the upright photo."""

    id: int
    photo_id: int
    engine_id: str
    box: list[float]


_PLACED = (Face.id, Face.photo_id, Face.engine_id, Face.box)


# --- numbers of faces that are not stored ------------------------------------------------------------


_IN_EVENT = select(func.sum(UnstoredFaces.number)).where(
    UnstoredFaces.event_id == bindparam("of_event"), UnstoredFaces.engine_id == bindparam("of_engine")
)
_IN_PHOTO = select(UnstoredFaces.number).where(
    UnstoredFaces.photo_id == bindparam("of_photo"), UnstoredFaces.engine_id == bindparam("of_engine")
)


def number_in_event(session: Session, event_id: int, engine_id: str) -> int:
    """Return how many faces the engine has found in the event that are not stored."""
    return session.scalar(_IN_EVENT, {"of_event": event_id, "of_engine": engine_id}) or 0


def number_in_photo(session: Session, photo_id: int, engine_id: str) -> int:
    """Return how many faces the engine has found in the photo that are not stored."""
    return session.scalar(_IN_PHOTO, {"of_photo": photo_id, "of_engine": engine_id}) or 0


def note_number(session: Session, photo: Photo, engine_id: str, number: int) -> None:
    """Replace the number of the photo's faces that are not stored."""
    of_photo = (UnstoredFaces.photo_id == photo.id, UnstoredFaces.engine_id == engine_id)
    session.execute(delete(UnstoredFaces).where(*of_photo), execution_options=_UNSYNCHRONISED)
    if number:
        row = {"photo_id": photo.id, "engine_id": engine_id, "event_id": photo.event_id, "number": number}
        session.execute(insert(UnstoredFaces), [row])


def add_to_number(session: Session, event_id: int, photo_id: int, engine_id: str, number: int) -> None:
    """Count further faces of the photo as not stored. The event's row is locked."""
    of_photo = (UnstoredFaces.photo_id == photo_id, UnstoredFaces.engine_id == engine_id)
    more = update(UnstoredFaces).where(*of_photo).values(number=UnstoredFaces.number + number)
    if session.execute(more.returning(UnstoredFaces.number), execution_options=_UNSYNCHRONISED).first() is None:
        row = {"photo_id": photo_id, "engine_id": engine_id, "event_id": event_id, "number": number}
        session.execute(insert(UnstoredFaces), [row])


# --- whose faces -------------------------------------------------------------------------------------


def is_a_guests() -> ColumnElement[bool]:
    """Return the condition that the face is a guest's candidate, confirmed by a guest, or that of a match."""
    return or_(
        exists().where(FaceCandidate.face_id == Face.id).correlate(Face),
        exists().where(Confirmation.face_id == Face.id).correlate(Face),
        exists().where(FaceMatch.face_id == Face.id).correlate(Face),
    )


def guests_faces(session: Session, photo_ids: Collection[int]) -> list[PlacedFace]:
    """Return the faces in these photos that are a guest's, by all engines."""
    rows = session.execute(select(*_PLACED).where(Face.photo_id.in_(list(photo_ids)), is_a_guests()))
    return [PlacedFace(*row) for row in rows]


def places_in(session: Session, photo_id: int, engine_id: str) -> list[PlacedFace]:
    """Return the faces that the engine has found in the photo, by their ids."""
    of_photo = select(*_PLACED).where(Face.photo_id == photo_id, Face.engine_id == engine_id)
    return [PlacedFace(*row) for row in session.execute(of_photo.order_by(Face.id))]


def confirmations_in(session: Session, photo_id: int) -> Sequence[Confirmation]:
    """Return what guests have confirmed in the photo."""
    return session.scalars(select(Confirmation).where(Confirmation.photo_id == photo_id)).all()


def faces_of_strangers(
    session: Session, event_id: int, uploaded_before: datetime, limit: int, after: int = 0
) -> list[PlacedFace]:
    """Return faces of the event that are no guest's, by id from above `after`, of photos uploaded up to that time."""
    rows = session.execute(
        select(*_PLACED)
        .join(Photo, Photo.id == Face.photo_id)
        .where(Face.event_id == event_id, Face.id > after, Photo.uploaded_at <= uploaded_before, ~is_a_guests())
        .order_by(Face.id)
        .limit(limit)
    )
    return [PlacedFace(*row) for row in rows]


# --- erasure -----------------------------------------------------------------------------------------


def events_with_end(session: Session) -> Sequence[Event]:
    """Return the events in which templates of faces that are no guest's end before those of the guests, by id."""
    return session.scalars(select(Event).where(Event.bystanders != KEEP).order_by(Event.id)).all()


def delete_faces(session: Session, face_ids: Sequence[int]) -> None:
    """Delete faces, with their templates."""
    session.execute(delete(Face).where(Face.id.in_(face_ids)), execution_options=_UNSYNCHRONISED)


def _of_evaluations(event_id: int) -> ColumnElement[bool]:
    return EvaluatedPhoto.evaluation_id.in_(select(Evaluation.id).where(Evaluation.event_id == event_id))


def has_evaluated(session: Session, event_id: int) -> bool:
    """Return whether an evaluation that is under way has computed anything from the event's photos."""
    return bool(session.scalar(select(exists().where(_of_evaluations(event_id)))))


def delete_evaluated(session: Session, event_id: int) -> None:
    """Delete what evaluations that are under way have computed from the event's photos."""
    session.execute(delete(EvaluatedPhoto).where(_of_evaluations(event_id)), execution_options=_UNSYNCHRONISED)


def delete_numbers_of_others(session: Session, event_id: int, engine_id: str) -> None:
    """Delete the numbers of other engines than this one; those of a photo that has a job for them stay."""
    others = (UnstoredFaces.event_id == event_id, UnstoredFaces.engine_id != engine_id)
    last_look = exists().where(Photo.id == UnstoredFaces.photo_id, Photo.engine_id == UnstoredFaces.engine_id)
    session.execute(delete(UnstoredFaces).where(*others, ~last_look), execution_options=_UNSYNCHRONISED)
