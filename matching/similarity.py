"""Which of an event's faces are a guest's: arithmetic only, with the same result in whatever order faces arrived.

Two passes for each of the guest's portraits. The first compares the portrait with every face. The second compares
every face with the mean of the portrait and of the most similar face of each photo found (average query expansion):
pictures of one guest on one day are more similar to each other than to the portrait. A face is accepted when either
pass of any portrait accepts it. Whether it is then the guest's also depends on the other guests: `matching/claims/`.

The more faces an event has, the more strangers resemble a guest by chance. So the threshold rises with their number.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from encryption.templates import SCALE, Quantised
from faces.calibration import Calibration
from matching.matrices import Block, Embeddings

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
    """The similarities from which a face counts: in the first pass, in the second, and as a candidate at all.

    In steps, because all guests are matched again when the thresholds of their event change. The second is higher,
    because a mean is more similar to everyone than a single embedding is. Between `floor` and `first` a face is a
    candidate that is not accepted: ten times as many strangers reach `floor` as reach `first`.
    """

    first: float
    second: float
    floor: float


def thresholds_for(faces: int, calibration: Calibration, lowest: float | None = None) -> Thresholds:
    """Return the thresholds in an event of `faces` faces; the first is at least `lowest`, by default the engine's."""
    return thresholds_from(calibration.threshold(STRANGERS_PER_GUEST / max(faces, 1), lowest), calibration)


def thresholds_from(first: float, calibration: Calibration) -> Thresholds:
    """Return the thresholds that follow from that of the first pass."""
    return Thresholds(first, round(first + calibration.margin, 4), round(first - calibration.per_decade, 4))


def stricter(thresholds: Thresholds, calibration: Calibration) -> Thresholds:
    """Return the thresholds for children in the same event: by a factor of ten fewer strangers.

    What only reaches the thresholds of adults is a candidate and no more. How much more than adults children resemble
    each other was not measured: there is no data that may be used for it.
    """
    return thresholds_from(round(thresholds.first + calibration.per_decade, 4), calibration)


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


class Portrait(NamedTuple):
    """One of a guest's portraits: its selfie's id, and its unit embedding (dimensions,)."""

    selfie_id: int
    embedding: Embeddings


class Candidate(NamedTuple):
    """A face that may be the guest's: its photo, the portrait that is most similar, and the cosine.

    `accepted`: it reaches the threshold of one of the passes.
    """

    photo_id: int
    selfie_id: int
    similarity: float
    accepted: bool

    def is_better_than(self, other: "Candidate") -> bool:
        """Return whether this one counts, of two for a face: accepted, then more similar, then the older selfie."""
        return (self.accepted, self.similarity, -self.selfie_id) > (
            other.accepted,
            other.similarity,
            -other.selfie_id,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A guest's candidates by the face's id, and the second pass's mean (dimensions,) by the selfie's id.

    A mean is None if the portrait's first pass found nothing: then it has no second pass.
    """

    faces: dict[int, Candidate]
    means: dict[int, Embeddings | None]


class FaceScore(NamedTuple):
    """The face that shows a guest in a photo, and its cosine."""

    face_id: int
    similarity: float


def accepted_faces(found: Found) -> dict[int, FaceScore]:
    """Return the most similar accepted face of each photo, by the photo's id; of equal ones, the lowest id."""
    return best_of_photos({face_id: each for face_id, each in found.faces.items() if each.accepted})


def best_of_photos(candidates: Mapping[int, Candidate]) -> dict[int, FaceScore]:
    """Return the most similar of these faces (by their id) in each photo, as `accepted_faces` does."""
    best = dict[int, FaceScore]()
    for face_id, each in sorted(candidates.items()):
        known = best.get(each.photo_id)
        if known is None or each.similarity > known.similarity:
            best[each.photo_id] = FaceScore(face_id, each.similarity)
    return best


@dataclass(frozen=True, slots=True)
class _Near:
    """The faces from a threshold up: ids, photos and cosines (n,), embeddings (n, dimensions)."""

    face_ids: NDArray[np.int64]
    photo_ids: NDArray[np.int64]
    cosines: NDArray[np.float64]
    rows: Quantised

    def at(self, wanted: NDArray[np.bool_]) -> "_Near":
        """Return a part of the faces."""
        return _Near(self.face_ids[wanted], self.photo_ids[wanted], self.cosines[wanted], self.rows[wanted])

    def best_per_photo(self) -> list[int]:
        """Return the index of the most similar face of each photo; of equal ones, the face with the lowest id."""
        order = np.lexsort((-self.face_ids, self.cosines))
        return list({int(self.photo_ids[index]): int(index) for index in order}.values())

    def candidates(self, selfie_id: int, threshold: float) -> Iterator[tuple[int, Candidate]]:
        """Yield the candidates of one portrait by the face's id; those from `threshold` up are accepted."""
        columns = (self.face_ids.tolist(), self.photo_ids.tolist(), self.cosines.tolist())
        for face_id, photo_id, cosine in zip(*columns, strict=True):
            yield face_id, Candidate(photo_id, selfie_id, cosine, cosine >= threshold)


def _near(blocks: Sequence[Block], embedding: Embeddings, threshold: float, refused: Collection[int]) -> _Near:
    close = [
        (block, np.flatnonzero(_approximate_cosines(block.embeddings, embedding) >= threshold - SLACK))
        for block in blocks
    ]
    rows = np.concatenate([block.embeddings[indices] for block, indices in close])
    found = _Near(
        np.concatenate([block.face_ids[indices] for block, indices in close]),
        np.concatenate([block.photo_ids[indices] for block, indices in close]),
        exact_cosines(rows, embedding),
        rows,
    )
    is_face = found.photo_ids > 0
    return found.at(is_face & (found.cosines >= threshold) & ~np.isin(found.photo_ids, list(refused)))


def find_candidates(
    blocks: Sequence[Block],
    portraits: Sequence[Portrait],
    thresholds: Thresholds,
    refused: Collection[int] = (),
    confirmed: Collection[int] = (),
) -> Found:
    """Return the faces that may be the guest's, each by the best of the portraits, and the means.

    Each portrait searches by itself, so that a further one takes nothing away. `refused` are ids of photos: none of
    their faces is a candidate or part of a mean. `confirmed` are ids of faces that the guest calls theirs: those
    from the floor up are part of the mean, so that the second pass also finds what resembles them.
    """
    found, means = dict[int, Candidate](), dict[int, Embeddings | None]()
    for portrait in portraits:
        mean, more = None, list[tuple[int, Candidate]]()
        if blocks:
            near = _near(blocks, portrait.embedding, thresholds.floor, refused)
            more += near.candidates(portrait.selfie_id, thresholds.first)
            mean = _mean_around(near, portrait.embedding, thresholds.first, confirmed)
        if mean is not None:
            again = _near(blocks, mean, thresholds.second, refused)
            more += again.candidates(portrait.selfie_id, thresholds.second)
        for face_id, candidate in more:
            keep_better(found, face_id, candidate)
        means[portrait.selfie_id] = mean
    return Found(found, means)


def keep_better(found: dict[int, Candidate], face_id: int, candidate: Candidate) -> None:
    """Add a candidate to those found by the face's id, unless a better one for the face is there."""
    known = found.get(face_id)
    if known is None or candidate.is_better_than(known):
        found[face_id] = candidate


def _mean_around(
    near: _Near, embedding: Embeddings, threshold: float, confirmed: Collection[int]
) -> Embeddings | None:
    """Return the mean of a portrait, each photo's best accepted face and the confirmed ones; None without any."""
    accepted = near.cosines >= threshold
    best = near.at(accepted)
    wanted = {int(best.face_ids[index]) for index in best.best_per_photo()} | set(confirmed)
    chosen = near.at(np.isin(near.face_ids, list(wanted)))
    return mean_of(embedding, chosen.rows) if len(chosen.rows) else None


def mean_of(embedding: Embeddings, rows: Quantised) -> Embeddings:
    """Return the mean of a selfie's embedding (dimensions,) and faces (n, dimensions), as a rounded unit vector."""
    total = embedding.astype(np.float64) + _dequantised(rows).sum(axis=0)
    return np.asarray(np.round(total / np.linalg.norm(total), MEAN_DECIMALS), np.float32)


def affected_portraits(
    faces: Quantised, selfies: Embeddings, means: Embeddings, thresholds: Thresholds
) -> NDArray[np.intp]:
    """Return the indices of the portraits that may find one of the new `faces` (n, dimensions).

    `selfies` and `means` (portraits, dimensions) have a row per portrait; without a mean, its row is zeros. The
    candidates of all other portraits are the same with and without these faces.
    """
    columns = _dequantised(faces).astype(np.float32).T
    first = (selfies @ columns).max(axis=1) >= thresholds.floor - SLACK
    second = (means @ columns).max(axis=1) >= thresholds.second - SLACK
    return np.flatnonzero(first | second)
