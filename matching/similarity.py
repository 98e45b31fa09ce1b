"""Which of an event's faces are a guest's: arithmetic only, with the same result in whatever order faces arrived.

Two passes. The first compares the selfie with every face and takes the most similar face of each photo that reaches
the threshold. The second compares every face with the mean of the selfie and of the faces found (average query
expansion): pictures of one guest on one day are more similar to each other than to the selfie. A face counts when
either pass accepts it.

The more faces an event has, the more strangers resemble a guest by chance. So the threshold rises with their number.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faces.calibration import Calibration
from matching.matrices import SCALE, Block, Embeddings, Quantised

# Accepted in the first pass: one stranger per hundred guests.
STRANGERS_PER_GUEST = 0.01
# Cosines closer than this to a threshold are computed again. A float32 product of unit vectors is right to 1e-6.
SLACK = 1e-4
# Coarse enough to hide the rounding differences between orders of summation.
MEAN_DECIMALS = 5
# Rows converted to float32 at a time: 1 MB of 128 dimensions, which stays in a core's cache.
CHUNK = 2_048


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The cosines from which a face counts: in the first pass, and in the second.

    In steps, because all guests are matched again when the thresholds of their event change. The second is higher,
    because a mean is more similar to everyone than a single embedding is.
    """

    first: float
    second: float


def thresholds_for(faces: int, calibration: Calibration, lowest: float | None = None) -> Thresholds:
    """Return the thresholds in an event of `faces` faces; the first is at least `lowest`, by default the engine's."""
    first = calibration.threshold(STRANGERS_PER_GUEST / max(faces, 1), lowest)
    return Thresholds(first, round(first + calibration.margin, 4))


def exact_cosines(rows: Quantised, embedding: Embeddings) -> NDArray[np.float64]:
    """Return the cosine of each face of `rows` (n, dimensions) with `embedding` (dimensions,), as (n,).

    Float64, rounded to six decimals, at most 1: the last digits of a float32 product depend on the shapes multiplied,
    but a match must not depend on how many faces were compared together, nor on whether the selfie came last.
    """
    cosines = (_dequantised(rows) * embedding.astype(np.float64)).sum(axis=1)
    return np.asarray(np.minimum(np.round(cosines, 6), 1.0), np.float64)


def _dequantised(rows: Quantised) -> NDArray[np.float64]:
    return np.asarray(rows.astype(np.float64) / SCALE, np.float64)


def _approximate_cosines(rows: Quantised, embedding: Embeddings) -> NDArray[np.float32]:
    """Return the cosine of each of `rows` (n, dimensions) with `embedding` (dimensions,), right to `SLACK`."""
    cosines = np.empty(len(rows), np.float32)
    buffer = np.empty((min(CHUNK, len(rows)), rows.shape[1]), np.float32)
    scaled = embedding / np.float32(SCALE)
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        np.copyto(buffer[: len(part)], part)
        np.dot(buffer[: len(part)], scaled, out=cosines[start : start + len(part)])
    return cosines


class FaceScore(NamedTuple):
    """The face that shows the guest in a photo, and its cosine."""

    face_id: int
    cosine: float


@dataclass(frozen=True, slots=True)
class Matches:
    """The guest's face in each photo found, by the photo's id, and the second pass's `mean` (dimensions,).

    `mean` is None if the first pass found nothing: then there is no second pass.
    """

    faces: dict[int, FaceScore]
    mean: Embeddings | None


@dataclass(frozen=True, slots=True)
class _Accepted:
    """The faces that one pass accepts: ids, photos and cosines (n,), embeddings (n, dimensions)."""

    face_ids: NDArray[np.int64]
    photo_ids: NDArray[np.int64]
    cosines: NDArray[np.float64]
    rows: Quantised

    def best_per_photo(self) -> dict[int, int]:
        """Return the index of the most similar face of each photo; of equal ones, the face with the lowest id."""
        order = np.lexsort((-self.face_ids, self.cosines))
        return {int(self.photo_ids[index]): int(index) for index in order}

    def score(self, index: int) -> FaceScore:
        """Return the face at `index` with its cosine."""
        return FaceScore(int(self.face_ids[index]), float(self.cosines[index]))


def _accept(blocks: Sequence[Block], embedding: Embeddings, threshold: float) -> _Accepted:
    close = [
        (block, np.flatnonzero(_approximate_cosines(block.embeddings, embedding) >= threshold - SLACK))
        for block in blocks
    ]
    rows = np.concatenate([block.embeddings[indices] for block, indices in close])
    cosines = exact_cosines(rows, embedding)
    accepted = cosines >= threshold
    return _Accepted(
        np.concatenate([block.face_ids[indices] for block, indices in close])[accepted],
        np.concatenate([block.photo_ids[indices] for block, indices in close])[accepted],
        cosines[accepted],
        rows[accepted],
    )


def find_matches(
    blocks: Sequence[Block], embedding: Embeddings, thresholds: Thresholds, refused: Collection[int] = ()
) -> Matches:
    """Return the faces of the guest whose selfie has this `embedding` (dimensions,), one per photo, and the mean.

    `refused` are the ids of the photos the guest has refused: they are never found and not part of the mean.
    """
    if not blocks:
        return Matches({}, None)
    first = _accept(blocks, embedding, thresholds.first)
    best = {photo: index for photo, index in first.best_per_photo().items() if photo not in refused}
    if not best:
        return Matches({}, None)
    found = {photo: first.score(index) for photo, index in best.items()}
    mean = mean_of(embedding, first.rows[sorted(best.values())])
    second = _accept(blocks, mean, thresholds.second)
    for photo, index in second.best_per_photo().items():
        score = second.score(index)
        if photo not in refused and (photo not in found or score.cosine > found[photo].cosine):
            found[photo] = score
    return Matches(found, mean)


def mean_of(embedding: Embeddings, rows: Quantised) -> Embeddings:
    """Return the mean of a selfie's embedding (dimensions,) and faces (n, dimensions), as a rounded unit vector."""
    total = embedding.astype(np.float64) + _dequantised(rows).sum(axis=0)
    return np.asarray(np.round(total / np.linalg.norm(total), MEAN_DECIMALS), np.float32)


def affected_guests(
    faces: Quantised, selfies: Embeddings, means: Embeddings, thresholds: Thresholds
) -> NDArray[np.intp]:
    """Return the indices of the guests whose face may be among the new `faces` (n, dimensions).

    `selfies` and `means` (guests, dimensions) have a row per guest; the row of a guest without a mean is zeros. The
    matches of all other guests are the same with and without these faces.
    """
    columns = _dequantised(faces).astype(np.float32).T
    first = (selfies @ columns).max(axis=1) >= thresholds.first - SLACK
    second = (means @ columns).max(axis=1) >= thresholds.second - SLACK
    return np.flatnonzero(first | second)
