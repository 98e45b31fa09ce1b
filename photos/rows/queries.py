"""SQL about single photos: found by checksum or name, locked, queued again, deleted."""

from collections.abc import Sequence

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.orm import Session

from images import EXTENSIONS
from models import FAILED, Photo


def with_checksum(session: Session, event_id: int, sha256: str) -> Photo | None:
    """Return the event's photo whose original has this SHA-256 (hex)."""
    return session.scalar(select(Photo).where(Photo.event_id == event_id, Photo.sha256 == sha256))


def of_checksums(session: Session, event_id: int, sha256: Sequence[str]) -> Sequence[Row[str, int, str]]:
    """Return the checksum, id and status of the event's photos that have one of these checksums."""
    return session.execute(
        select(Photo.sha256, Photo.id, Photo.status).where(Photo.event_id == event_id, Photo.sha256.in_(sha256))
    ).all()


def stems(session: Session, wanted: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Return event id and stored name of the photos whose stored name without extension is one of `wanted`."""
    names = [f"{stem}{ending}" for stem in wanted for ending in EXTENSIONS]
    rows = session.execute(select(Photo.filename, Photo.event_id).where(Photo.filename.in_(names))).all()
    return {name.rsplit(".", 1)[0]: (event_id, name) for name, event_id in rows}


def try_again(session: Session, photo_id: int) -> None:
    """Queue a photo whose processing has failed again."""
    session.execute(
        update(Photo)
        .where(Photo.id == photo_id, Photo.status == FAILED)
        .values(**Photo.requeue_values(finished_at=None))
    )


def record_crc32(session: Session, photo_id: int, crc32: int) -> None:
    """Record the CRC-32 of a photo's original, if the photo is still there."""
    session.execute(update(Photo).where(Photo.id == photo_id).values(crc32=crc32))


def events_of(session: Session, photo_ids: Sequence[int]) -> Sequence[int]:
    """Return the ids of those photos' events in the order in which the events' rows must be locked."""
    return session.scalars(
        select(Photo.event_id).where(Photo.id.in_(photo_ids)).distinct().order_by(Photo.event_id)
    ).all()


def lock_photos(session: Session, photo_ids: Sequence[int]) -> Sequence[Photo]:
    """Return those photos with their rows locked."""
    return session.scalars(select(Photo).where(Photo.id.in_(photo_ids)).order_by(Photo.id).with_for_update()).all()


def remove(session: Session, photo_ids: Sequence[int]) -> None:
    """Delete these photos; faces and matches go with them."""
    session.execute(delete(Photo).where(Photo.id.in_(photo_ids)))


def count(session: Session) -> int:
    """Return the number of photos."""
    return session.scalar(select(func.count()).select_from(Photo)) or 0
