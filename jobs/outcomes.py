"""Steps that jobs have in common, whichever recogniser does the rest."""

import errors
from database import transaction
from decoding.decoder import Decoder, ReadPhoto, StoredPhoto
from faces.engine import Embeddings
from jobs.queue import Claim
from matching import queries as matching_queries
from models import INCOMPLETE, Photo, Selfie
from photos.keys import storage_key
from selfies import files
from selfies import service as selfie_service
from selfies.checked import checked_selfies
from stored.erasure import erase


def embed_selfie(selfie: Selfie, key: str, decoder: Decoder, *, strict: bool) -> Embeddings:
    """Return the embedding of a stored selfie's face.

    Raises:
        SelfieRejected: it has no usable face. ImageError: it cannot be decoded. MissingObject: its file is gone.
        KeysUnavailable: it cannot be decrypted now.
    """
    pixels, faces = (selfie.width or 0) * (selfie.height or 0), checked_selfies.take_faces(key)
    return decoder.stored_selfie(files.read(key), pixels, strict=strict, faces=faces)


def read_photo(photo: Photo, renditions: dict[str, str], decoder: Decoder, *, badges: bool = False) -> ReadPhoto:
    """Return what the decoder's engine finds in a photo; store its renditions under these keys, if any.

    With `badges`, guests' badges are searched for in it too.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone.
    """
    original = storage_key(photo.event_id, photo.filename, "original")
    return decoder.photo(StoredPhoto(original, renditions, photo.width, photo.height, badges))


def warning_of(read: ReadPhoto) -> str | None:
    """Return the warning that a photo gets, None if its picture is whole."""
    return INCOMPLETE if read.damaged else None


def reject(claim: Claim, reason: type[errors.AppError]) -> None:
    """Reject a selfie with the reason, if the attempt is still the current one."""
    with transaction() as session:
        selfie = matching_queries.selfie(session, claim.id)
        if selfie is None or not claim.is_current(selfie):
            return
        selfie_service.reject(session, selfie, reason)


def erase_if_deleted(photo_id: int, keys: list[str]) -> None:
    """Erase renditions that were written after their photo was deleted."""
    with transaction() as session:
        if session.get(Photo, photo_id) is None:
            erase(session, keys)
