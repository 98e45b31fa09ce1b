"""One guest's matches in one event: a function of the selfie, the event's faces and what the guest refused."""

from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from matching import matrices, queries, similarity
from models import Event, utcnow
from settings import get_settings


def threshold_among(faces: matrices.EventFaces) -> float:
    """Return the cosine from which one of these faces is a guest's."""
    return similarity.threshold_for(faces.size, get_settings().match_threshold)


def match_guest(
    session: Session,
    event: Event,
    user_id: int,
    selfie_id: int,
    embedding: bytes,
    faces: matrices.EventFaces | None = None,
) -> None:
    """Make the guest's matches in the event those of this selfie, with all the event's faces or the ones given.

    The caller holds the event's row.
    """
    if faces is None:
        faces = matrices.faces_of(session, event.id, event.version, event.active_engine_id)
    refused = set(queries.refused_photos(session, user_id))
    looked = similarity.find_matches(
        faces.blocks, np.frombuffer(embedding, np.float32), threshold_among(faces), refused
    )
    mean = looked.mean.tobytes() if looked.mean is not None else None
    queries.store_mean(session, selfie_id, event.id, event.active_engine_id, mean)
    queries.delete_matches_of_older_in(session, user_id, event.id, selfie_id)
    wanted = {
        photo_id: _row(user_id, selfie_id, photo_id, face_id, cosine)
        for photo_id, (face_id, cosine) in looked.faces.items()
    }
    stale = []
    for match in queries.matches_of(session, user_id, event.id):
        row = wanted.get(match.photo_id)
        if row is not None and all(
            getattr(match, name) == row[name] for name in ("face_id", "selfie_id", "confidence_score")
        ):
            del wanted[match.photo_id]
        else:
            stale.append(match.id)
    queries.delete_matches(session, stale)
    queries.add_matches(session, list(wanted.values()))


def _row(user_id: int, selfie_id: int, photo_id: int, face_id: int, cosine: float) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "photo_id": photo_id,
        "face_id": face_id,
        "selfie_id": selfie_id,
        # What is shown: the cosine times 100, two decimals.
        "confidence_score": round(cosine * 100, 2),
        "detected_at": utcnow(),
    }
