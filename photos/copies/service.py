"""Plans the copies of originals, and tells what a guest gets of a photo.

A copy is never stored: it is the original's bytes without some of them, put together while they are sent
(`stripping/`). Which, is found once, when the photo is received.
"""

import contextlib
import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import errors
import storage
from database import reading, transaction
from models import GuestCopy, Photo
from photos.copies import queries
from photos.keys import FULL, key_of, renditions_to_make, storage_key
from stripping.copies import WALKS, Plans, plans
from stripping.plan import CannotStrip, Plan
from stripping.reader import chunks_of

log = logging.getLogger("reperio.photos")
JPEG = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Source:
    """A file in storage of which a guest gets the bytes of `plan`, or all where there is none.

    `stored` are the bytes of the file as its row says, `size` those that the guest gets.
    """

    key: str
    stored: int
    plan: Plan | None = None

    @property
    def size(self) -> int:
        """Bytes that a guest gets."""
        return self.stored if self.plan is None else self.plan.size

    def opened(self, start: int, end: int) -> Iterator[bytes]:
        """Return the chunks from `start` up to before `end` of what a guest gets. Opens the file before it returns.

        Raises:
            MissingObject: the file is gone, or of another size than its row says. StorageError: storage failed.
        """
        plan = Plan(((0, self.stored),)) if self.plan is None else self.plan
        return plan.cut(start, end).chunks(
            lambda first, last: storage.stream_part(self.key, first, last, self.stored)
        )


@dataclass(frozen=True, slots=True)
class Given:
    """What a guest gets of an original: where it is, its content type, and the ending of the name that is stored.

    `tag` and `modified` are others for other bytes of the same photo; `modified` is None where no time tells that.
    """

    source: Source
    content_type: str
    stored_name: str
    tag: str
    crc32: int | None = None
    modified: datetime | None = None


def as_planned(photo_id: int, filename: str, made: Plans | None) -> list[GuestCopy]:
    """Return the rows of both copies of a photo; `made` is None where it cannot be stripped."""
    forms = {False: made.plain, True: made.detailed} if made is not None else {False: None, True: None}
    return [
        GuestCopy(
            photo_id=photo_id,
            detailed=detailed,
            filename=filename,
            size=plan.size if plan is not None else None,
            parts=plan.as_json() if plan is not None else None,
        )
        for detailed, plan in forms.items()
    ]


def plans_of(content_type: str, chunks: Iterator[bytes]) -> Plans | None:
    """Return the plans of a picture's copies; None if it cannot be stripped."""
    with contextlib.suppress(CannotStrip):
        return plans(content_type, chunks)
    return None


def plan_received(photo: Photo, data: bytes, *, detailed: bool) -> list[GuestCopy]:
    """Return the copies of a photo that is being received; with the checksum of the one that its event now gives."""
    if photo.content_type not in WALKS:
        return []
    made = plans_of(photo.content_type, chunks_of(data))
    rows = as_planned(0, photo.filename, made)
    if made is not None:
        crc32, view = 0, memoryview(data)
        for part in (made.detailed if detailed else made.plain).parts:
            crc32 = zlib.crc32(part if isinstance(part, bytes) else view[part[0] : part[1]], crc32)
        rows[detailed].crc32 = crc32
    return rows


def record(session: Session, photo: Photo, copies: list[GuestCopy]) -> None:
    """Store the copies of a photo that has just been stored, in place of those of an original that it replaces."""
    for each in copies:
        each.photo_id = photo.id
    queries.replace(session, photo.id, copies)


def renditions_for(photo: Photo, rendition_set: int) -> dict[str, str]:
    """Return the storage keys of the renditions that a job makes; `full` too where guests cannot get a copy."""
    full = photo.content_type not in WALKS
    if not full:
        with reading() as session:
            full = queries.is_known_unstrippable(session, photo.id)
    return renditions_to_make(photo, rendition_set, full=full)


def given_to_guests(photo_id: int) -> Given:
    """Return what a guest who may see a photo gets of its original. A copy that is not planned yet is planned now.

    Raises:
        NoSuchPhoto: the photo or its file is gone. PhotoNotReady: the JPEG that stands for it is not made yet.
    """
    with reading() as session:
        row = queries.of_photo(session, photo_id)
    if row is None:
        raise errors.NoSuchPhoto
    photo, detailed, copy = row
    try:
        copy = copy or planned_now(photo, detailed=detailed)
        found = given(photo, copy)
    except storage.MissingObject as error:
        raise errors.NoSuchPhoto from error
    if found is None and photo.status in ("pending", "processing"):
        raise errors.PhotoNotReady
    if found is None:
        raise errors.NoSuchPhoto
    return found


def planned_now(photo: Photo, *, detailed: bool) -> GuestCopy | None:
    """Plan and record the copies of a photo of an earlier release; return the one. None if its kind has none.

    Raises:
        MissingObject: the file is gone. StorageError: storage failed.
    """
    if photo.content_type not in WALKS:
        return None
    _, chunks = storage.stream(storage_key(photo.event_id, photo.filename, "original"))
    made = plans_of(photo.content_type, chunks)
    # The photo may be deleted meanwhile, or another process have planned it.
    with contextlib.suppress(IntegrityError), transaction() as session:
        queries.replace(session, photo.id, as_planned(photo.id, photo.filename, made))
    return as_planned(photo.id, photo.filename, made)[detailed]


def given(photo: Photo, copy: GuestCopy | None) -> Given | None:
    """Return what a guest gets of a photo: its copy, else the largest JPEG that was made. None if none is there.

    Raises:
        StorageError: storage failed.
    """
    if copy is not None and copy.parts is not None:
        source = Source(key_of(photo, "original"), photo.size, Plan.of_json(copy.parts))
        tag, before = ("copy-with-details", 2) if copy.detailed else ("copy", 1)
        # The original itself, and each form of the copy, has a second of its own: `If-Range` may name the time alone.
        modified = photo.uploaded_at - timedelta(seconds=before)
        return Given(source, photo.content_type, photo.filename, tag, copy.crc32, modified)
    size = FULL if photo.full_size is not None else "web"
    key = key_of(photo, size)
    try:
        stored = photo.full_size if photo.full_size is not None else storage.size(key)
    except storage.MissingObject:
        return None
    made_anew = f"-{photo.rendition_set}" if photo.rendition_set else ""
    return Given(Source(key, stored), JPEG, ".jpg", f"{size}{made_anew}", photo.full_crc32)


def plan_some(after_id: int, limit: int) -> int | None:
    """Plan the copies of some photos of earlier releases; return the last id, or None if none is left behind it.

    A photo whose file cannot be read is left to its first download.
    """
    with reading() as session:
        found = queries.unplanned(session, after_id, sorted(WALKS), limit)
    for photo in found:
        try:
            planned_now(photo, detailed=False)
        except storage.StorageError as error:
            log.warning("photo %d: no copy for guests is planned: %s", photo.id, error)
    return found[-1].id if found else None
