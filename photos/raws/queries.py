"""SQL about RAW files and the photos they belong to."""

from collections.abc import Sequence

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.orm import Session

from models import Photo, PhotoRaw, Reprocessing


def of_photo(session: Session, photo_id: int) -> PhotoRaw | None:
    """Return the RAW file of a photo."""
    return session.get(PhotoRaw, photo_id)


def of_photos(session: Session, photo_ids: Sequence[int]) -> Sequence[PhotoRaw]:
    """Return the RAW files of these photos."""
    return session.scalars(select(PhotoRaw).where(PhotoRaw.photo_id.in_(photo_ids))).all()


def _named(event_id: int, photographer_id: int, names: Sequence[str]) -> Select[Photo]:
    return (
        select(Photo)
        .outerjoin(PhotoRaw, PhotoRaw.photo_id == Photo.id)
        .where(
            Photo.event_id == event_id,
            Photo.original_filename.in_(names),
            Photo.photographer_id == photographer_id,
        )
        .order_by(Photo.id)
        .with_for_update(of=Photo)
    )


def lock_without_raw(
    session: Session, event_id: int, photographer_id: int, names: Sequence[str], kinds: Sequence[str]
) -> Sequence[Photo]:
    """Return and lock a photographer's photos of these names and content types that have no RAW file."""
    wanted = _named(event_id, photographer_id, names)
    return session.scalars(wanted.where(PhotoRaw.photo_id.is_(None), Photo.content_type.in_(kinds))).all()


def has_alone(session: Session, event_id: int, photographer_id: int, names: Sequence[str]) -> bool:
    """Return whether the photographer has a photo of these names whose RAW file came alone, without a lock."""
    wanted = select(Photo.id).join(PhotoRaw, PhotoRaw.photo_id == Photo.id)
    mine = wanted.where(Photo.event_id == event_id, Photo.photographer_id == photographer_id, PhotoRaw.alone)
    return session.scalar(mine.where(Photo.original_filename.in_(names)).limit(1)) is not None


def lock_alone(session: Session, event_id: int, photographer_id: int, names: Sequence[str]) -> Sequence[Photo]:
    """Return and lock a photographer's photos of these names whose RAW file came alone."""
    return session.scalars(_named(event_id, photographer_id, names).where(PhotoRaw.alone)).all()


def files_of(session: Session, photo_ids: Sequence[int]) -> Sequence[Row[int, str]]:
    """Return event id and stored name of the RAW files of these photos."""
    return session.execute(select(PhotoRaw.event_id, PhotoRaw.filename).where(PhotoRaw.photo_id.in_(photo_ids))).all()


def files_in(session: Session, event_id: int) -> Sequence[Row[int, str]]:
    """Return event id and stored name of an event's RAW files."""
    return session.execute(select(PhotoRaw.event_id, PhotoRaw.filename).where(PhotoRaw.event_id == event_id)).all()


def named(session: Session, names: Sequence[str]) -> Sequence[Row[int, str]]:
    """Return event id and stored name of the RAW files with these stored names."""
    return session.execute(select(PhotoRaw.event_id, PhotoRaw.filename).where(PhotoRaw.filename.in_(names))).all()


def drop_reprocessing(session: Session, photo_id: int) -> None:
    """Delete the job that makes the renditions of a photo again, if there is one."""
    session.execute(delete(Reprocessing).where(Reprocessing.photo_id == photo_id))
