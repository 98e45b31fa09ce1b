"""The embeddings of an event's faces as one matrix, kept between matches and brought up to date at each.

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
# About 1 GB of 128 float32 each.
MAX_ROWS = 2_000_000


@dataclass(slots=True)
class EventFaces:
    """The faces of one event by one engine: `face_ids` and `photo_ids` (n,), `embeddings` (n, dimensions)."""

    version: int
    face_ids: NDArray[np.int64]
    photo_ids: NDArray[np.int64]
    embeddings: Embeddings


_held: OrderedDict[tuple[int, str], EventFaces] = OrderedDict()
_lock = threading.Lock()


def as_matrix(blobs: list[bytes]) -> Embeddings:
    """Return stored embeddings as rows of an (n, dimensions) float32 matrix."""
    if not blobs:
        return np.zeros((0, 0), np.float32)
    return np.frombuffer(b"".join(blobs), np.float32).reshape(len(blobs), -1)


def as_faces(version: int, rows: Sequence[Row[int, int, bytes]]) -> EventFaces:
    """Return rows of face, photo and embedding as arrays."""
    return EventFaces(
        version,
        np.fromiter((row[0] for row in rows), np.int64, len(rows)),
        np.fromiter((row[1] for row in rows), np.int64, len(rows)),
        as_matrix([row[2] for row in rows]),
    )


def faces_of(session: Session, event_id: int, version: int, engine_id: str) -> EventFaces:
    """Return the event's faces as they are now. The caller holds the event's row."""
    key = (event_id, engine_id)
    with _lock:
        held = _held.pop(key, None)
    if held is not None and held.version != version:
        held = None
    last_id = int(held.face_ids[-1]) if held is not None and held.face_ids.size else 0
    rows = queries.faces_after(session, event_id, engine_id, last_id)
    current = _joined(held, as_faces(version, rows))
    with _lock:
        _held[key] = current
        _held.move_to_end(key)
        while len(_held) > 1 and sum(each.face_ids.size for each in _held.values()) > MAX_ROWS:
            _held.popitem(last=False)
    return current


def _joined(held: EventFaces | None, fresh: EventFaces) -> EventFaces:
    if held is None or not held.face_ids.size:
        return fresh
    if not fresh.face_ids.size:
        return held
    return EventFaces(
        fresh.version,
        np.concatenate((held.face_ids, fresh.face_ids)),
        np.concatenate((held.photo_ids, fresh.photo_ids)),
        np.concatenate((held.embeddings, fresh.embeddings)),
    )


def forget() -> None:
    """Drop every matrix, as a fresh process would start."""
    with _lock:
        _held.clear()
