"""SQL about the faces of a guest whose account is erased, and about the places where they were."""

from collections.abc import Sequence

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session, defer

from matching.claims.nearest import MATCH
from models import ErasedFace, Face, FaceCandidate, FaceMatch, Photo

# Values in one IN list: SQLite takes 32,766 in a statement.
CHUNK = 10_000


def own_faces(session: Session, user_id: int) -> Sequence[Face]:
    """Return the faces that similarity shows to be the guest's, without those that are another account's too.

    Not those that only the guest claims ("this is me"): they may be another person's.
    """
    matched = select(FaceMatch.face_id).where(FaceMatch.user_id == user_id, FaceMatch.declared.is_(False))
    found = select(FaceCandidate.face_id).where(FaceCandidate.user_id == user_id, FaceCandidate.standing == MATCH)
    anothers = exists().where(
        FaceMatch.face_id == Face.id, FaceMatch.user_id != user_id, FaceMatch.declared.is_(False)
    )
    claimed = exists().where(
        FaceCandidate.face_id == Face.id, FaceCandidate.user_id != user_id, FaceCandidate.standing == MATCH
    )
    wanted = select(Face).where(
        Face.id.in_(matched.union(found)), ~anothers.correlate(Face), ~claimed.correlate(Face)
    )
    return session.scalars(wanted.order_by(Face.id).options(defer(Face.embedding))).all()


def faces_in(session: Session, photo_ids: Sequence[int]) -> list[Face]:
    """Return the faces that any engine has found in these photos."""
    found = list[Face]()
    for start in range(0, len(photo_ids), CHUNK):
        wanted = select(Face).where(Face.photo_id.in_(photo_ids[start : start + CHUNK]))
        found += session.scalars(wanted.options(defer(Face.embedding)))
    return found


def photos(session: Session, photo_ids: Sequence[int]) -> list[Photo]:
    """Return these photos."""
    found = list[Photo]()
    for start in range(0, len(photo_ids), CHUNK):
        found += session.scalars(select(Photo).where(Photo.id.in_(photo_ids[start : start + CHUNK])))
    return found


def delete_faces(session: Session, face_ids: Sequence[int]) -> None:
    """Delete faces; other guests' claims ("this is me") stay, without a face."""
    for start in range(0, len(face_ids), CHUNK):
        chunk = face_ids[start : start + CHUNK]
        claimed = update(FaceMatch).where(FaceMatch.face_id.in_(chunk), FaceMatch.declared)
        session.execute(claimed.values(face_id=None).execution_options(synchronize_session=False))
        session.execute(delete(Face).where(Face.id.in_(chunk)).execution_options(synchronize_session=False))


def places(session: Session, photo_id: int) -> Sequence[ErasedFace]:
    """Return the places of erased faces in a photo."""
    return session.scalars(select(ErasedFace).where(ErasedFace.photo_id == photo_id).order_by(ErasedFace.id)).all()
