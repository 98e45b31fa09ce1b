"""SQL about numbers of photos and the faces of one."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Row, Select, Subquery, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from events.queries import counts_in_event
from models import Confirmation, Event, EventPhotographer, Face, FaceMatch, Photo, UnstoredFaces


class FaceRow(NamedTuple):
    """A face of a photo: its box (x, y, width, height) in px, and the score of the guest's match with it, if any.

    `confirmed`: the guest has said that it is theirs.
    """

    face_id: int
    box: list[float]
    confidence_score: float | None
    confirmed: bool


def _counts_of(photos: Subquery) -> Select[int, int]:
    """Count these photos, of which `id` is given, and those in which a face was found."""
    every = select(func.count()).select_from(photos)
    # A subquery per photo, by index: for a join a planner may choose to read the faces of all events.
    there = (Face.photo_id == photos.c.id, counts_in_event(Face.event_id, Face.engine_id))
    stored = select(Face.id).where(*there).limit(1).scalar_subquery().is_not(None)
    unstored = exists().where(
        UnstoredFaces.photo_id == photos.c.id, counts_in_event(UnstoredFaces.event_id, UnstoredFaces.engine_id)
    )
    with_face = every.where(or_(stored, unstored))
    return select(every.scalar_subquery(), with_face.scalar_subquery())


def counts_of_all(session: Session) -> Row[int, int]:
    """Return the number of all photos, and of those in which a face was found."""
    return session.execute(_counts_of(select(Photo.id).subquery())).one()


def counts_of_photographer(session: Session, user_id: int) -> Row[int, int]:
    """Return the number of photos that the photographer may see, and of those in which a face was found."""
    own = select(Photo.id).where(Photo.photographer_id == user_id)
    of_events = select(Photo.id).join(EventPhotographer, EventPhotographer.event_id == Photo.event_id)
    # Not with OR, for which a planner may read all photos.
    seen = own.union(of_events.where(EventPhotographer.photographer_id == user_id)).subquery()
    return session.execute(_counts_of(seen)).one()


def faces_seen_by(session: Session, photo_id: int, user_id: int) -> Sequence[FaceRow]:
    """Return the photo's faces by the event's active engine, with the score of this guest's own match only."""
    rows = session.execute(
        select(Face.id, Face.box, FaceMatch.confidence_score, Confirmation.user_id.is_not(None))
        .join(Event, and_(Event.id == Face.event_id, Event.active_engine_id == Face.engine_id))
        .outerjoin(FaceMatch, and_(FaceMatch.face_id == Face.id, FaceMatch.user_id == user_id))
        .outerjoin(Confirmation, and_(Confirmation.face_id == Face.id, Confirmation.user_id == user_id))
        .where(Face.photo_id == photo_id)
        .order_by(Face.id)
    )
    return [FaceRow(*row) for row in rows]
