"""SQL about photos in the trash."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Row, Select, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from images import EXTENSIONS
from models import ErasedFace, TrashedPhoto, TrashedWish, WithheldPhoto
from photos.withheld.queries import BY_GUEST

Value = TypeVar("Value")


def _seen_by(photographer_id: int | None, event_id: int | None) -> Select[TrashedPhoto]:
    """Select what a photographer has in the trash, or everything (None), in one event or in all."""
    found = select(TrashedPhoto)
    if photographer_id is not None:
        found = found.where(TrashedPhoto.photographer_id == photographer_id)
    return found.where(TrashedPhoto.event_id == event_id) if event_id is not None else found


def listed(
    session: Session, photographer_id: int | None, event_id: int | None, limit: int, before: int | None
) -> Sequence[TrashedPhoto]:
    """Return photos in the trash, those deleted last first: of a photographer or all; those with an `id` below."""
    found = _seen_by(photographer_id, event_id).order_by(TrashedPhoto.id.desc()).limit(limit)
    return session.scalars(found if before is None else found.where(TrashedPhoto.id < before)).all()


def count(session: Session, photographer_id: int | None, event_id: int | None) -> int:
    """Return how many photos are in the trash, of a photographer or of all."""
    return session.scalar(select(func.count()).select_from(_seen_by(photographer_id, event_id).subquery())) or 0


def of_photo(session: Session, photo_id: int) -> TrashedPhoto | None:
    """Return the photo in the trash that had this id."""
    return session.scalar(select(TrashedPhoto).where(TrashedPhoto.photo_id == photo_id))


def lock(session: Session, photo_id: int) -> TrashedPhoto | None:
    """Return the photo in the trash that had this id, with its row locked."""
    return next(iter(lock_photos(session, [photo_id])), None)


def lock_photos(session: Session, photo_ids: Sequence[int]) -> Sequence[TrashedPhoto]:
    """Return the photos in the trash that had these ids, with their rows locked in the order of all who lock them."""
    return _locked(session, select(TrashedPhoto).where(TrashedPhoto.photo_id.in_(photo_ids)))


def _locked(session: Session, found: Select[TrashedPhoto]) -> Sequence[TrashedPhoto]:
    return session.scalars(found.order_by(TrashedPhoto.id).with_for_update()).all()


def with_checksum(session: Session, event_id: int, photographer_id: int, sha256: str) -> int | None:
    """Return the id of the photographer's photo in the trash whose original or RAW file has this SHA-256 (hex)."""
    same = or_(TrashedPhoto.sha256 == sha256, TrashedPhoto.raw_sha256 == sha256)
    own = select(TrashedPhoto.photo_id).where(
        TrashedPhoto.event_id == event_id, TrashedPhoto.photographer_id == photographer_id, same
    )
    return session.scalar(own.order_by(TrashedPhoto.id.desc()).limit(1))


def named(session: Session, stems: Sequence[str], raw_names: Sequence[str]) -> Sequence[TrashedPhoto]:
    """Return those whose stored name without extension is one of `stems`, or whose RAW file has one of the names."""
    names = [f"{stem}{ending}" for stem in stems for ending in EXTENSIONS]
    found = or_(TrashedPhoto.filename.in_(names), TrashedPhoto.raw_filename.in_(raw_names))
    return session.scalars(select(TrashedPhoto).where(found)).all()


def in_event(session: Session, event_id: int) -> Sequence[TrashedPhoto]:
    """Return everything of an event that is in the trash."""
    return session.scalars(_seen_by(None, event_id)).all()


def has_any(session: Session, event_id: int) -> bool:
    """Return whether anything of an event is in the trash."""
    return bool(session.scalar(select(exists().where(TrashedPhoto.event_id == event_id))))


def events_with_old(session: Session, before: datetime) -> Sequence[int]:
    """Return the events of which something was deleted before a time, by id."""
    found = select(TrashedPhoto.event_id).where(TrashedPhoto.trashed_at <= before).distinct()
    return session.scalars(found.order_by(TrashedPhoto.event_id)).all()


def lock_some(session: Session, event_id: int, limit: int, before: datetime | None) -> Sequence[TrashedPhoto]:
    """Return and lock at most `limit` photos of the event, only those deleted before a time if it is given."""
    found = _seen_by(None, event_id).limit(limit)
    return _locked(session, found if before is None else found.where(TrashedPhoto.trashed_at <= before))


def remove(session: Session, trash_ids: Sequence[int]) -> None:
    """Delete these rows."""
    session.execute(delete(TrashedPhoto).where(TrashedPhoto.id.in_(trash_ids)))


def reasons_of_staff(session: Session, photo_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the reasons of staff for which each of these photos is withheld from guests, if it is."""
    columns = WithheldPhoto.photo_id, WithheldPhoto.reason
    of_staff = WithheldPhoto.photo_id.in_(photo_ids), WithheldPhoto.reason != BY_GUEST
    return _by_photo(session.execute(select(*columns).where(*of_staff).order_by(*columns)).all())


def keep_wishes(session: Session, trashed: Sequence[TrashedPhoto]) -> None:
    """Store which guests asked that others do not see these photos, whose rows are about to be deleted."""
    ids = {each.photo_id: each.id for each in trashed}
    asked = select(WithheldPhoto).where(WithheldPhoto.photo_id.in_(ids), WithheldPhoto.reason == BY_GUEST)
    for each in session.scalars(asked.order_by(WithheldPhoto.id)):
        wish = TrashedWish(trashed_id=ids[each.photo_id], user_id=each.user_id, created_at=each.created_at)
        session.add(wish)


def wishes(session: Session, trashed_id: int) -> Sequence[TrashedWish]:
    """Return the guests' requests that others do not see a photo in the trash, the oldest first."""
    found = select(TrashedWish).where(TrashedWish.trashed_id == trashed_id)
    return session.scalars(found.order_by(TrashedWish.id)).all()


def erased_faces(session: Session, photo_ids: Sequence[int]) -> dict[int, list[list[float]]]:
    """Return the places of erased faces in each of these photos, in fractions of its width and height."""
    found = select(ErasedFace.photo_id, ErasedFace.box).where(ErasedFace.photo_id.in_(photo_ids))
    return _by_photo(session.execute(found.order_by(ErasedFace.id)).all())


def _by_photo(rows: Sequence[Row[int, Value]]) -> dict[int, list[Value]]:
    found = defaultdict[int, list[Value]](list)
    for photo_id, value in rows:
        found[photo_id].append(value)
    return found
