"""The embeddings of an event's faces, held in memory (`matching/shared.py`) and completed at each use.

As 16-bit integers (scalar quantisation), which takes half the memory of float32.

Faces are inserted while the event's row is locked, so their ids rise in the order of the commits: the new faces are
those with a higher id. `events.version` is incremented when faces are deleted; then the ids that are left are read.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from encryption.templates import EventCipher, Quantised, quantised, reading_cipher
from matching import queries, shared
from matching.arena import COMPONENTS, ERASED, UNREADABLE, Held, Key, Views
from matching.bystanders import queries as unstored_queries
from matching.queries import StoredFaces

log = logging.getLogger("reperio.jobs")
Embeddings = NDArray[np.float32]
# Faces per block: 8 MB of 128 components.
BLOCK = 32_768
# Faces read from the database in one statement: 2 MB of templates.
READ_AT_ONCE = 8_192
# How long a match waits, with the event's row locked, for another process that takes in faces of the event.
WRITER_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Block:
    """Faces of one event by one engine: rising `face_ids` (n,), `photo_ids` (n,), `embeddings` (n, dimensions).

    A face whose photo is not positive is erased or unreadable, and no face: its embedding is zeros.
    """

    face_ids: NDArray[np.int64]
    photo_ids: NDArray[np.int64]
    embeddings: Quantised
    # Keeps the memory that the block is a part of.
    held: Held | None = None

    @property
    def size(self) -> int:
        """The number of faces."""
        return int(np.count_nonzero(self.photo_ids > 0))


@dataclass(frozen=True, slots=True)
class EventFaces:
    """All faces of one event by one engine at one version of the event; each face is in one block."""

    version: int
    blocks: tuple[Block, ...]
    # Faces that the engine has found and that are not stored (`matching/bystanders/`).
    unstored: int = 0

    @property
    def size(self) -> int:
        """The number of faces."""
        return sum(each.size for each in self.blocks)

    @property
    def found(self) -> int:
        """The number of faces that the engine has found, also those that are not stored."""
        return self.size + self.unstored

    def plus(self, fresh: Block, unstored: int = 0) -> "EventFaces":
        """Return these faces and further ones, of which some are not stored; the cache does not change."""
        blocks = (*self.blocks, fresh) if fresh.face_ids.size else self.blocks
        return EventFaces(self.version, blocks, self.unstored + unstored)

    def without(self, photo_id: int, unstored: int = 0) -> "EventFaces":
        """Return these faces except those of one photo, of which so many are unstored; the cache does not change."""
        blocks = tuple(_selected(block, block.photo_ids != photo_id) for block in self.blocks)
        return EventFaces(self.version, blocks, self.unstored - unstored)


def _selected(block: Block, wanted: NDArray[np.bool_]) -> Block:
    if wanted.all():
        return block
    return Block(block.face_ids[wanted], block.photo_ids[wanted], block.embeddings[wanted])


def as_matrix(blobs: Sequence[bytes]) -> Embeddings:
    """Return n stored embeddings (float32 bytes, all of one length) as a matrix (n, dimensions)."""
    if not blobs:
        return np.zeros((0, 0), np.float32)
    return np.frombuffer(b"".join(blobs), np.float32).reshape(len(blobs), -1)


def block_of(face_ids: Sequence[int], photo_id: int, embeddings: Sequence[Embeddings]) -> Block:
    """Return faces of one photo, whose `embeddings` (dimensions,) are as an engine made them."""
    rows = [each.astype(np.float32).tobytes() for each in embeddings]
    return Block(np.array(face_ids, np.int64), np.full(len(face_ids), photo_id, np.int64), quantised(as_matrix(rows)))


# --- faces in memory -------------------------------------------------------------------------------


def faces_of(session: Session, event_id: int, version: int, engine_id: str) -> EventFaces:
    """Return all committed faces of the event. The caller has locked the event's row and read its `version`.

    Reads only what memory lacks: `matching/loading.py` reads the rest before the row is locked.

    Raises:
        KeysUnavailable: the event's key cannot be had now, and there are faces to read.
    """
    key, arena = (event_id, engine_id), shared.memory()
    held = arena.hold(key, version)
    blocks = _taken_in(session, key, held, version) if held is not None else None
    if held is None or blocks is None:
        blocks = _beside(session, key, held, version)
    return EventFaces(version, blocks, unstored_queries.number_in_event(session, event_id, engine_id))


def _taken_in(session: Session, key: Key, held: Held, version: int) -> tuple[Block, ...] | None:
    """Return the event's faces, of which memory takes in what it lacks; None if that cannot be done now."""
    arena = held.arena
    known_id = arena.last_id(held)
    fresh = queries.faces_after(session, *key, known_id, READ_AT_ONCE)

    def read(last_id: int) -> Views:
        if last_id == known_id:
            return opened(reading_cipher(session, key[0]), fresh)
        return _read(session, key, last_id)

    if fresh.face_ids or arena.version(held) != version:
        with arena.locks.writing(held.place, WRITER_SECONDS) as may_write:
            if not may_write:
                return None
            if arena.version(held) != version:
                erase_deleted(session, key, held, version)
            if not append_all(held, read):
                return None
    arena.note_complete(held)
    return _blocks(held)


def _beside(session: Session, key: Key, held: Held | None, version: int) -> tuple[Block, ...]:
    """Return the event's faces, those that memory lacks or has no room for read for this once."""
    blocks, last_id = _blocks(held) if held is not None else (), 0
    if held is not None and blocks:
        last_id = int(blocks[-1].face_ids[-1])
        if held.arena.version(held) != version:
            blocks = tuple(_selected(block, ~_deleted(session, key, block)) for block in blocks)
    while True:
        batch = _read(session, key, last_id)
        if not batch.face_ids.size:
            return blocks
        last_id = int(batch.face_ids[-1])
        readable = batch.photo_ids > 0
        if not readable.any():
            continue
        blocks = (*blocks, Block(batch.face_ids[readable], batch.photo_ids[readable], batch.embeddings[readable]))


def _read(session: Session, key: Key, last_id: int) -> Views:
    cipher = reading_cipher(session, key[0])
    return opened(cipher, queries.faces_after(session, *key, last_id, READ_AT_ONCE))


def opened(cipher: EventCipher, faces: StoredFaces) -> Views:
    """Return faces with their templates decrypted: of those that cannot be read zeros, and `UNREADABLE` as photo."""
    face_ids, photo_ids = np.array(faces.face_ids, np.int64), np.array(faces.photo_ids, np.int64)
    read = cipher.opened_faces(faces.photo_ids, faces.stored)
    if read.readable.all():
        return Views(face_ids, photo_ids, read.embeddings)
    embeddings = np.zeros((face_ids.size, read.embeddings.shape[1]), np.int16)
    embeddings[read.readable] = read.embeddings
    return Views(face_ids, np.where(read.readable, photo_ids, UNREADABLE), embeddings)


def append_all(held: Held, read: Callable[[int], Views]) -> bool:
    """Take in all faces that `read` returns after a face's id, in several parts; return False if there is no room.

    The caller is the entry's writer.
    """
    arena = held.arena
    while True:
        batch = read(arena.last_id(held))
        if not batch.face_ids.size:
            return True
        if not batch.embeddings.shape[1]:
            # None of them can be read: as wide as the others.
            width = arena.dimensions(held) or COMPONENTS
            batch = batch._replace(embeddings=np.zeros((batch.face_ids.size, width), np.int16))
        if not arena.append(held, *batch):
            _tell_no_room(arena.rows(held))
            return False
        if batch.face_ids.size < READ_AT_ONCE:
            return True


def _tell_no_room(rows: int) -> None:
    log.warning("FACES_SHARED_MB is too small: beyond %d faces of an event, each match reads them again", rows)


def erase_deleted(session: Session, key: Key, held: Held, version: int) -> None:
    """Erase from memory what the database no longer has at this version. The caller is the entry's writer."""
    arena, gone, start = held.arena, list[NDArray[np.intp]](), 0
    for block in arena.views(held, arena.rows(held), BLOCK, with_emptied=True):
        gone.append(start + np.flatnonzero(_deleted(session, key, Block(*block))))
        start += block.face_ids.size
    if gone:
        arena.erase(held, np.concatenate(gone))
    arena.note_version(held, version)


def _deleted(session: Session, key: Key, block: Block) -> NDArray[np.bool_]:
    """Return which faces of a block are in memory and no longer in the database."""
    there = block.photo_ids != ERASED
    if there.any():
        known = queries.face_ids(session, *key, int(block.face_ids[0]), int(block.face_ids[-1]))
        there &= np.isin(block.face_ids, known, invert=True)
    return np.asarray(there)


def _blocks(held: Held) -> tuple[Block, ...]:
    arena = held.arena
    return tuple(Block(*each, held) for each in arena.views(held, arena.rows(held), BLOCK))


def held_events() -> set[int]:
    """Return the events whose faces are in memory."""
    return {event_id for event_id, _ in shared.memory().held_keys()}


def held() -> int:
    """Return how many events are in memory."""
    return len(shared.memory().held_keys())


def drop_erased(session: Session) -> None:
    """Erase the faces that have been deleted since they were read, without waiting for the next match.

    Also those that a process has read which is dead now.
    """
    arena = shared.memory()
    arena.tidy()
    keys = arena.held_keys()
    versions = queries.versions(session, {event_id for event_id, _ in keys})
    for key in keys:
        entry, version = arena.hold(key), versions.get(key[0])
        if entry is None or version == arena.version(entry):
            continue
        with arena.locks.writing(entry.place, 0) as may_write:
            # Whoever writes it now erases what is deleted as well.
            if not may_write:
                continue
            if version is None:
                arena.erase(entry, np.arange(arena.rows(entry)))
            else:
                erase_deleted(session, key, entry, version)
            is_empty = not arena.live(entry)
        del entry
        if is_empty:
            arena.free(key)


def clear() -> None:
    """Empty the memory."""
    shared.forget()
