"""A guest's candidates, from what searches with the guest's portraits have found."""

from collections.abc import Callable, Collection

from sqlalchemy.orm import Session

from matching.azure import queries
from matching.similarity import Candidate, Thresholds


def candidates_of(
    session: Session, event_id: int, selfie_ids: Collection[int], thresholds: Thresholds, refused: Collection[int]
) -> dict[int, Candidate]:
    """Return the faces that may be the guest's by the face's id, each by the most similar of these portraits.

    `refused` are ids of photos: none of their faces is a candidate.
    """
    found = dict[int, Candidate]()
    for each in queries.similar_faces(session, selfie_ids, event_id):
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
    for each in queries.similar_faces(session, selfie_ids, event_id):
        best[each.face_id] = max(each.similarity, best.get(each.face_id, 0.0))
    return best.get


def same_person(session: Session, event_id: int) -> Callable[[int, int], bool]:
    """Return a function that tells of two guests of the event whether their portraits surely show one person."""
    twins = queries.twins_in(session, event_id)
    return lambda one, two: (min(one, two), max(one, two)) in twins
