"""Receive a photographer's photo: check it, store it, write its row."""

import hashlib
import logging
import unicodedata
import uuid
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import errors
import images
import storage
from accounts import queries as account_queries
from database import reading, transaction
from decoding.decoder import Busy, ChildDied, Closed, Decoder, OutOfMemory, Overran, TaskFailed
from faces.engine import EngineUnavailable
from image_headers import preview
from image_headers.header import NoPreview
from keys import MAX_FILENAME
from models import FAILED, Event, GuestCopy, Photo, PhotoRaw, User, utcnow
from photos.clocks.service import dated, follow_clock
from photos.copies.service import plan_received
from photos.copies.service import record as record_copies
from photos.keys import storage_key
from photos.raws import pairing
from photos.rows import queries
from photos.trash.service import restore_same
from photos.withheld.queries import withhold_until_approved
from settings import get_settings

log = logging.getLogger("reperio.photos")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of one uploaded file; `duplicate`: the event already had a photo with the same bytes."""

    id: int
    filename: str
    original_filename: str
    duplicate: bool


def clean_filename(name: str | None) -> str:
    """Return the file name without folders and control characters, its last 255 characters; "photo" if empty."""
    base = PurePosixPath((name or "").replace("\\", "/")).name
    kept = "".join(each for each in base if unicodedata.category(each) not in ("Cc", "Cs")).strip()
    return kept[-MAX_FILENAME:] or "photo"


def receive(
    event: Event,
    photographer_id: int | None,
    filename: str,
    data: bytes,
    decoder: Decoder | None = None,
    *,
    sender: User | None = None,
    stored: str | None = None,
) -> Receipt:
    """Store one photo and its row; when this returns, both are durable.

    Of a camera's RAW file the photo is the JPEG preview that lies in it; the file itself is kept beside that. A RAW
    file and a JPEG of one name are one photo: see `photos.raws.pairing`.

    The same bytes in the same event are the same photo; if its processing has failed, it is tried again, and if its
    photographer has put it into the trash, it comes back. Whether a JPEG without its end is cut off is asked of
    `decoder`; without one, or while it is busy, the photo's job tells. `sender` is the photographer of a request,
    whose right to send is checked again: the body may have taken an hour. `stored` is the key of an object in storage
    that holds exactly `data` and that nobody writes: it is copied there instead of sent again.

    Raises:
        PhotoTooLarge: more than `MAX_PHOTO_BYTES`. RawTooLarge: a RAW file of more than `MAX_RAW_BYTES`.
        TooManyPixels: more than `MAX_PHOTO_PIXELS` (a JPEG: `MAX_JPEG_PIXELS`), or than its format's memory allows.
        TooManyScans: a progressive JPEG of more than 100 scans.
        ImageDamaged: the file is truncated or damaged.
        ImageTooCostly: to see whether it is takes too much time or memory.
        TiffNotRead, RawWithoutPreview: it is a TIFF of another kind, a RAW file without a large preview.
        InvalidImage: the file is not an image of a known format.
        PhotosEnded: the event's photos have been erased.
        NoSuchEvent: the event has just been deleted, or `sender` taken off it.
        InvalidToken: the account of `sender` has just been closed or deleted, or the session ended.
    """
    if event.photos_ended_at is not None:
        raise errors.PhotosEnded
    raw = _raw_in(data)
    picture = data if raw is None else raw.jpeg
    info = _inspect(picture)
    if decoder is not None and info.header.coding is not None and not info.header.coding.has_end:
        _refuse_cut(picture, info, decoder)
    digest = hashlib.sha256(data).hexdigest()
    known = _known(event.id, digest, sender) or _from_trash(event.id, photographer_id, digest, sender)
    if known is not None:
        return _receipt(known, filename, duplicate=True)
    # What stands before a picture, viewers would not pass over.
    picture = images.picture_in(picture, info.header)
    photo = Photo(
        event_id=event.id,
        photographer_id=photographer_id,
        original_filename=filename,
        filename=f"{uuid.uuid4().hex}{info.extension}",
        sha256=digest if raw is None else hashlib.sha256(picture).hexdigest(),
        size=len(picture),
        **described(info, event),
    )
    form = None if raw is None else _raw_row(raw, photo, digest, len(data))
    copies = plan_received(photo, picture, detailed=event.keep_capture_details)
    return _record(photo, form, copies, _stored(photo, picture, form, data, stored), sender)


def _stored(photo: Photo, picture: bytes, form: PhotoRaw | None, data: bytes, stored: str | None) -> list[str]:
    """Store a photo's picture and, if it has one, the RAW file `data`; return the keys. `stored` as in `receive`."""
    files = {storage_key(photo.event_id, photo.filename, "original"): picture}
    if form is not None:
        files[storage_key(photo.event_id, form.filename, "original")] = data
    for key, content in files.items():
        # A picture is as long as its file only where nothing was cut off before it.
        if stored is None or len(content) != len(data) or not _copied(stored, key, len(content)):
            storage.put(key, content)
    return [*files]


def _copied(source: str, target: str, size: int) -> bool:
    """Copy an object within the storage; return whether the copy can be read, and is that large."""
    try:
        storage.copy(source, target)
        return storage.size(target) == size
    except storage.StorageError as problem:
        log.warning("a photo is sent to the storage again, since it cannot be copied there: %s", problem)
        return False


def _raw_in(data: bytes) -> preview.Raw | None:
    """Return the photo in a camera's RAW file; None if the file is something else."""
    settings = get_settings()
    try:
        raw = preview.read(data) if preview.may_be(data[:16]) else None
    except NoPreview as error:
        raise errors.RawWithoutPreview from error
    except images.DamagedImage as error:
        raise errors.ImageDamaged from error
    if raw is None and len(data) > settings.max_photo_bytes:
        raise errors.PhotoTooLarge
    if len(data) > settings.max_raw_bytes:
        raise errors.RawTooLarge(settings.max_raw_bytes)
    return raw


def _raw_row(raw: preview.Raw, photo: Photo, digest: str, size: int) -> PhotoRaw:
    return PhotoRaw(
        event_id=photo.event_id,
        filename=f"{photo.filename.rpartition('.')[0]}.{raw.kind.lower()}",
        original_filename=photo.original_filename,
        content_type=preview.KINDS[raw.kind],
        sha256=digest,
        size=size,
        alone=True,
    )


def described(info: images.ImageInfo, event: Event) -> dict[str, Any]:
    """Return the columns of a photo that say what the header of its file tells.

    No session may be open. Whoever stores them calls `follow_clock` in the same transaction, after the row is stored.
    """
    return {
        "content_type": info.content_type,
        "width": info.width,
        "height": info.height,
        **dated(info, event),
    }


def _known(event_id: int, digest: str, sender: User | None) -> Photo | None:
    """Return the event's photo with these bytes; if its processing has failed, it is tried again."""
    with reading() as session:
        known = queries.with_checksum(session, event_id, digest)
        if known is None:
            return None
        check_sender(session, sender, event_id)
    if known.status == FAILED:
        with transaction() as session:
            queries.try_again(session, known.id)
    return known


def _from_trash(event_id: int, photographer_id: int | None, digest: str, sender: User | None) -> Photo | None:
    """Return the photographer's photo with these bytes that was in the trash: it comes back."""
    if photographer_id is None:
        return None
    with reading() as session:
        check_sender(session, sender, event_id)
    return restore_same(event_id, photographer_id, digest)


def check_sender(session: Session, sender: User | None, event_id: int) -> None:
    """Check that the photographer of a request may still send photos to the event.

    Raises:
        InvalidToken: the account is closed or deleted, or the session over. NoSuchEvent: taken off the event.
    """
    if sender is None:
        return
    assigned = account_queries.still_assigned(session, sender, event_id, utcnow())
    if assigned is None:
        raise errors.InvalidToken
    if not assigned:
        raise errors.NoSuchEvent


def _record(
    photo: Photo, raw: PhotoRaw | None, copies: list[GuestCopy], files: list[str], sender: User | None
) -> Receipt:
    name, digests = photo.original_filename, [each.sha256 for each in (raw, photo) if each is not None]
    try:
        with transaction() as session:
            check_sender(session, sender, photo.event_id)
            joined = pairing.join(session, photo, raw)
            if joined is None:
                _insert(session, photo, raw)
            if joined is None or joined.filename == photo.filename:
                # Else the RAW file of a photo that keeps its original.
                record_copies(session, joined or photo, copies)
            follow_clock(session, joined or photo)
        return _receipt(joined or photo, name, duplicate=False)
    except IntegrityError as error:
        storage.delete(files)
        # Either the same bytes were sent at the same moment, or the event was deleted. Two RAW files that differ in
        # their metadata alone may hold the same preview.
        with reading() as session:
            known = next(
                filter(None, (queries.with_checksum(session, photo.event_id, digest) for digest in digests)), None
            )
        if known is None:
            raise errors.NoSuchEvent from error
        return _receipt(known, name, duplicate=True)
    except BaseException:
        storage.delete(files)
        raise


def _insert(session: Session, photo: Photo, raw: PhotoRaw | None) -> None:
    session.add(photo)
    session.flush()
    withhold_until_approved(session, photo)
    if raw is not None:
        raw.photo_id = photo.id
        session.add(raw)
        session.flush()


def header_of(data: bytes) -> images.ImageInfo:
    """Return what the header of a photo's file tells.

    Raises:
        ImageError: see `images.inspect`.
    """
    settings = get_settings()
    return images.inspect(data, settings.max_photo_pixels, reduced=settings.max_jpeg_pixels)


def _inspect(data: bytes) -> images.ImageInfo:
    if len(data) > get_settings().max_photo_bytes:
        raise errors.PhotoTooLarge
    try:
        return header_of(data)
    except images.TooManyPixels as error:
        raise errors.TooManyPixels(error.limit, of_photo=True) from error
    except images.UnsupportedTiff as error:
        raise errors.TiffNotRead from error
    except images.TooManyScans as error:
        raise errors.TooManyScans from error
    except images.DamagedImage as error:
        raise errors.ImageDamaged from error
    except images.ImageError as error:
        raise errors.InvalidImage from error


def _refuse_cut(data: bytes, info: images.ImageInfo, decoder: Decoder) -> None:
    try:
        decoder.refuse_cut(data, info.width * info.height)
    except images.ImageError as error:
        raise errors.ImageDamaged from error
    except (Overran, OutOfMemory, ChildDied, TaskFailed) as error:
        raise errors.ImageTooCostly from error
    except (Busy, Closed, EngineUnavailable) as problem:
        log.info("a photo without its end is judged by its job: %s", problem)


def _receipt(photo: Photo, filename: str, *, duplicate: bool) -> Receipt:
    return Receipt(photo.id, photo.filename, filename, duplicate)
