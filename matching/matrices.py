"""The embeddings of an event's faces, cached in each process and completed at each use.

In blocks, so that a million faces are loaded and extended without a second copy. As 16-bit integers (scalar
quantisation), because each process holds them.

Faces are inserted while the event's row is locked, so their ids rise in the order of the commits: the new faces are
those with a higher id. `events.version` is incremented when faces are deleted; then the ids that are left are read.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from encryption.templates import Quantised
from matching import queries
from matching.queries import FaceBatch

Embeddings = NDArray[np.float32]
# Faces per block: 8 MB of 128 components.
BLOCK = 32_768
# Faces per process: about 0.5 GB of 128 components.
MAX_ROWS = 2_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """Faces of one event by one engine: rising `face_ids` (n,), `photo_ids` (n,), `embeddings` (n, dimensions)."""

    face_ids: NDArray[np.int64]
    photo_ids: NDArray[np.int64]
    embeddings: Quantised


@dataclass(frozen=True, slots=True)
class EventFaces:
    """All faces of one event by one engine at one version of the event; each face is in one block."""

    version: int
    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        """The number of faces."""
        return sum(each.face_ids.size for each in self.blocks)

    def plus(self, fresh: Block) -> "EventFaces":
        """Return these faces and further ones; the cache does not change."""
        return EventFaces(self.version, (*self.blocks, fresh))

    def without(self, photo_id: int) -> "EventFaces":
        """Return these faces except those of one photo; the cache does not change."""
        return EventFaces(self.version, tuple(_selected(block, block.photo_ids != photo_id) for block in self.blocks))


def _selected(block: Block, wanted: NDArray[np.bool_]) -> Block:
    if wanted.all():
        return block
    return Block(block.face_ids[wanted], block.photo_ids[wanted], block.embeddings[wanted])


# By event and engine, the least recently used first.
_cache: OrderedDict[tuple[int, str], EventFaces] = OrderedDict()
_lock = threading.Lock()


def as_matrix(blobs: Sequence[bytes]) -> Embeddings:
    """Return n stored embeddings (float32 bytes, all of one length) as a matrix (n, dimensions)."""
    if not blobs:
        return np.zeros((0, 0), np.float32)
    return np.frombuffer(b"".join(blobs), np.float32).reshape(len(blobs), -1)


def faces_of(session: Session, event_id: int, version: int, engine_id: str) -> EventFaces:
    """Return all committed faces of the event. The caller has locked the event's row and read its `version`."""
    key = (event_id, engine_id)
    with _lock:
        cached = _cache.pop(key, None)
    blocks = cached.blocks if cached is not None else ()
    if cached is not None and cached.version != version and blocks:
        # Faces are never changed and ids never used twice: what was read and is still there need not be read again.
        known = queries.face_ids(session, event_id, engine_id, int(blocks[-1].face_ids[-1]))
        blocks = _remaining(blocks, np.array(known, np.int64))
    last_id = int(blocks[-1].face_ids[-1]) if blocks else 0
    for batch in queries.faces_after(session, event_id, engine_id, last_id, BLOCK):
        blocks = _extended(blocks, batch)
    current = EventFaces(version, blocks)
    with _lock:
        _cache[key] = current
        _cache.move_to_end(key)
        while len(_cache) > 1 and sum(each.size for each in _cache.values()) > MAX_ROWS:
            _cache.popitem(last=False)
    return current


def _remaining(blocks: tuple[Block, ...], known: NDArray[np.int64]) -> tuple[Block, ...]:
    """Return the blocks with the faces whose ids are known, both rising; without blocks that have none left."""
    left = (_selected(block, np.isin(block.face_ids, known, assume_unique=True)) for block in blocks)
    return tuple(block for block in left if block.face_ids.size)


def _extended(blocks: tuple[Block, ...], batch: FaceBatch) -> tuple[Block, ...]:
    """Return the blocks with a batch of faces added: to the last block if they fit, else as a new one."""
    fresh = Block(
        np.array(batch.face_ids, np.int64)[batch.readable],
        np.array(batch.photo_ids, np.int64)[batch.readable],
        batch.embeddings,
    )
    if not fresh.face_ids.size:
        return blocks
    if not blocks or blocks[-1].face_ids.size + fresh.face_ids.size > BLOCK:
        return (*blocks, fresh)
    last = blocks[-1]
    joined = Block(
        np.concatenate((last.face_ids, fresh.face_ids)),
        np.concatenate((last.photo_ids, fresh.photo_ids)),
        np.concatenate((last.embeddings, fresh.embeddings)),
    )
    return (*blocks[:-1], joined)


def held() -> int:
    """Return how many events are in the cache."""
    return len(_cache)


def drop_erased(session: Session) -> None:
    """Drop the faces that have been deleted since they were read, without waiting for the next match."""
    with _lock:
        cached = dict(_cache)
    versions = queries.versions(session, {event_id for event_id, _ in cached})
    for key, faces in cached.items():
        event_id, engine_id = key
        version = versions.get(event_id)
        if version == faces.version:
            continue
        blocks: tuple[Block, ...] = ()
        if version is not None and faces.blocks:
            last_id = int(faces.blocks[-1].face_ids[-1])
            blocks = _remaining(
                faces.blocks, np.array(queries.face_ids(session, event_id, engine_id, last_id), np.int64)
            )
        with _lock:
            # A match that runs has taken the entry out, and completes it by itself.
            if _cache.get(key) is faces:
                if version is not None and blocks:
                    _cache[key] = EventFaces(version, blocks)
                else:
                    del _cache[key]


def clear() -> None:
    """Empty the cache."""
    with _lock:
        _cache.clear()
