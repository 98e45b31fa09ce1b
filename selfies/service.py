"""A guest's selfie: received, validated, shown, rejected or erased."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

import errors
import images
from accounts import queries as account_queries
from accounts.second_factor import service as second_factor
from audit.log import Action, record
from database import reading, transaction
from decoding.decoder import Busy, CheckedSelfie, ChildDied, Closed, Decoder, OutOfMemory, Overran, TaskFailed
from encryption import keys
from events import queries as event_queries
from events.ending import takes_portraits
from faces.engine import EngineUnavailable
from faces.selfie import FaceTooSmall, NoFace, SelfieRejected, SeveralFaces
from keys import MAX_PORTRAITS
from models import REJECTED, Selfie, User, utcnow
from selfies import consent, files, queries
from selfies.checked import checked_selfies
from settings import get_settings
from storage import MissingObject
from stored.erasure import erase

log = logging.getLogger("reperio.selfies")
# The content types that curl and some phones send for a picture of unknown type.
UNKNOWN_TYPES = ("", "application/octet-stream", "binary/octet-stream")
REASONS: dict[type[SelfieRejected], type[errors.AppError]] = {
    NoFace: errors.SelfieNoFace,
    SeveralFaces: errors.SelfieSeveralFaces,
    FaceTooSmall: errors.SelfieFaceTooSmall,
}


@dataclass(frozen=True, slots=True)
class SelfieFile:
    """An uploaded file: its bytes and the content type that the sender declared."""

    data: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class StoredSelfie:
    """A normalised selfie whose file is in storage and whose row is not written yet; width and height in px."""

    storage_key: str
    sha256: str
    width: int
    height: int


def check_file(file: SelfieFile) -> int:
    """Return how many pixels a selfie has, after a check of its size and header; nothing is decoded.

    Raises:
        NotAnImage: the declared content type is not an image.
        ImageTooLarge: more than `MAX_SELFIE_BYTES`.
        TooManyPixels: more than `MAX_SELFIE_PIXELS`, or than 25 megapixels in another format than JPEG.
        TooManyScans: a progressive JPEG of more than 100 scans.
        InvalidImage: the header is not that of a known format.
    """
    settings = get_settings()
    declared = file.content_type.split(";")[0].strip().lower()
    if declared not in UNKNOWN_TYPES and not declared.startswith("image/"):
        raise errors.NotAnImage
    if len(file.data) > settings.max_selfie_bytes:
        raise errors.ImageTooLarge
    try:
        header = images.inspect(file.data, settings.max_selfie_pixels, images.SELFIE_PIXELS)
    except images.TooManyPixels as error:
        raise errors.TooManyPixels(error.limit) from error
    except images.TooManyScans as error:
        raise errors.TooManyScans from error
    except images.ImageError as error:
        raise errors.InvalidImage from error
    return header.width * header.height


@contextmanager
def told_in_words() -> Iterator[None]:
    """Raise what befalls the decoding of a selfie during the block as an error for its sender.

    Raises:
        InvalidImage: the selfie cannot be decoded. ImageTooCostly: not in the time and memory that there is.
        SelfieNoFace, SelfieSeveralFaces, SelfieFaceTooSmall: see `decoding.portraits.embedding_of`.
        TooBusy: no child process was free in time.
        ServiceUnavailable: the face engine cannot be loaded, or this process is stopping.
    """
    try:
        yield
    except SeveralFaces as reason:
        raise errors.SelfieSeveralFaces(**_faces(reason)) from reason
    except SelfieRejected as reason:
        raise REASONS[type(reason)] from reason
    except images.TooManyPixels as error:
        raise errors.TooManyPixels(error.limit) from error
    except images.ImageError as error:
        raise errors.InvalidImage from error
    except (Overran, OutOfMemory, ChildDied) as error:
        raise errors.ImageTooCostly from error
    except TaskFailed as error:
        # The child has logged its traceback.
        log.error("a selfie was refused because decoding it failed: %s", error)
        raise errors.InvalidImage from error
    except Busy as error:
        raise errors.TooBusy from error
    except (EngineUnavailable, Closed) as error:
        raise errors.ServiceUnavailable from error


def _faces(reason: SeveralFaces) -> dict[str, list[dict[str, float]]]:
    """Return the faces of a selfie for its sender, in fractions of the picture, from left to right."""
    sides = ("left", "top", "width", "height")
    shown = [dict(zip(sides, (round(side, 4) for side in box), strict=True)) for box in sorted(reason.boxes)]
    return {"faces": shown} if shown else {}


def validate(file: SelfieFile, decoder: Decoder) -> None:
    """Validate a selfie; nothing is stored, what is made of it stays in memory for a while (`selfies/checked.py`).

    Raises:
        NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels: see `check_file`.
        ImageTooCostly, SelfieNoFace, SelfieSeveralFaces, SelfieFaceTooSmall, TooBusy, ServiceUnavailable: see
        `told_in_words`.
    """
    pixels = check_file(file)
    with told_in_words():
        made = decoder.check_selfie(file.data, pixels, strict=get_settings().selfie_validation_strict)
    checked_selfies.keep(file.data, made)


def store(file: SelfieFile, decoder: Decoder) -> StoredSelfie:
    """Normalise a selfie (upright, without metadata, long side at most 1600 px) and put it in storage, encrypted.

    Raises:
        NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels: see `check_file`.
        ImageTooCostly, TooBusy, ServiceUnavailable: see `told_in_words`.
        KeysUnavailable: nothing can be encrypted now.
    """
    keys.check()
    pixels = check_file(file)
    checked = checked_selfies.take(file.data)
    if checked is None:
        with told_in_words():
            checked = CheckedSelfie(decoder.normalise_selfie(file.data, pixels), ())
    normal = checked.normal
    key = files.put(normal.jpeg)
    checked_selfies.note_faces(key, checked.faces)
    return StoredSelfie(key, hashlib.sha256(normal.jpeg).hexdigest(), normal.width, normal.height)


def add(session: Session, user_id: int, stored: StoredSelfie, *, strict: bool, keep: bool = False) -> Selfie:
    """Write the selfie's row with status `pending` in the open transaction and return it.

    With `keep` it is a further portrait, else it replaces the older ones when it is accepted.
    """
    selfie = Selfie(
        user_id=user_id,
        storage_key=stored.storage_key,
        sha256=stored.sha256,
        width=stored.width,
        height=stored.height,
        strict=strict,
        keep=keep,
    )
    session.add(selfie)
    session.flush()
    return selfie


def check_accepted(user_id: int, *, is_consent: bool = False) -> None:
    """Check that a selfie of this guest is accepted now; `is_consent`: an app sends it, see `selfies/consent.py`.

    Raises:
        ConsentWithdrawn, ConsentRequired: see `consent.check_possible`.
        EventExpired: all of the guest's events have expired, or no longer compare faces.
    """
    consent.check_possible(user_id, is_consent=is_consent)
    with reading() as session:
        _check_open(session, user_id)


def _check_open(session: Session, user_id: int) -> None:
    if not any(takes_portraits(each, utcnow()) for each in event_queries.events_of_guest(session, user_id)):
        raise errors.EventExpired


def receive(
    guest: User,
    file: SelfieFile,
    store_selfie: Callable[[SelfieFile], StoredSelfie],
    *,
    strict: bool,
    keep: bool = False,
    consent_in: str | None = None,
) -> Selfie:
    """Store a guest's selfie, by `store_selfie`, and its row; when this returns, both are durable.

    With `consent_in`, the language of an app, it is recorded as the consent where it is one (`selfies/consent.py`).

    It replaces a selfie of the guest that still waits to be processed, whose file is erased: a guest who sends many
    never has more than one such job waiting and one under way. With `keep` it is a further portrait.

    The caller has looked, by `check_accepted`, whether a selfie of the guest is accepted now.

    Raises:
        TooManyPortraits: with `keep`, the guest has five that are accepted or waiting.
        ConsentWithdrawn, ConsentRequired, EventExpired: see `check_accepted`.
        AppError: what `store_selfie` raises, which is what `store` raises.
        InvalidToken: the account has just been closed or deleted, or the session of the request ended.
    """
    if keep:
        with reading() as session:
            _check_room(session, guest.id)
    stored = store_selfie(file)
    try:
        with transaction() as session:
            if consent_in is not None:
                consent.keep_awaited_events(session, guest.id)
            # Sending and decoding take their time, in which the account may have been closed.
            if not account_queries.lock_signed_in(session, guest, utcnow()):
                raise errors.InvalidToken
            if consent_in is not None:
                consent.record(session, guest, consent_in)
            # It may have been withdrawn meanwhile, which erases the selfies, and the events may have ended.
            consent.check_in_force(session, guest.id)
            _check_open(session, guest.id)
            if keep:
                _check_room(session, guest.id)
            else:
                erase(session, queries.remove_waiting(session, guest.id))
            return add(session, guest.id, stored, strict=strict, keep=keep)
    except BaseException:
        files.discard(stored.storage_key)
        raise


def _check_room(session: Session, user_id: int) -> None:
    if len(queries.not_rejected(session, user_id)) >= MAX_PORTRAITS:
        raise errors.TooManyPortraits


def mine(user_id: int) -> Selfie:
    """Return the guest's accepted selfie, else the one in processing.

    Raises:
        NoSelfie: there is neither.
    """
    with reading() as session:
        selfie = queries.accepted(session, user_id) or queries.current(session, user_id)
    if selfie is None:
        raise errors.NoSelfie
    return selfie


def image_of(user_id: int, asker: User) -> bytes:
    """Return a guest's selfie as a JPEG; only the guest and admins may see it.

    Raises:
        NoSuchSelfie: there is none, or the asker may not see it.
        SecondFactorMissing: the asker must have a second factor first.
    """
    second_factor.check_present(asker)
    if asker.id != user_id and asker.user_type != "admin":
        raise errors.NoSuchSelfie
    try:
        key = mine(user_id).storage_key
    except errors.NoSelfie as error:
        raise errors.NoSuchSelfie from error
    if key is None:
        raise errors.NoSuchSelfie
    if asker.id != user_id:
        with transaction() as session:
            record(session, Action.SELFIE_VIEWED, subject_id=user_id)
    return picture(key)


def picture(key: str) -> bytes:
    """Return the portrait of this storage key as a JPEG.

    Raises:
        NoSuchSelfie: its file is gone. KeysUnavailable: it cannot be decrypted now.
    """
    try:
        return files.read(key)
    except MissingObject as error:
        raise errors.NoSuchSelfie from error


def known_keys(keys: Sequence[str]) -> set[str]:
    """Return those of `keys` that belong to a selfie."""
    with reading() as session:
        return queries.known_keys(session, keys)


def reject(session: Session, selfie: Selfie, reason: type[errors.AppError]) -> None:
    """Mark the selfie rejected and drop its data; its file is erased after the commit.

    Only the newest rejection of a guest is kept.
    """
    erase(session, [selfie.storage_key] if selfie.storage_key else [])
    queries.delete_embeddings(session, selfie.id)
    selfie.finish(REJECTED, selfie.error)
    selfie.detail = reason.__name__
    selfie.storage_key = selfie.sha256 = None
    selfie.width = selfie.height = None
    older = [each.id for each in queries.older_selfies(session, selfie.user_id, selfie.id) if each.status == REJECTED]
    queries.remove(session, older)
