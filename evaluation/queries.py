"""SQL of evaluations."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from encryption.templates import portrait_place, reading_cipher
from evaluation.cases import PhotoFile, PortraitFile
from models import (
    DONE,
    FAILED,
    PENDING,
    PROCESSING,
    EvaluatedPhoto,
    Evaluation,
    Photo,
    Selfie,
    SelfieEmbedding,
)

_UNFINISHED = (PENDING, PROCESSING)


def evaluation(session: Session, evaluation_id: int) -> Evaluation | None:
    """Return an evaluation."""
    return session.get(Evaluation, evaluation_id)


def lock_evaluation(session: Session, evaluation_id: int) -> Evaluation | None:
    """Return an evaluation with its row locked. The caller has locked the event's row."""
    return session.scalar(select(Evaluation).where(Evaluation.id == evaluation_id).with_for_update())


def unfinished(session: Session, event_id: int, user_id: int, provider: str) -> Evaluation | None:
    """Return the unfinished evaluation of this provider for this guest and event."""
    return session.scalar(
        select(Evaluation)
        .where(
            Evaluation.event_id == event_id,
            Evaluation.user_id == user_id,
            Evaluation.provider == provider,
            Evaluation.status.in_(_UNFINISHED),
        )
        .order_by(Evaluation.id)
        .limit(1)
    )


def portraits(session: Session, user_id: int, event_id: int, engine_id: str) -> list[PortraitFile]:
    """Return the guest's accepted selfies, with the embedding by this engine in the event where there is one."""
    of_engine = (
        (SelfieEmbedding.selfie_id == Selfie.id)
        & (SelfieEmbedding.event_id == event_id)
        & (SelfieEmbedding.engine_id == engine_id)
    )
    rows = session.execute(
        select(Selfie.id, Selfie.storage_key, Selfie.width, Selfie.height, SelfieEmbedding.embedding)
        .outerjoin(SelfieEmbedding, of_engine)
        .where(Selfie.user_id == user_id, Selfie.status == DONE, Selfie.storage_key.is_not(None))
        .order_by(Selfie.id)
    )
    cipher = reading_cipher(session, event_id)
    return [
        PortraitFile(
            row.id,
            row.storage_key or "",
            (row.width or 0) * (row.height or 0),
            cipher.opened_portrait(row.storage_key or "", portrait_place(row.id), row.embedding or b"") or None,
        )
        for row in rows
    ]


def photos_to_read(session: Session, event_id: int, evaluation_id: int) -> list[PhotoFile]:
    """Return the processed photos of the event that this evaluation has not read yet."""
    read = exists().where(EvaluatedPhoto.evaluation_id == evaluation_id, EvaluatedPhoto.photo_id == Photo.id)
    rows = session.execute(
        select(Photo.id, Photo.filename, Photo.width, Photo.height)
        .where(Photo.event_id == event_id, Photo.status == DONE, ~read)
        .order_by(Photo.id)
    )
    return [PhotoFile(*row) for row in rows]


def processed_photos(session: Session, event_id: int) -> Sequence[int]:
    """Return the ids of the photos of the event whose faces are stored."""
    return session.scalars(
        select(Photo.id).where(Photo.event_id == event_id, Photo.status == DONE).order_by(Photo.id)
    ).all()


def photo_names(session: Session, event_id: int) -> dict[int, str]:
    """Return the names of the event's photos as they were uploaded, by id."""
    named = select(Photo.id, Photo.original_filename).where(Photo.event_id == event_id)
    return dict(iter(session.execute(named).all()))


# --- what an unfinished evaluation has read ---------------------------------------------------------


def has_read(session: Session, evaluation_id: int, photo_id: int) -> bool:
    """Return whether the evaluation has read the photo."""
    return session.get(EvaluatedPhoto, (evaluation_id, photo_id)) is not None


def read_photos(session: Session, event_id: int, evaluation_id: int) -> Iterator[tuple[EvaluatedPhoto, bytes]]:
    """Yield what the evaluation has read, in the order of the photos, each with its embeddings decrypted."""
    found = select(EvaluatedPhoto).where(EvaluatedPhoto.evaluation_id == evaluation_id)
    cipher = reading_cipher(session, event_id)
    for each in session.scalars(found.order_by(EvaluatedPhoto.photo_id)):
        yield each, cipher.opened_evaluated(each.photo_id, each.embeddings) or b""


def count_read(session: Session, evaluation_id: int) -> int:
    """Return the number of photos that the evaluation has read."""
    found = select(func.count()).select_from(EvaluatedPhoto).where(EvaluatedPhoto.evaluation_id == evaluation_id)
    return session.scalar(found) or 0


def delete_read(session: Session, evaluation_id: int) -> None:
    """Delete what the evaluation has read."""
    session.execute(delete(EvaluatedPhoto).where(EvaluatedPhoto.evaluation_id == evaluation_id))


# --- erasing ---------------------------------------------------------------------------------------


def has_old(session: Session, before: datetime) -> bool:
    """Return whether `delete_old` has anything to delete."""
    ended = select(Evaluation.id).where(Evaluation.status.in_((DONE, FAILED)))
    rest = exists().where(EvaluatedPhoto.evaluation_id.in_(ended))
    old = exists().where(Evaluation.finished_at < before)
    return bool(session.scalar(select(old | rest)))


def delete_old(session: Session, before: datetime) -> int:
    """Delete evaluations that ended before that time, and what failed ones had read; return how many."""
    gone = session.execute(delete(Evaluation).where(Evaluation.finished_at < before).returning(Evaluation.id)).all()
    ended = select(Evaluation.id).where(Evaluation.status.in_((DONE, FAILED)))
    session.execute(delete(EvaluatedPhoto).where(EvaluatedPhoto.evaluation_id.in_(ended)))
    return len(gone)
