"""Puts deleted photos into the trash, gives them back, and erases them for good.

Guests, other photographers and counts know nothing of the trash: what is in it is no photo. Only its photographer and
admins see it. A photo that comes back has its number, and is processed as if it had just been sent: what was computed
from its faces, and what guests had said of it, was deleted. What was withheld from guests stays so, and erased faces
stay erased.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

import errors
import storage
from audit.log import Action, record
from database import reading, transaction
from events import queries as event_queries
from models import ADMIN, PROCESSING, ErasedFace, Photo, PhotoRaw, TrashedPhoto, User, WithheldPhoto, utcnow
from photos.badges import service as badges
from photos.badges.given import queries as given_queries
from photos.raws import queries as raw_queries
from photos.rows import queries as row_queries
from photos.trash import files, queries
from photos.withheld.queries import BY_GUEST
from settings import get_settings
from stored import receipts
from stored.erasure import erase

# Columns that a photo in the trash has as it had them before.
SAME = (
    *("event_id", "photographer_id", "original_filename", "filename", "content_type", "photo_type", "sha256", "size"),
    *("width", "height", "taken_at", "recorded_at", "camera_id", "mean_colour", "for_everyone", "uploaded_at"),
)
RAW_COLUMNS = ("original_filename", "content_type", "size", "alone")


@dataclass(frozen=True, slots=True)
class TrashList:
    """One page of the trash, those deleted last first, the number of all, and the cursor of the next page."""

    rows: Sequence[TrashedPhoto]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class TrashedFile:
    """A file of a photo in the trash: the photo, the length in bytes and the chunks."""

    photo: TrashedPhoto
    length: int
    chunks: Iterator[bytes]


def put_in(session: Session, photos: Sequence[Photo]) -> None:
    """Record these photos, whose rows the open transaction is about to delete."""
    ids = [each.id for each in photos]
    withheld, erased_faces = queries.reasons_of_staff(session, ids), queries.erased_faces(session, ids)
    raws = {each.photo_id: each for each in raw_queries.of_photos(session, ids)}
    rows = list[TrashedPhoto]()
    for photo in photos:
        columns = {name: getattr(photo, name) for name in SAME}
        attempts = photo.attempts if photo.status == PROCESSING else 0
        row = TrashedPhoto(photo_id=photo.id, rendition_set=photo.rendition_set, attempts=attempts, **columns)
        row.withheld, row.erased_faces = withheld.get(photo.id), erased_faces.get(photo.id)
        raw = raws.get(photo.id)
        if raw is not None:
            row.raw_filename, row.raw_sha256 = raw.filename, raw.sha256
            row.raw = {name: getattr(raw, name) for name in RAW_COLUMNS} | {
                "uploaded_at": raw.uploaded_at.isoformat()
            }
        rows.append(row)
    session.add_all(rows)
    session.flush()
    queries.keep_wishes(session, rows)


def listed(user: User, event_id: int | None, limit: int, before: int | None = None) -> TrashList:
    """Return what this photographer has in the trash, for admins everything, of one event or of all."""
    whose = None if user.user_type == ADMIN else user.id
    with reading() as session:
        rows = queries.listed(session, whose, event_id, limit, before)
        cursor = str(rows[-1].id) if len(rows) == limit else None
        return TrashList(rows, queries.count(session, whose, event_id), cursor)


def due_at(trashed: TrashedPhoto) -> datetime:
    """Return from when the photo is erased for good."""
    return trashed.trashed_at + timedelta(days=get_settings().trash_days)


def open_picture(user: User, photo_id: int, size: str) -> TrashedFile:
    """Return the original or a rendition of a photo in the trash.

    Raises:
        NotInTrash: it is not in the trash, belongs to another photographer, or has no such file.
    """
    with reading() as session:
        trashed = _of(user, queries.of_photo(session, photo_id))
    try:
        return TrashedFile(trashed, *storage.stream(files.key_in(trashed, size)))
    except storage.MissingObject as error:
        raise errors.NotInTrash from error


def _of(user: User, trashed: TrashedPhoto | None) -> TrashedPhoto:
    if trashed is None or (user.user_type != ADMIN and trashed.photographer_id != user.id):
        raise errors.NotInTrash
    return trashed


# --- back --------------------------------------------------------------------------------------------


def restore(user: User, photo_id: int) -> int:
    """Take a photo out of the trash, to be processed again; return its id.

    If the same bytes were sent again meanwhile, that photo's id is returned, and what was in the trash is erased.

    Raises:
        NotInTrash: it is not in the trash, or belongs to another photographer.
        PhotosEnded: the photos of its event have been erased.
    """
    with reading() as session:
        event_id = _of(user, queries.of_photo(session, photo_id)).event_id
    with transaction() as session:
        event = event_queries.lock_event(session, event_id)
        trashed = _of(user, queries.lock(session, photo_id))
        if event is not None and event.photos_ended_at is not None:
            raise errors.PhotosEnded
        return _give_back(session, trashed)


def restore_same(event_id: int, photographer_id: int, sha256: str) -> Photo | None:
    """Take the photographer's photo with these bytes out of the trash and return it; None if there is none."""
    with reading() as session:
        photo_id = queries.with_checksum(session, event_id, photographer_id, sha256)
    if photo_id is None:
        return None
    with transaction() as session:
        event_queries.lock_event(session, event_id)
        trashed = queries.lock(session, photo_id)
        if trashed is None:
            return None
        return session.get(Photo, _give_back(session, trashed))


def _give_back(session: Session, trashed: TrashedPhoto) -> int:
    checksums = [each for each in (trashed.sha256, trashed.raw_sha256) if each is not None]
    for each in checksums:
        there = row_queries.with_checksum(session, trashed.event_id, each)
        if there is not None:
            _erase(session, [trashed])
            return there.id
    # Renditions under names of their own: those of before may still be erased once more.
    # And with a time of its own: the log of erasures has the deletion of the one that was there before.
    columns = {name: getattr(trashed, name) for name in SAME} | {"uploaded_at": utcnow()}
    photo = Photo(id=trashed.photo_id, rendition_set=-trashed.id, attempts=trashed.attempts, **columns)
    gifts = given_queries.kept_gifts(session, trashed.id)
    withheld = _withheld(session, trashed)
    queries.remove(session, [trashed.id])
    session.add(photo)
    session.flush()
    badges.note_restored(session, photo, gifts)
    if trashed.raw is not None:
        raw = {**trashed.raw, "uploaded_at": datetime.fromisoformat(trashed.raw["uploaded_at"])}
        names = {"filename": trashed.raw_filename, "sha256": trashed.raw_sha256}
        session.add(PhotoRaw(photo_id=photo.id, event_id=photo.event_id, **names, **raw))
    session.add_all(withheld)
    for box in trashed.erased_faces or []:
        session.add(ErasedFace(photo_id=photo.id, box=box))
    erase(session, [files.key_in(trashed, size) for size in files.KEPT_RENDITIONS])
    record(session, Action.PHOTOS_RESTORED, event_id=photo.event_id, number=1)
    session.flush()
    return photo.id


def _withheld(session: Session, trashed: TrashedPhoto) -> list[WithheldPhoto]:
    """Return the rows that withhold the photo again, as it was: a guest who asked for it will still see it."""
    columns = {"photo_id": trashed.photo_id, "event_id": trashed.event_id}
    # Rows of earlier releases name a guest's request here, and not the guest: then no guest sees it.
    of_staff = [WithheldPhoto(reason=reason, **columns) for reason in trashed.withheld or []]
    asked = queries.wishes(session, trashed.id)
    return of_staff + [
        WithheldPhoto(reason=BY_GUEST, user_id=each.user_id, created_at=each.created_at, **columns) for each in asked
    ]


# --- gone --------------------------------------------------------------------------------------------


def erase_now(user: User, photo_ids: Sequence[int]) -> int:
    """Erase photos in the trash for good, all of them or none; return how many.

    Raises:
        NotInTrash: one of them is not in the trash, or belongs to another photographer.
    """
    with transaction() as session:
        found = [_of(user, each) for each in queries.lock_photos(session, photo_ids)]
        if len(found) != len(set(photo_ids)):
            raise errors.NotInTrash
        for event_id, number in Counter(each.event_id for each in found).items():
            record(session, Action.PHOTOS_ERASED, event_id=event_id, number=number)
        _erase(session, found)
    return len(found)


def erase_some(session: Session, event_id: int, limit: int, before: datetime | None = None) -> int:
    """Erase at most `limit` photos of an event in the trash, only those deleted before a time; return how many."""
    found = queries.lock_some(session, event_id, limit, before)
    _erase(session, found)
    return len(found)


def _erase(session: Session, found: Sequence[TrashedPhoto]) -> None:
    if not found:
        return
    keys = [key for each in found for key in files.keys_of(each)]
    gone = [receipts.subject(each.photo_id, each.uploaded_at) for each in found]
    receipts.leave(session, receipts.TRASH, gone, photos=len(found))
    queries.remove(session, [each.id for each in found])
    erase(session, keys)
