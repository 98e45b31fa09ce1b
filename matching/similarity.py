"""Which of an event's faces are a guest's: numbers alone, the same whichever came last.

Two looks. The first compares the selfie with every face, and from each photo takes the most similar one that is
similar enough. The second compares every face with the mean of the selfie and what the first look found: a guest's
pictures of that day are nearer to each other than to the selfie. A face counts when either look accepts it.

The more faces an event has, the more strangers come near a guest by chance, so the stricter both looks are.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.matrices import SCALE, Block, Embeddings, Quantised

# On LFW (7.5 million pairs of different people) YuNet and SFace take one stranger in 1,000 for the guest at a cosine
# of 0.356, and ten times fewer with each further 0.0543.
COSINE_AT_1E_3, COSINE_PER_DECADE = 0.3558, 0.0543
# Of a hundred guests one may meet a stranger by the first look.
STRANGERS_PER_GUEST = 0.01
# In steps, so that a growing event changes its threshold seldom; guests are matched again when it does. The last is
# reached with 130,000 faces: beyond it the first look would find too few for the second to start from.
STEP, HIGHEST = 0.02, 0.58
# The mean is nearer to everybody than the selfie is.
EXPANSION_MARGIN = 0.04
# A float32 product of unit vectors is right to about 1e-6; what comes near a threshold is computed again.
SLACK = 1e-4
# So coarse that the order in which a mean was summed up does not show.
MEAN_DECIMALS = 5
# Rows widened at a time: 1 MB of 128 float32 each stays in a core's cache.
CHUNK = 2_048


def threshold_for(faces: int, lowest: float) -> float:
    """Return the cosine from which a face counts in an event of so many faces, never less than `lowest`."""
    false_accepts = STRANGERS_PER_GUEST / max(faces, 1)
    wanted = COSINE_AT_1E_3 + COSINE_PER_DECADE * math.log10(1e-3 / false_accepts)
    steps = math.ceil(round((wanted - lowest) / STEP, 6))
    return round(max(lowest, min(lowest + max(0, steps) * STEP, HIGHEST)), 4)


def exact_cosines(rows: Quantised, embedding: Embeddings) -> NDArray[np.float64]:
    """Return the cosine of each face of `rows` (n, dimensions) with `embedding` (dimensions,), always the same.

    Products in float32 differ in their last digits with the shapes multiplied. A match must not depend on whether
    the selfie or the photo came last, nor on how often a job ran: float64, rounded to six decimals, at most 1.
    """
    wide = (_exact(rows) * embedding.astype(np.float64)).sum(axis=1)
    return np.asarray(np.minimum(np.round(wide, 6), 1.0), np.float64)


def _exact(rows: Quantised) -> NDArray[np.float64]:
    return np.asarray(rows.astype(np.float64) / SCALE, np.float64)


def _approximate_cosines(rows: Quantised, embedding: Embeddings) -> NDArray[np.float32]:
    """Return about the cosine of each of `rows` (n, dimensions) with `embedding` (dimensions,)."""
    products = np.empty(len(rows), np.float32)
    wide = np.empty((min(CHUNK, len(rows)), rows.shape[1]), np.float32)
    scaled = embedding / np.float32(SCALE)
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        np.copyto(wide[: len(part)], part)
        np.dot(wide[: len(part)], scaled, out=products[start : start + len(part)])
    return products


@dataclass(frozen=True, slots=True)
class Matches:
    """For each photo that shows the guest, the face and its cosine; and the second look's `mean` (dimensions,)."""

    faces: dict[int, tuple[int, float]]
    mean: Embeddings | None


@dataclass(frozen=True, slots=True)
class _Accepted:
    """Faces that one look accepts: ids, photos, cosines (n,) and embeddings (n, dimensions) quantised."""

    face_ids: NDArray[np.int64]
    photo_ids: NDArray[np.int64]
    cosines: NDArray[np.float64]
    rows: Quantised


def _compare(blocks: Sequence[Block], embedding: Embeddings, threshold: float) -> _Accepted:
    near = [
        (block, np.flatnonzero(_approximate_cosines(block.embeddings, embedding) >= threshold - SLACK))
        for block in blocks
    ]
    rows = np.concatenate([block.embeddings[places] for block, places in near])
    cosines = exact_cosines(rows, embedding)
    accepted = cosines >= threshold
    return _Accepted(
        np.concatenate([block.face_ids[places] for block, places in near])[accepted],
        np.concatenate([block.photo_ids[places] for block, places in near])[accepted],
        cosines[accepted],
        rows[accepted],
    )


def _best_per_photo(near: _Accepted) -> dict[int, int]:
    """Return, for each photo, the place of its most similar face; of equals the first face's."""
    order = np.lexsort((-near.face_ids, near.cosines))
    return {int(near.photo_ids[place]): int(place) for place in order}


def find_matches(
    blocks: Sequence[Block], embedding: Embeddings, threshold: float, refused: Collection[int] = ()
) -> Matches:
    """Return the photos that show the guest whose selfie has this `embedding` (dimensions,), and the mean to keep.

    Photos that the guest `refused` are not looked at.
    """
    if not blocks:
        return Matches({}, None)
    first = _compare(blocks, embedding, threshold)
    core = {photo: place for photo, place in _best_per_photo(first).items() if photo not in refused}
    found = {photo: (int(first.face_ids[place]), float(first.cosines[place])) for photo, place in core.items()}
    if not core:
        return Matches({}, None)
    mean = mean_of(embedding, first.rows[sorted(core.values())])
    second = _compare(blocks, mean, threshold + EXPANSION_MARGIN)
    for photo, place in _best_per_photo(second).items():
        face, cosine = int(second.face_ids[place]), float(second.cosines[place])
        if photo not in refused and (photo not in found or cosine > found[photo][1]):
            found[photo] = (face, cosine)
    return Matches(found, mean)


def mean_of(embedding: Embeddings, rows: Quantised) -> Embeddings:
    """Return the unit mean of a selfie's embedding (dimensions,) and faces (n, dimensions), rounded."""
    total = embedding.astype(np.float64) + _exact(rows).sum(axis=0)
    return np.asarray(np.round(total / np.linalg.norm(total), MEAN_DECIMALS), np.float32)


def affected_guests(faces: Quantised, selfies: Embeddings, means: Embeddings, threshold: float) -> NDArray[np.intp]:
    """Return the guests (rows of `selfies` and `means`, both (guests, dimensions)) to whom one of `faces` may belong.

    A guest without a mean has zeros there. To all others these faces change nothing.
    """
    columns = _exact(faces).astype(np.float32).T
    first = (selfies @ columns).max(axis=1) >= threshold - SLACK
    second = (means @ columns).max(axis=1) >= threshold + EXPANSION_MARGIN - SLACK
    return np.flatnonzero(first | second)
