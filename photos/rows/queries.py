"""SQL about single photos: found by checksum or name, locked, queued again, deleted."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, exists, func, select, update
from sqlalchemy.orm import Session

from images import EXTENSIONS
from models import FAILED, Photo, PhotoRaw, Reprocessing
from photos.keys import PhotoFiles


def with_checksum(session: Session, event_id: int, sha256: str) -> Photo | None:
    """Return the event's photo whose original or RAW file has this SHA-256 (hex)."""
    raw = select(PhotoRaw.photo_id).where(PhotoRaw.event_id == event_id, PhotoRaw.sha256 == sha256)
    found = session.scalar(select(Photo).where(Photo.event_id == event_id, Photo.sha256 == sha256))
    return found or session.scalar(select(Photo).where(Photo.id == raw.scalar_subquery()))


def of_checksums(session: Session, event_id: int, sha256: Sequence[str]) -> Sequence[Row[str, int, str]]:
    """Return checksum, id and status of the event's photos whose original or RAW file has one of these checksums."""
    own = select(Photo.sha256, Photo.id, Photo.status).where(Photo.event_id == event_id, Photo.sha256.in_(sha256))
    raws = (
        select(PhotoRaw.sha256, Photo.id, Photo.status)
        .join(Photo, Photo.id == PhotoRaw.photo_id)
        .where(PhotoRaw.event_id == event_id, PhotoRaw.sha256.in_(sha256))
    )
    return session.execute(own.union_all(raws)).all()


def _files(condition: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Photo.event_id,
            Photo.filename,
            Photo.status,
            Photo.rendition_set,
            Reprocessing.id,
            Reprocessing.replaced,
            Reprocessing.status,
        )
        .outerjoin(Reprocessing, Reprocessing.photo_id == Photo.id)
        .where(condition)
        .order_by(Photo.id)
    )


def files_of(session: Session, photo_ids: Sequence[int]) -> list[PhotoFiles]:
    """Return what names the files of these photos."""
    return [PhotoFiles(*row) for row in session.execute(_files(Photo.id.in_(photo_ids)))]


def files_in(session: Session, event_id: int) -> list[PhotoFiles]:
    """Return what names the files of an event's photos."""
    return [PhotoFiles(*row) for row in session.execute(_files(Photo.event_id == event_id))]


def files_of_stems(session: Session, wanted: Sequence[str]) -> list[PhotoFiles]:
    """Return what names the files of the photos whose stored name without extension is one of `wanted`."""
    names = [f"{stem}{ending}" for stem in wanted for ending in EXTENSIONS]
    return [PhotoFiles(*row) for row in session.execute(_files(Photo.filename.in_(names)))]


def try_again(session: Session, photo_id: int) -> None:
    """Queue a photo whose processing has failed again."""
    session.execute(
        update(Photo)
        .where(Photo.id == photo_id, Photo.status == FAILED)
        .values(**Photo.requeue_values(finished_at=None))
    )


def events_of(session: Session, photo_ids: Sequence[int]) -> Sequence[int]:
    """Return the ids of those photos' events in the order in which the events' rows must be locked."""
    return session.scalars(
        select(Photo.event_id).where(Photo.id.in_(photo_ids)).distinct().order_by(Photo.event_id)
    ).all()


def lock_photos(session: Session, photo_ids: Sequence[int]) -> Sequence[Photo]:
    """Return those photos with their rows locked."""
    return session.scalars(select(Photo).where(Photo.id.in_(photo_ids)).order_by(Photo.id).with_for_update()).all()


def is_there(session: Session, photo_id: int) -> bool:
    """Return whether there is a photo of this id: none in the trash."""
    return bool(session.scalar(select(exists().where(Photo.id == photo_id))))


def remove(session: Session, photo_ids: Sequence[int]) -> None:
    """Delete these photos; faces and matches go with them."""
    session.execute(delete(Photo).where(Photo.id.in_(photo_ids)))


def count(session: Session) -> int:
    """Return the number of photos."""
    return session.scalar(select(func.count()).select_from(Photo)) or 0
