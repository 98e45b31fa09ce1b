"""A guest's candidates, from what searches with the guest's portraits have found."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from faces.providers import AZURE_ENGINE_ID, calibration_of
from matching.azure.searches import queries as search_queries
from matching.similarity import Candidate, Thresholds, keep_better, thresholds_for
from settings import get_settings


def thresholds() -> Thresholds:
    """Return the similarities from which a face counts. They do not rise with the number of faces: see `AZURE`."""
    return thresholds_for(1, calibration_of(AZURE_ENGINE_ID), get_settings().match_threshold)


def candidates_of(
    session: Session,
    event_id: int,
    selfie_ids: Collection[int],
    refused: Collection[int],
    limits: Thresholds | None = None,
) -> dict[int, Candidate]:
    """Return the faces that may be the guest's by the face's id, each by the most similar of these portraits.

    `refused` are ids of photos: none of their faces is a candidate. `limits` are those of `thresholds` by default.
    """
    found, limits = dict[int, Candidate](), limits or thresholds()
    for each in search_queries.similar_faces(session, selfie_ids, event_id):
        if each.similarity >= limits.floor and each.photo_id not in refused:
            accepted = each.similarity >= limits.first
            keep_better(found, each.face_id, Candidate(each.photo_id, each.selfie_id, each.similarity, accepted))
    return found


def similarity_to(session: Session, event_id: int, selfie_ids: Collection[int]) -> Callable[[int], float | None]:
    """Return a function that tells how similar a face is to the most similar of these portraits, by the face's id.

    None for a face that no search has found.
    """
    best = dict[int, float]()
    for each in search_queries.similar_faces(session, selfie_ids, event_id):
        best[each.face_id] = max(each.similarity, best.get(each.face_id, 0.0))
    return best.get


def same_persons(
    twins: Collection[tuple[int, int]], user_ids: Sequence[int], other_ids: Sequence[int]
) -> NDArray[np.bool_]:
    """Return whether portraits of the first guests and of the others surely show one person: (users, others).

    `twins` are the event's, as `twins_in` returns them.
    """
    told = [[(min(one, two), max(one, two)) in twins for two in other_ids] for one in user_ids]
    return np.array(told, np.bool_).reshape(len(user_ids), len(other_ids))
