"""A guest's selfie: received, judged, accepted in place of the one before, or erased."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

import errors
import images
import storage
from accounts import queries as account_queries
from database import reading, transaction
from events import queries as event_queries
from faces.engine import PORTRAIT_LONG_SIDE, BgrImage, Embeddings, FaceEngine, LocatedFace
from faces.selfie import FaceTooSmall, NoFace, SelfieRejected, SeveralFaces, main_face
from models import REJECTED, Selfie, User, utcnow
from selfies import queries
from settings import get_settings

# What curl and some phones say of a picture whose kind they do not know.
UNTOLD_TYPES = ("", "application/octet-stream", "binary/octet-stream")
REASONS: dict[type[SelfieRejected], type[errors.AppError]] = {
    NoFace: errors.SelfieNoFace,
    SeveralFaces: errors.SelfieSeveralFaces,
    FaceTooSmall: errors.SelfieFaceTooSmall,
}


@dataclass(frozen=True, slots=True)
class SelfieFile:
    """A file as it came: its bytes and the content type the sender gave it."""

    data: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class StoredSelfie:
    """A normalised selfie that is in storage and not yet in a row."""

    storage_key: str
    sha256: str
    width: int
    height: int


def check_file(file: SelfieFile) -> None:
    """Refuse what cannot be a selfie, by its size and its header.

    Raises:
        NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels: as they say.
    """
    settings = get_settings()
    told = file.content_type.split(";")[0].strip().lower()
    if told not in UNTOLD_TYPES and not told.startswith("image/"):
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
    """A selfie's face, in px of the selfie, and the upright image it was found in, `scale` times smaller."""

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
    """Decode no more pixels than the detector looks at; return the image and how much larger the kept selfie is."""
    size = max(images.size_of(data))
    image = images.decode(data, long_side=PORTRAIT_LONG_SIDE)
    return image, max(1.0, min(size, images.WEB_LONG_SIDE) / max(image.shape[:2]))


def embedding_of(data: bytes, engine: FaceEngine, *, strict: bool) -> Embeddings:
    """Return the embedding (dimensions,) of the face of a kept selfie.

    Raises:
        ImageError: it cannot be decoded.
        SelfieNoFace, SelfieSeveralFaces, SelfieFaceTooSmall: why it is refused.
    """
    image, scale = _reduced(data)
    found = _portrait(image, scale, engine, strict=strict)
    if scale > 1 and min(found.face.box[2:]) < engine.sharp_side * scale:
        found = _portrait(images.decode(data), 1.0, engine, strict=strict)
    row: Embeddings = engine.embed(found.image, [found.face], scale=found.scale)[0]
    return row


def validate(file: SelfieFile, engine: FaceEngine) -> None:
    """Judge a selfie without keeping anything.

    Raises:
        NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels, SelfieNoFace, SelfieSeveralFaces,
        SelfieFaceTooSmall: why it is refused.
    """
    check_file(file)
    try:
        image, scale = _reduced(file.data)
    except images.ImageError as error:
        raise errors.InvalidImage from error
    _portrait(image, scale, engine, strict=get_settings().selfie_validation_strict)


def store(file: SelfieFile) -> StoredSelfie:
    """Normalise a selfie (upright, without metadata, long side at most 1600) and put it in storage.

    Raises:
        NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels: why it is refused.
    """
    check_file(file)
    try:
        normal = images.normalise_selfie(file.data)
    except images.ImageError as error:
        raise errors.InvalidImage from error
    # Nothing in the name tells whose face it is.
    key = f"selfies/{uuid.uuid4().hex}.jpg"
    storage.put(key, normal.jpeg)
    return StoredSelfie(key, hashlib.sha256(normal.jpeg).hexdigest(), normal.width, normal.height)


def add(session: Session, user_id: int, stored: StoredSelfie, *, strict: bool) -> Selfie:
    """Write the selfie's row, pending, in the open transaction."""
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
    """Take a guest's selfie: when this returns, its bytes and its row are safe.

    Raises:
        ConsentWithdrawn: in all of the guest's events.
        EventExpired: none of the guest's events takes selfies any more.
        NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels: why it is refused.
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
    """Return the selfie that stands for the guest: the accepted one, else the one being looked at.

    Raises:
        NoSelfie: there is none.
    """
    with reading() as session:
        selfie = queries.accepted(session, user_id) or queries.current(session, user_id)
    if selfie is None:
        raise errors.NoSelfie
    return selfie


def image_of(user_id: int, asker: User) -> str:
    """Return the storage key of a guest's selfie; only its owner and admins may have it.

    Raises:
        NoSuchSelfie: there is none, or it is not the asker's to see.
    """
    if asker.id != user_id and asker.user_type != "admin":
        raise errors.NoSuchSelfie
    try:
        key = mine(user_id).storage_key
    except errors.NoSelfie as error:
        raise errors.NoSuchSelfie from error
    if key is None:
        raise errors.NoSuchSelfie
    return key


def remove_mine(user_id: int) -> None:
    """Erase all the guest's selfies, what was computed from them, and every match.

    Raises:
        NoSelfie: there is none.
    """
    with transaction() as session:
        # The events' rows first: a matching under way ends before, and the next one finds no selfie.
        event_queries.lock_joined_events(session, user_id)
        account_queries.lock_user(session, user_id)
        keys = queries.all_keys(session, user_id)
        if not queries.remove_all(session, user_id) or not keys:
            raise errors.NoSelfie
    storage.delete(keys)


def known_keys(keys: Sequence[str]) -> set[str]:
    """Return those of `keys` that a selfie's bytes lie under."""
    with reading() as session:
        return queries.known_keys(session, keys)


def reject(session: Session, selfie: Selfie, reason: type[errors.AppError]) -> list[str]:
    """Turn the row into the memory of a refusal; return the storage keys to erase once that is committed."""
    erased = [selfie.storage_key] if selfie.storage_key else []
    queries.delete_embeddings(session, selfie.id)
    selfie.finish(REJECTED, selfie.error)
    selfie.detail = reason.__name__
    selfie.storage_key = selfie.sha256 = None
    selfie.width = selfie.height = None
    older = [each.id for each in queries.older_selfies(session, selfie.user_id, selfie.id) if each.status == REJECTED]
    queries.remove(session, older)
    return erased
