"""SQL about uploads under way."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models import Photo, Upload, UploadPart


def own(session: Session, event_id: int, photographer_id: int, upload_id: int) -> Upload | None:
    """Return an upload of this photographer to this event."""
    wanted = select(Upload).where(
        Upload.id == upload_id, Upload.event_id == event_id, Upload.photographer_id == photographer_id
    )
    return session.scalar(wanted)


def lock_upload(session: Session, upload_id: int) -> Upload | None:
    """Return an upload, with its row locked."""
    return session.scalar(select(Upload).where(Upload.id == upload_id).with_for_update())


def same_file(session: Session, asked: Upload) -> Upload | None:
    """Return the newest open upload by which the photographer sends this very file to the event in the same way."""
    wanted = select(Upload).where(
        Upload.event_id == asked.event_id,
        Upload.photographer_id == asked.photographer_id,
        Upload.sha256 == asked.sha256,
        Upload.size == asked.size,
        Upload.filename == asked.filename,
        Upload.way == asked.way,
        Upload.completed_at.is_(None),
    )
    return session.scalars(wanted.order_by(Upload.id.desc()).limit(1)).first()


def open_of(session: Session, photographer_id: int) -> tuple[int, int]:
    """Return how many uploads of the photographer are under way, and their announced bytes."""
    found = session.execute(
        select(func.count(), func.coalesce(func.sum(Upload.size), 0)).where(
            Upload.photographer_id == photographer_id, Upload.completed_at.is_(None)
        )
    ).one()
    return int(found[0]), int(found[1])


def idle_of(session: Session, photographer_id: int, before: datetime) -> Sequence[Upload]:
    """Return the open uploads of the photographer of which nothing has arrived since then."""
    wanted = select(Upload).where(
        Upload.photographer_id == photographer_id, Upload.completed_at.is_(None), Upload.touched_at < before
    )
    return session.scalars(wanted).all()


def of_event(session: Session, event_id: int) -> Sequence[Upload]:
    """Return all uploads to the event."""
    return session.scalars(select(Upload).where(Upload.event_id == event_id)).all()


def begun_before(session: Session, before: datetime, limit: int) -> Sequence[Upload]:
    """Return some uploads that were begun before then."""
    return session.scalars(select(Upload).where(Upload.created_at < before).limit(limit)).all()


def tokens_among(session: Session, tokens: Sequence[str]) -> set[str]:
    """Return those of these tokens that an upload has."""
    return set(session.scalars(select(Upload.token).where(Upload.token.in_(tokens))))


def parts_of(session: Session, upload_id: int) -> dict[int, int]:
    """Return the sizes of the parts that passed through the service, by number."""
    found = select(UploadPart.number, UploadPart.size).where(UploadPart.upload_id == upload_id)
    return {row.number: row.size for row in session.execute(found)}


def record_part(session: Session, upload_id: int, number: int, size: int) -> None:
    """Record that a part is in storage. Idempotent."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(UploadPart).values(upload_id=upload_id, number=number, size=size)
    session.execute(statement.on_conflict_do_nothing())


def forget_parts(session: Session, upload_id: int) -> None:
    """Delete the records of an upload's parts."""
    session.execute(delete(UploadPart).where(UploadPart.upload_id == upload_id))


def remove(session: Session, upload_ids: Sequence[int]) -> None:
    """Delete uploads."""
    session.execute(delete(Upload).where(Upload.id.in_(upload_ids)))


def photo_of(session: Session, upload: Upload) -> Photo | None:
    """Return the photo that the upload has become, if it is still there."""
    return session.get(Photo, upload.photo_id) if upload.photo_id is not None else None
