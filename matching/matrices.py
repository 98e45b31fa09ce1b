"""The embeddings of an event's faces in blocks, kept between matches and brought up to date at each.

Blocks, so that a million faces are loaded and added to without ever being held twice; 16-bit integers, because each
process holds them (scalar quantisation).

Rows are added under the event's lock, so their ids rise in the order of their commits: what is new is what has a
higher id. `events.version` rises whenever faces disappear; then all is read again.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row
from sqlalchemy.orm import Session

from matching import queries

Embeddings = NDArray[np.float32]
Quantised = NDArray[np.int16]
# What stands for a component of 1, the largest of a unit vector: each is right to 1.5e-5, and a cosine of vectors of
# 128 components to 1.8e-4 at worst, 1.5e-5 as a rule.
SCALE = 32_767
# 8 MB of 128 components each.
BLOCK = 32_768
# About 0.5 GB of 128 components each.
MAX_ROWS = 2_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """An event's faces by one engine: `face_ids`, rising, `photo_ids` (n,), `embeddings` (n, dimensions)."""

    face_ids: NDArray[np.int64]
    photo_ids: NDArray[np.int64]
    embeddings: Quantised


@dataclass(frozen=True, slots=True)
class EventFaces:
    """All faces of one event by one engine, as the event's version has them; none is in two blocks."""

    version: int
    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        """How many faces there are."""
        return sum(each.face_ids.size for each in self.blocks)

    def plus(self, fresh: Block) -> "EventFaces":
        """Return these and further faces, which are kept nowhere."""
        return EventFaces(self.version, (*self.blocks, fresh))

    def without(self, photo_id: int) -> "EventFaces":
        """Return these but for one photo's."""
        return EventFaces(self.version, tuple(_kept(block, block.photo_ids != photo_id) for block in self.blocks))


def _kept(block: Block, wanted: NDArray[np.bool_]) -> Block:
    if wanted.all():
        return block
    return Block(block.face_ids[wanted], block.photo_ids[wanted], block.embeddings[wanted])


_cache: OrderedDict[tuple[int, str], EventFaces] = OrderedDict()
_lock = threading.Lock()


def as_matrix(blobs: list[bytes]) -> Embeddings:
    """Return stored embeddings as rows of an (n, dimensions) float32 matrix."""
    if not blobs:
        return np.zeros((0, 0), np.float32)
    return np.frombuffer(b"".join(blobs), np.float32).reshape(len(blobs), -1)


def quantised(embeddings: Embeddings) -> Quantised:
    """Return unit vectors (n, dimensions) with SCALE for each component of 1."""
    scaled = embeddings * np.float32(SCALE)
    # In place: a second large array would cost more than the rounding.
    np.rint(scaled, out=scaled)
    return scaled.astype(np.int16)


def faces_of(session: Session, event_id: int, version: int, engine_id: str) -> EventFaces:
    """Return the event's faces as they are now. The caller holds the event's row."""
    key = (event_id, engine_id)
    with _lock:
        cached = _cache.pop(key, None)
    blocks = cached.blocks if cached is not None and cached.version == version else ()
    last_id = int(blocks[-1].face_ids[-1]) if blocks else 0
    for rows in queries.faces_after(session, event_id, engine_id, last_id, BLOCK):
        blocks = _with(blocks, rows)
    current = EventFaces(version, blocks)
    with _lock:
        _cache[key] = current
        _cache.move_to_end(key)
        while len(_cache) > 1 and sum(each.size for each in _cache.values()) > MAX_ROWS:
            _cache.popitem(last=False)
    return current


def _with(blocks: tuple[Block, ...], rows: Sequence[Row[int, int, bytes]]) -> tuple[Block, ...]:
    """Return the blocks and these rows behind them; a last block that is not full takes them in if it can."""
    fresh = Block(
        np.fromiter((row[0] for row in rows), np.int64, len(rows)),
        np.fromiter((row[1] for row in rows), np.int64, len(rows)),
        quantised(as_matrix([row[2] for row in rows])),
    )
    if not blocks or blocks[-1].face_ids.size + fresh.face_ids.size > BLOCK:
        return (*blocks, fresh)
    last = blocks[-1]
    joined = Block(
        np.concatenate((last.face_ids, fresh.face_ids)),
        np.concatenate((last.photo_ids, fresh.photo_ids)),
        np.concatenate((last.embeddings, fresh.embeddings)),
    )
    return (*blocks[:-1], joined)


def clear() -> None:
    """Drop every matrix, as a fresh process would start."""
    with _lock:
        _cache.clear()
