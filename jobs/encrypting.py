"""Encrypt what releases without encryption have stored: templates and files of portraits, a few at a time.

Any process may do it, at any moment. A step that a crash interrupts is done again.
"""

import logging

from sqlalchemy.orm import Session

import storage
from database import reading, transaction
from encryption import queries
from encryption.queries import is_plain
from encryption.templates import portrait_place, writing_cipher
from events import queries as event_queries
from models import Selfie
from selfies import files

log = logging.getLogger("reperio.keys")
# Rows of one transaction, for which others wait that lock the event; and files between two looks at the queue.
FACES_AT_ONCE, SELFIES_AT_ONCE = 1000, 20


class Encrypting:
    """Encrypts some of what is left at each step."""

    def __init__(self) -> None:
        self._event_id: int | None = None
        self._after = 0

    def step(self) -> bool:
        """Encrypt some files and some templates; return whether anything may be left.

        Raises:
            KeysUnavailable: no key can be had now. SQLAlchemyError, StorageError: the database or the storage failed.
        """
        with reading() as session:
            selfies, event_id = queries.plain_selfies(session, SELFIES_AT_ONCE), queries.a_plain_event(session)
        for selfie in selfies:
            _encrypt_file(selfie)
        if event_id is not None:
            if event_id != self._event_id:
                self._event_id, self._after = event_id, 0
            self._encrypt_some(event_id)
        return bool(selfies) or event_id is not None

    def _encrypt_some(self, event_id: int) -> None:
        with transaction() as session:
            event = event_queries.lock_event(session, event_id)
            if event is None:
                return
            faces = queries.some_faces(session, event_id, self._after, FACES_AT_ONCE)
            plain = [each for each in faces if is_plain(len(each[2]))]
            if plain:
                cipher = writing_cipher(session, event_id)
                done = [(face_id, cipher.face(photo_id, stored)) for face_id, photo_id, stored in plain]
                queries.store_faces(session, done)
            if len(faces) < FACES_AT_ONCE:
                _encrypt_portraits(session, event_id)
                event.is_encrypted = True
                log.info("event %d: its templates are encrypted", event_id)
        self._after = faces[-1][0] if faces else 0


def _encrypt_portraits(session: Session, event_id: int) -> None:
    portraits, evaluated = queries.portraits_in(session, event_id), queries.evaluated_in(session, event_id)
    if not portraits and not evaluated:
        return
    cipher = writing_cipher(session, event_id)
    for row, key in portraits:
        if is_plain(len(row.embedding)):
            row.embedding = cipher.portrait(key, portrait_place(row.selfie_id), row.embedding)
        if row.mean is not None and is_plain(len(row.mean)):
            row.mean = cipher.portrait(key, portrait_place(row.selfie_id, "mean"), row.mean)
    for each in evaluated:
        if is_plain(len(each.embeddings)):
            each.embeddings = cipher.evaluated(each.photo_id, each.embeddings)


def _encrypt_file(selfie: Selfie) -> None:
    """Encrypt a selfie's file in its place, and note it; a selfie that is deleted meanwhile leaves no file."""
    key = selfie.storage_key
    if key is None:
        return
    with transaction() as session:
        # Locked: an erasure of the file then comes after it.
        current = queries.lock_selfie(session, selfie.id)
        if current is None or current.storage_key != key:
            return
        try:
            data = storage.get(key)
        except storage.MissingObject:
            data = b""
        if data and not files.is_encrypted(data):
            files.write(key, data)
        current.is_encrypted = True
