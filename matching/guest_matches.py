"""The matches of one guest in one event, computed from the selfie, the event's faces and the guest's refusals."""

from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from faces.providers import calibration_of
from matching import matrices, queries, similarity
from matching.similarity import FaceScore, Thresholds
from models import Event, utcnow
from settings import get_settings


def thresholds_among(faces: matrices.EventFaces, engine_id: str) -> Thresholds:
    """Return the cosines from which one of these faces counts as a guest's."""
    return similarity.thresholds_for(faces.size, calibration_of(engine_id), get_settings().match_threshold)


def match_guest(
    session: Session,
    event: Event,
    user_id: int,
    selfie_id: int,
    embedding: bytes,
    faces: matrices.EventFaces | None = None,
) -> None:
    """Replace the guest's matches in the event by those of this selfie, and store the mean of the second pass.

    `embedding` is the selfie's, as float32 bytes. `faces` are the faces to compare with, by default all of the event.
    Matches that stay the same keep their rows. The caller has locked the event's row.
    """
    if faces is None:
        faces = matrices.faces_of(session, event.id, event.version, event.active_engine_id)
    refused = set(queries.refused_photos(session, user_id))
    found = similarity.find_matches(
        faces.blocks, np.frombuffer(embedding, np.float32), thresholds_among(faces, event.active_engine_id), refused
    )
    mean = found.mean.tobytes() if found.mean is not None else None
    queries.store_mean(session, selfie_id, event.id, event.active_engine_id, mean)
    queries.delete_matches_of_older_in(session, user_id, event.id, selfie_id)
    wanted = {photo_id: _row(event, user_id, selfie_id, photo_id, score) for photo_id, score in found.faces.items()}
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


def match_again(session: Session, event: Event, user_id: int) -> None:
    """Match the guest in the event with the newest selfie that has an embedding there; without one, do nothing.

    The newest also while it is being accepted: its acceptance does not match this event a second time. The caller has
    locked the event's row.
    """
    known = queries.guest_embedding(session, user_id, event.id, event.active_engine_id)
    if known is not None:
        match_guest(session, event, user_id, known.selfie_id, known.embedding)


def _row(event: Event, user_id: int, selfie_id: int, photo_id: int, score: FaceScore) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "photo_id": photo_id,
        "face_id": score.face_id,
        "selfie_id": selfie_id,
        "confidence_score": calibration_of(event.active_engine_id).score(score.cosine),
        "detected_at": utcnow(),
    }
