"""A guest's selfie: received, validated, shown, rejected or erased."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

import errors
import images
import storage
from accounts import queries as account_queries
from audit.log import Action, record
from database import reading, transaction
from events import queries as event_queries
from faces.engine import PORTRAIT_LONG_SIDE, BgrImage, Embeddings, FaceEngine, LocatedFace
from faces.selfie import FaceTooSmall, NoFace, SelfieRejected, SeveralFaces, main_face
from models import REJECTED, Selfie, User, utcnow
from selfies import queries
from settings import get_settings
from stored.erasure import erase

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


def check_file(file: SelfieFile) -> None:
    """Check a selfie's size and header without decoding it.

    Raises:
        NotAnImage: the declared content type is not an image.
        ImageTooLarge: more than `MAX_SELFIE_BYTES`.
        TooManyPixels: more than `MAX_SELFIE_PIXELS`.
        InvalidImage: the header is not that of a known format.
    """
    settings = get_settings()
    declared = file.content_type.split(";")[0].strip().lower()
    if declared not in UNKNOWN_TYPES and not declared.startswith("image/"):
        raise errors.NotAnImage
    if len(file.data) > settings.max_selfie_bytes:
        raise errors.ImageTooLarge
    try:
        images.inspect(file.data, settings.max_selfie_pixels)
    except images.TooManyPixels as error:
        raise errors.TooManyPixels from error
    except images.ImageError as error:
        raise errors.InvalidImage from error


@dataclass(frozen=True, slots=True)
class _Portrait:
    """A selfie's face (box in px of the full selfie) and the upright image it was found in, `scale` times smaller."""

    image: BgrImage
    face: LocatedFace
    scale: float


def _portrait(image: BgrImage, scale: float, engine: FaceEngine, *, strict: bool) -> _Portrait:
    upright, faces = engine.locate_portrait(image, scale=scale)
    try:
        return _Portrait(upright, main_face(faces, strict=strict), scale)
    except SelfieRejected as reason:
        raise REASONS[type(reason)] from reason


def _reduced(data: bytes) -> tuple[BgrImage, float]:
    """Decode at the size the detector uses; return the image and by which factor the stored selfie is larger."""
    size = max(images.size_of(data))
    image = images.decode(data, long_side=PORTRAIT_LONG_SIDE)
    return image, max(1.0, min(size, images.WEB_LONG_SIDE) / max(image.shape[:2]))


def embedding_of(data: bytes, engine: FaceEngine, *, strict: bool) -> Embeddings:
    """Return the unit embedding (dimensions,), float32, of the face in a stored selfie.

    With `strict` false, the largest face is used, however many there are and however small it is.

    Raises:
        ImageError: the selfie cannot be decoded.
        SelfieNoFace: no face was found.
        SelfieSeveralFaces: more than one face was found, and `strict` is true.
        SelfieFaceTooSmall: the face has too few pixels, and `strict` is true.
    """
    image, scale = _reduced(data)
    found = _portrait(image, scale, engine, strict=strict)
    if scale > 1 and min(found.face.box[2:]) < engine.sharp_side * scale:
        found = _portrait(images.decode(data), 1.0, engine, strict=strict)
    row: Embeddings = engine.embed(found.image, [found.face], scale=found.scale)[0]
    return row


def validate(file: SelfieFile, engine: FaceEngine) -> None:
    """Validate a selfie without storing anything.

    Raises:
        NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels: see `check_file`.
        InvalidImage: also when decoding fails.
        SelfieNoFace, SelfieSeveralFaces, SelfieFaceTooSmall: see `embedding_of`.
    """
    check_file(file)
    try:
        image, scale = _reduced(file.data)
    except images.ImageError as error:
        raise errors.InvalidImage from error
    _portrait(image, scale, engine, strict=get_settings().selfie_validation_strict)


def store(file: SelfieFile) -> StoredSelfie:
    """Normalise a selfie (upright, without metadata, long side at most 1600 px) and put it in storage.

    Raises:
        NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels: see `check_file`.
        InvalidImage: also when decoding fails.
    """
    check_file(file)
    try:
        normal = images.normalise_selfie(file.data)
    except images.ImageError as error:
        raise errors.InvalidImage from error
    # A random name, so that the key does not tell whose face it is.
    key = f"selfies/{uuid.uuid4().hex}.jpg"
    storage.put(key, normal.jpeg)
    return StoredSelfie(key, hashlib.sha256(normal.jpeg).hexdigest(), normal.width, normal.height)


def add(session: Session, user_id: int, stored: StoredSelfie, *, strict: bool) -> Selfie:
    """Write the selfie's row with status `pending` in the open transaction and return it."""
    selfie = Selfie(
        user_id=user_id,
        storage_key=stored.storage_key,
        sha256=stored.sha256,
        width=stored.width,
        height=stored.height,
        strict=strict,
    )
    session.add(selfie)
    session.flush()
    return selfie


def receive(user_id: int, file: SelfieFile, *, strict: bool) -> Selfie:
    """Store a guest's selfie and its row; when this returns, both are durable.

    Raises:
        ConsentWithdrawn: the guest has withdrawn the consent in all of their events.
        EventExpired: all of the guest's events have expired.
        NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels: see `store`.
        InvalidToken: the account has just been deleted.
    """
    with reading() as session:
        joined = event_queries.joined(session, user_id)
    if joined and all(membership.withdrawn_at is not None for _, membership in joined):
        raise errors.ConsentWithdrawn
    if not any(event.expires_at > utcnow() for event, _ in joined):
        raise errors.EventExpired
    stored = store(file)
    try:
        with transaction() as session:
            if account_queries.lock_user(session, user_id) is None:
                raise errors.InvalidToken
            return add(session, user_id, stored, strict=strict)
    except BaseException:
        storage.delete([stored.storage_key])
        raise


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


def image_of(user_id: int, asker: User) -> str:
    """Return the storage key of a guest's selfie; only the guest and admins may see it.

    Raises:
        NoSuchSelfie: there is none, or the asker may not see it.
    """
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
    return key


def remove_mine(user_id: int) -> None:
    """Erase all the guest's selfies with their embeddings and matches.

    Raises:
        NoSelfie: there is none.
    """
    with transaction() as session:
        # Lock the events' rows first: a running match ends before, and the next one finds no selfie.
        event_queries.lock_joined_events(session, user_id)
        account_queries.lock_user(session, user_id)
        keys = queries.all_keys(session, user_id)
        if not queries.remove_all(session, user_id) or not keys:
            raise errors.NoSelfie
        record(session, Action.SELFIE_DELETED, subject_id=user_id)
        erase(session, keys)


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
