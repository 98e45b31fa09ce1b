"""Compares a guest's portraits with faces by the functions of the real matching: arithmetic only."""

from collections.abc import Iterable, Sequence

import numpy as np

from encryption.templates import quantised
from faces.providers import calibration_of, engine_id_of
from matching import matrices, similarity
from matching.matrices import Block
from matching.similarity import Portrait, Thresholds
from settings import get_settings


def blocks_of(rows: Iterable[tuple[int, bytes]], dimensions: int) -> tuple[Block, ...]:
    """Return faces as the real matching holds them, from photo ids and the embeddings (float32 bytes) of each.

    The ids of the faces are their places in this order, from 0.
    """
    photo_ids, blobs = list[int](), list[bytes]()
    size = dimensions * np.dtype(np.float32).itemsize
    for photo_id, packed in rows:
        found = [packed[start : start + size] for start in range(0, len(packed), size)]
        photo_ids += [photo_id] * len(found)
        blobs += found
    if not blobs:
        return ()
    face_ids = np.arange(len(blobs), dtype=np.int64)
    return (Block(face_ids, np.array(photo_ids, np.int64), quantised(matrices.as_matrix(blobs))),)


def thresholds_of(faces: int, provider: str) -> Thresholds:
    """Return the thresholds in an event of so many faces, by the provider's own calibration."""
    settings = get_settings()
    # The setting is meant for the engine in use.
    lowest = settings.match_threshold if provider == settings.face_recognizer_provider else None
    return similarity.thresholds_for(faces, calibration_of(engine_id_of(provider)), lowest)


def nearest_faces(blocks: Sequence[Block], portraits: Sequence[Portrait]) -> dict[int, float]:
    """Return the similarity of each photo's most similar face with any portrait."""
    nearest = dict[int, float]()
    for block in blocks:
        # A part at a time: as float64, a block of an event takes four times its memory.
        for start in range(0, block.face_ids.size, similarity.CHUNK):
            part = slice(start, start + similarity.CHUNK)
            rows = block.embeddings[part]
            cosines = np.max([similarity.exact_cosines(rows, each.embedding) for each in portraits], axis=0)
            for photo_id, cosine in zip(block.photo_ids[part].tolist(), cosines.tolist(), strict=True):
                nearest[photo_id] = max(cosine, nearest.get(photo_id, -1.0))
    return nearest
