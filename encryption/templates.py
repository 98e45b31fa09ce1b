"""Templates as the database holds them: encrypted, each bound to the row that it is of.

Faces have the key of their event. Embeddings of portraits have a key that is derived from the event's and the
portrait's: destroying either makes them unreadable. Faces are stored as 16-bit integers, which is what the matching
compares. Templates of earlier releases are plain float32 vectors until `jobs/encrypting.py` has encrypted them;
their length in bytes is a multiple of four, that of what is encrypted never.
"""

import hashlib
import hmac
import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from encryption import keys
from encryption.cipher import OVERHEAD, Unreadable, all_decrypted, decrypted, encrypted
from encryption.queries import is_plain
from encryption.store import NoSuchKey
from models import Face

log = logging.getLogger("reperio.keys")
# The integer for a component of 1, the largest of a unit vector. The error is at most 1.5e-5 per component and, with
# 128 components, at most 1.8e-4 per cosine (1.5e-5 on average).
SCALE = 32_767
Quantised = NDArray[np.int16]


class OpenedFaces(NamedTuple):
    """Faces that could be read: which of those given (n,), and their templates (read, dimensions)."""

    readable: NDArray[np.bool_]
    embeddings: Quantised


def quantised(embeddings: NDArray[np.float32]) -> Quantised:
    """Return unit vectors (n, dimensions) as 16-bit integers, `SCALE` for a component of 1."""
    scaled = embeddings * np.float32(SCALE)
    # In place: allocating a second large array would take longer than the rounding.
    np.rint(scaled, out=scaled)
    return scaled.astype(np.int16)


class EventCipher:
    """Encrypts and decrypts the templates of one event. Without a key it reads plain ones only."""

    def __init__(self, key: bytes | None) -> None:
        """`key` is the event's data key."""
        self._key = key

    @property
    def _own_key(self) -> bytes:
        if self._key is None:
            raise ValueError("without a key nothing is encrypted, and nothing plain is written")
        return self._key

    def face(self, photo_id: int, embedding: bytes) -> bytes:
        """Return a face's template (float32 bytes) as its row holds it; empty stays empty."""
        if not embedding:
            return embedding
        plain = quantised(np.frombuffer(embedding, np.float32)).tobytes()
        return encrypted(self._own_key, plain, _face(photo_id))

    def opened_face(self, photo_id: int, stored: bytes) -> bytes | None:
        """Return a face's template as float32 bytes; None if there is none, or its key was destroyed."""
        if not stored or is_plain(len(stored)):
            return stored or None
        plain = self._opened(stored, _face(photo_id))
        return _as_floats(plain) if plain is not None else None

    def opened_faces(self, photo_ids: Sequence[int], stored: Sequence[bytes]) -> OpenedFaces:
        """Return those of an event's faces that can be read."""
        if self._key is not None and not any(is_plain(len(each)) for each in stored):
            rows = all_decrypted(self._key, zip(stored, map(_face, photo_ids), strict=True))
        else:
            rows = [self._opened_or_plain(photo_id, each) for photo_id, each in zip(photo_ids, stored, strict=True)]
        readable = np.array([bool(each) for each in rows], bool)
        read = [each for each in rows if each]
        if len(read) < len(rows):
            log.warning(
                "%d of %d templates cannot be read: their key was destroyed", len(rows) - len(read), len(rows)
            )
        dimensions = len(read[0]) // 2 if read else 0
        return OpenedFaces(readable, np.frombuffer(b"".join(read), np.int16).reshape(len(read), dimensions))

    def _opened_or_plain(self, photo_id: int, stored: bytes) -> bytes | None:
        if is_plain(len(stored)):
            return quantised(np.frombuffer(stored, np.float32)).tobytes()
        return self._opened(stored, _face(photo_id))

    def portrait(self, storage_key: str, place: str, embedding: bytes) -> bytes:
        """Return an embedding of a portrait (float32 bytes) as its row holds it; empty stays empty.

        `place` names the row: see `portrait_place`. Makes the portrait's key, if it has none.
        """
        if not embedding:
            return embedding
        return encrypted(_both(self._own_key, keys.ensure(keys.of_portrait(storage_key))), embedding, place.encode())

    def opened_portrait(self, storage_key: str, place: str, stored: bytes) -> bytes | None:
        """Return an embedding of a portrait as float32 bytes; None if its key, or the event's, was destroyed."""
        if not stored or is_plain(len(stored)):
            return stored
        try:
            portrait = keys.key(keys.of_portrait(storage_key))
        except NoSuchKey:
            log.warning("the embedding of a portrait cannot be read: its key was destroyed")
            return None
        return self._opened(stored, place.encode(), _both(self._key, portrait) if self._key is not None else None)

    def evaluated(self, photo_id: int, embeddings: bytes) -> bytes:
        """Return what an evaluation has read in a photo (float32 bytes) as its row holds it."""
        return encrypted(self._own_key, embeddings, _evaluated(photo_id)) if embeddings else embeddings

    def opened_evaluated(self, photo_id: int, stored: bytes) -> bytes | None:
        """Return what an evaluation has read in a photo as float32 bytes; None if the key was destroyed."""
        return stored if not stored or is_plain(len(stored)) else self._opened(stored, _evaluated(photo_id))

    def _opened(self, stored: bytes, place: bytes, key: bytes | None = None) -> bytes | None:
        used = key or self._key
        if used is None or len(stored) <= OVERHEAD:
            return None
        try:
            return decrypted(used, stored, place)
        except Unreadable:
            return None


def _face(photo_id: int) -> bytes:
    return b"face %d" % photo_id


def _evaluated(photo_id: int) -> bytes:
    return b"evaluated %d" % photo_id


def portrait_place(selfie_id: int, what: str = "embedding") -> str:
    """Return the text that binds an embedding of a portrait, or `mean`, to its row."""
    return f"{what} {selfie_id}"


def _both(event: bytes, portrait: bytes) -> bytes:
    return hmac.digest(portrait, b"embedding" + event, hashlib.sha256)


def _as_floats(plain: bytes) -> bytes:
    return (np.frombuffer(plain, np.int16).astype(np.float32) / np.float32(SCALE)).tobytes()


def reading_cipher(session: Session, event_id: int) -> EventCipher:
    """Return what decrypts the templates of an event.

    Raises:
        KeysUnavailable: its key cannot be had now.
    """
    name = keys.of_event(session, event_id)
    try:
        return EventCipher(keys.key(name) if name is not None else None)
    except NoSuchKey:
        # Before the first template, or in a restored backup.
        return EventCipher(None)


def writing_cipher(session: Session, event_id: int) -> EventCipher:
    """Return what encrypts the templates of an event. Makes its key if there is none, or it was destroyed.

    Raises:
        KeysUnavailable: no key can be had now.
    """
    name = keys.of_event(session, event_id)
    return EventCipher(keys.ensure(name) if name is not None else None)


def template_of(session: Session, face: Face) -> bytes | None:
    """Return the template of a stored face as float32 bytes; None if it has none, or its key was destroyed."""
    if not face.embedding:
        return None
    return reading_cipher(session, face.event_id).opened_face(face.photo_id, face.embedding)
