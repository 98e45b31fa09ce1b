"""Photos that are sent in parts: begun, resumed, completed.

Nothing that a sender says counts before the file is there and judged: `receiving.receive` does with its bytes what it
does with those of a form. Until then the parts are files that no photo names; after a day they are erased.
"""

import hashlib
import logging
import threading
import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

import errors
import s3_parts
import storage
from database import after_commit, reading, transaction
from decoding.decoder import Decoder
from models import FAILED, Event, Photo, Upload, User, utcnow
from photos import checksums, receiving
from photos.raws.pairing import has_raw_name
from photos.receiving import Receipt
from photos.uploads import queries, ways
from photos.uploads.keys import WHOLE, key_of, number_of_parts, size_of_part, stored_keys
from photos.uploads.ways import PART_BYTES, Part
from settings import get_settings
from stored.erasure import erase

log = logging.getLogger("reperio.photos")
# Of one photographer, under way at a time.
MOST_OPEN, MOST_BYTES = 200, 8 * 1024**3
# After this time without a part, an upload gives way to a new one where there are too many.
IDLE = timedelta(minutes=15)
# Files larger than other photos, such as RAW files, that a process holds at a time.
LARGE_AT_ONCE = threading.BoundedSemaphore(2)
# The error of a refused file; whatever is wrong besides may be right at the next try.
REFUSED_FILE = (errors.InvalidImage, errors.PhotoTooLarge, errors.UploadDiffers)


@dataclass(frozen=True, slots=True)
class Announced:
    """What a sender says of a file. `direct`: its parts may go to the store itself."""

    filename: str
    size: int
    sha256: str | None
    direct: bool = True


@dataclass(frozen=True, slots=True)
class State:
    """An upload with its parts, or, where there is nothing to send, the photo (`receipt`)."""

    upload: Upload | None
    parts: Sequence[Part] = ()
    receipt: Receipt | None = None


def begin(event: Event, photographer: User, announced: Announced) -> State:
    """Begin an upload, or return the one by which the photographer has begun to send this file.

    A photo that the event has, by the announced checksum, is not sent again, unless its processing has failed.

    Raises:
        PhotosEnded: the event's photos have been erased. PhotoTooLarge, RawTooLarge: too large for its name.
        TooManyUploads: too much of this photographer's is under way. StorageError: the store failed.
    """
    _check(event, announced)
    if announced.sha256 is not None and (known := _known(event.id, announced)):
        return State(None, (), known)
    way = ways.way_for(announced.size, direct=announced.direct)
    asked = Upload(
        event_id=event.id,
        photographer_id=photographer.id,
        token=uuid.uuid4().hex,
        filename=receiving.clean_filename(announced.filename),
        size=announced.size,
        sha256=announced.sha256,
        part_size=announced.size if way == ways.AS_WHOLE else PART_BYTES,
        way=way,
    )
    with reading() as session:
        same = queries.same_file(session, asked) if asked.sha256 is not None else None
    if same is not None:
        try:
            return State(same, ways.parts_of(same))
        except storage.MissingObject:
            with transaction() as session:
                discard(session, [same])
    upload = _begun(asked)
    return State(upload, ways.parts_of(upload))


def _check(event: Event, announced: Announced) -> None:
    settings = get_settings()
    if event.photos_ended_at is not None:
        raise errors.PhotosEnded
    # What the name says is believed for now: the file itself is judged when it is complete.
    if announced.size > settings.max_photo_bytes and not has_raw_name(announced.filename):
        raise errors.PhotoTooLarge
    if announced.size > settings.max_raw_bytes:
        raise errors.RawTooLarge(settings.max_raw_bytes)


def _known(event_id: int, announced: Announced) -> Receipt | None:
    found = checksums.known(event_id, [announced.sha256 or ""])
    if not found or found[0].processing_status == FAILED:
        return None
    with reading() as session:
        photo = session.get(Photo, found[0].id)
    return None if photo is None else Receipt(photo.id, photo.filename, announced.filename, duplicate=True)


def _begun(asked: Upload) -> Upload:
    _make_room(asked)
    if asked.way == ways.IN_PARTS:
        asked.store_upload = s3_parts.begin(key_of(asked, WHOLE))
    with transaction() as session:
        session.add(asked)
    return asked


def _make_room(asked: Upload) -> None:
    """Check that the photographer may send so much at once; uploads that stand still give way.

    Raises:
        TooManyUploads: those that do not stand still are too many already.
    """
    with transaction() as session:
        number, size = queries.open_of(session, asked.photographer_id)
        if number < MOST_OPEN and size + asked.size <= MOST_BYTES:
            return
        discard(session, queries.idle_of(session, asked.photographer_id, utcnow() - IDLE))
        number, size = queries.open_of(session, asked.photographer_id)
    if number >= MOST_OPEN or size + asked.size > MOST_BYTES:
        raise errors.TooManyUploads(int(IDLE.total_seconds()))


def found(event: Event, photographer: User, upload_id: int) -> Upload:
    """Return an upload of this photographer to this event.

    Raises:
        NoSuchUpload: there is none.
    """
    with reading() as session:
        upload = queries.own(session, event.id, photographer.id, upload_id)
    if upload is None:
        raise errors.NoSuchUpload
    return upload


def state(event: Event, photographer: User, upload_id: int) -> State:
    """Return which parts of an upload have arrived; of a complete one, the photo.

    Raises:
        NoSuchUpload: there is no such upload, or its photo is deleted. StorageError: the store failed.
    """
    upload = found(event, photographer, upload_id)
    if upload.completed_at is not None:
        return State(upload, (), _receipt(upload))
    try:
        return State(upload, ways.parts_of(upload))
    except storage.MissingObject as error:
        raise errors.NoSuchUpload from error


def _receipt(upload: Upload) -> Receipt:
    with reading() as session:
        photo = queries.photo_of(session, upload)
    if photo is None:
        raise errors.NoSuchUpload
    return Receipt(photo.id, photo.filename, upload.filename, duplicate=upload.duplicate)


def receive_part(
    event: Event, photographer: User, upload_id: int, number: int, data: bytes, sha256: str | None
) -> None:
    """Store a part that comes through the service. The same part again replaces it.

    Raises:
        NoSuchUpload: there is no such upload, or it has just ended. UploadElsewhere: its parts go to the store.
        UploadPartDiffers: the file has no part of that number and size, or it has another checksum (SHA-256, hex).
        PhotosEnded: the event's photos have been erased. StorageFullError, StorageError: the store failed.
    """
    upload = found(event, photographer, upload_id)
    if event.photos_ended_at is not None:
        raise errors.PhotosEnded
    if upload.completed_at is not None:
        raise errors.NoSuchUpload
    if upload.way != ways.THROUGH:
        raise errors.UploadElsewhere
    if not 1 <= number <= number_of_parts(upload) or len(data) != size_of_part(upload, number):
        raise errors.UploadPartDiffers
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256.lower():
        raise errors.UploadPartDiffers
    key = key_of(upload, number)
    storage.put(key, data)
    with transaction() as session:
        row = queries.lock_upload(session, upload.id)
        if row is not None and row.completed_at is None:
            receiving.check_sender(session, photographer, event.id)
            queries.record_part(session, row.id, number, len(data))
            row.touched_at = utcnow()
            return
        # It was completed or given up while the part came in.
        erase(session, [key])
    raise errors.NoSuchUpload


def complete(event: Event, photographer: User, upload_id: int, decoder: Decoder | None) -> Receipt:
    """Make a photo of a file all of whose parts are there; when this returns, it is durable. Repeated, the same.

    Raises:
        NoSuchUpload: there is no such upload. UploadIncomplete: parts are missing; they can still be sent.
        UploadDiffers: the file has another size or checksum than announced; it is erased.
        StorageError: the store failed; the same call may succeed later. Else what `receiving.receive` raises: a file
        that is refused is erased.
    """
    upload = found(event, photographer, upload_id)
    if upload.completed_at is not None:
        return _receipt(upload)
    large = upload.size > get_settings().max_photo_bytes
    try:
        with LARGE_AT_ONCE if large else nullcontext():
            receipt = _judged(event, photographer, upload, decoder)
    except errors.UploadIncomplete:
        # Another call may have completed it meanwhile, and erased its parts.
        upload = found(event, photographer, upload_id)
        if upload.completed_at is None:
            raise
        return _receipt(upload)
    except REFUSED_FILE:
        give_up(event, photographer, upload_id)
        raise
    with transaction() as session:
        row = queries.lock_upload(session, upload.id)
        if row is not None and row.completed_at is None:
            row.photo_id = receipt.id if session.get(Photo, receipt.id) is not None else None
            row.duplicate, row.completed_at = receipt.duplicate, utcnow()
            queries.forget_parts(session, row.id)
            erase(session, stored_keys(row))
            return receipt
    # Another call has completed it meanwhile: both answer the same.
    return _receipt(found(event, photographer, upload_id))


def _judged(event: Event, photographer: User, upload: Upload, decoder: Decoder | None) -> Receipt:
    data, stored = ways.whole_file(upload)
    try:
        if len(data) != upload.size or (upload.sha256 and hashlib.sha256(data).hexdigest() != upload.sha256):
            raise errors.UploadDiffers
        return receiving.receive(
            event, photographer.id, upload.filename, data, decoder, sender=photographer, stored=stored
        )
    finally:
        ways.drop_copy(stored)


def give_up(event: Event, photographer: User, upload_id: int) -> None:
    """Erase an upload with its parts; a photo that it has become stays.

    Raises:
        NoSuchUpload: there is no such upload.
    """
    upload = found(event, photographer, upload_id)
    with transaction() as session:
        discard(session, [upload])


def discard(session: Session, uploads: Sequence[Upload]) -> None:
    """Delete uploads, and erase their parts after the commit."""
    if not uploads:
        return
    queries.remove(session, [each.id for each in uploads])
    erase(session, [key for each in uploads for key in stored_keys(each)])
    in_parts = [(key_of(each, WHOLE), each.store_upload) for each in uploads if each.store_upload]
    if in_parts:
        after_commit(session, lambda: _forget_in_store(in_parts))


def discard_of_event(session: Session, event_id: int) -> None:
    """Delete the uploads to an event, and erase their parts after the commit."""
    discard(session, queries.of_event(session, event_id))


def _forget_in_store(in_parts: Sequence[tuple[str, str]]) -> None:
    for key, store_upload in in_parts:
        try:
            s3_parts.give_up(key, store_upload)
        except storage.StorageError as problem:
            log.warning("parts of an upload are left to the sweep: %s", problem)
