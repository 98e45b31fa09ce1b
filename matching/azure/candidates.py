"""A guest's candidates, from what searches with the guest's portraits have found."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matching.azure.searches import queries as search_queries
from matching.similarity import Candidate, Thresholds


def candidates_of(
    session: Session, event_id: int, selfie_ids: Collection[int], thresholds: Thresholds, refused: Collection[int]
) -> dict[int, Candidate]:
    """Return the faces that may be the guest's by the face's id, each by the most similar of these portraits.

    `refused` are ids of photos: none of their faces is a candidate.
    """
    found = dict[int, Candidate]()
    for each in search_queries.similar_faces(session, selfie_ids, event_id):
        if each.similarity < thresholds.floor or each.photo_id in refused:
            continue
        accepted = each.similarity >= thresholds.first
        candidate = Candidate(each.photo_id, each.selfie_id, each.similarity, accepted)
        known = found.get(each.face_id)
        if known is None or candidate.before(known):
            found[each.face_id] = candidate
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
    session: Session, event_id: int, user_ids: Sequence[int], other_ids: Sequence[int]
) -> NDArray[np.bool_]:
    """Return whether portraits of the first guests and of the others surely show one person: (users, others)."""
    twins = search_queries.twins_in(session, event_id)
    told = [[(min(one, two), max(one, two)) in twins for two in other_ids] for one in user_ids]
    return np.array(told, np.bool_).reshape(len(user_ids), len(other_ids))
