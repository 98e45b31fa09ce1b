"""SQL about photos that are processed again, and about what refers to their old faces."""

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models import Confirmation, Face, FaceCandidate, FaceMatch, RemoteSimilarity, Reprocessing


def job(session: Session, job_id: int) -> Reprocessing | None:
    """Return a job."""
    return session.get(Reprocessing, job_id)


def lock_job(session: Session, job_id: int) -> Reprocessing | None:
    """Return a job with its row locked."""
    return session.scalar(select(Reprocessing).where(Reprocessing.id == job_id).with_for_update())


def faces_in(session: Session, photo_id: int) -> Sequence[Face]:
    """Return the photo's faces by all engines, by their ids."""
    return session.scalars(select(Face).where(Face.photo_id == photo_id).order_by(Face.id)).all()


def confirmations_in(session: Session, photo_id: int) -> Sequence[Confirmation]:
    """Return what guests have confirmed in the photo."""
    return session.scalars(select(Confirmation).where(Confirmation.photo_id == photo_id)).all()


def add_faces(session: Session, faces: Sequence[Face]) -> None:
    """Insert faces, numbered in the order given."""
    for face in faces:
        session.add(face)
        session.flush()


def hand_over(session: Session, old_id: int, new_id: int | None) -> None:
    """Let what refers to a face refer to another one; with None, matches keep no face and the rest stays."""
    tables = (FaceCandidate, RemoteSimilarity, FaceMatch) if new_id is not None else (FaceMatch,)
    for table in tables:
        session.execute(
            update(table)
            .where(table.face_id == old_id)
            .values(face_id=new_id)
            .execution_options(synchronize_session=False)
        )


def delete_faces(session: Session, face_ids: Sequence[int]) -> None:
    """Delete faces; their candidates go with them."""
    session.execute(delete(Face).where(Face.id.in_(face_ids)).execution_options(synchronize_session=False))
