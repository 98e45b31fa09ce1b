"""How similar a selfie and the faces of an event are, the same from whichever side it is computed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.matrices import Embeddings, EventFaces
from models import utcnow
from settings import get_settings

ScoreRow = dict[str, Any]
# A float32 product of unit vectors is right to about 1e-6; what comes near the threshold is computed again.
SLACK = 1e-4


def exact_cosines(rows: Embeddings, embedding: Embeddings) -> NDArray[np.float64]:
    """Return the cosine of each of `rows` (n, dimensions) with `embedding` (dimensions,), the same from either side.

    Products in float32 differ in their last digits with the shapes multiplied. A match must not depend on whether
    the selfie or the photo came last, nor on how often a job ran: float64, rounded to six decimals.
    """
    wide = (rows.astype(np.float64) * embedding.astype(np.float64)).sum(axis=1)
    return np.asarray(np.round(wide, 6), np.float64)


def threshold() -> float:
    """Return the cosine from which a face is the guest's."""
    return get_settings().match_threshold


def percent(similarity: float) -> float:
    """Return the cosine similarity as the score that is shown: times 100, two decimals."""
    return round(min(1.0, float(similarity)) * 100, 2)


def best_faces(faces: EventFaces, embedding: Embeddings) -> dict[int, tuple[int, float]]:
    """Return, for each photo with a face similar enough to `embedding` (dimensions,), that face and its cosine.

    One matrix product; of several similar faces in a photo the most similar counts.
    """
    if not faces.face_ids.size:
        return {}
    near = np.flatnonzero(faces.embeddings @ embedding >= threshold() - SLACK)
    similarity = exact_cosines(faces.embeddings[near], embedding)
    best: dict[int, tuple[int, float]] = {}
    for place in np.lexsort((-faces.face_ids[near], similarity)):
        if similarity[place] >= threshold():
            row = near[place]
            best[int(faces.photo_ids[row])] = (int(faces.face_ids[row]), float(similarity[place]))
    return best


def match_row(user_id: int, selfie_id: int, photo_id: int, face_id: int, similarity: float) -> ScoreRow:
    """Return the row of a match, found now."""
    return {
        "user_id": user_id,
        "photo_id": photo_id,
        "face_id": face_id,
        "selfie_id": selfie_id,
        "confidence_score": percent(similarity),
        "detected_at": utcnow(),
    }
