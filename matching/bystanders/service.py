"""Decides which of a photo's faces are stored: where templates of strangers are not wanted, only those of guests.

Compared in memory, before a row is written. The faces of guests are those that would be candidates if all were
stored. So what is stored gives the same candidates: a face that is no guest's candidate is part of no mean and no
comparison, and it counts for the thresholds all the same (`models.UnstoredFaces`). What a later mean would find is
not known yet: then the photos are searched again (`matching/redetecting/`).
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from sqlalchemy.orm import Session

from events.bystanders import are_stored
from faces.engine import DetectedFace
from faces.providers import calibration_of
from matching import matrices, similarity
from matching import queries as matching_queries
from matching.bystanders import queries
from matching.claims import queries as claim_queries
from matching.guest_matches import SAME_PLACE, affected_guests, as_portraits, overlap, thresholds_among
from models import Event, Photo, utcnow

Box = Sequence[float]
# Ids of faces that have no row yet: above all ids that a database gives.
UNNUMBERED = 2**62


def which_to_store(
    session: Session,
    event: Event,
    photo: Photo,
    engine_id: str,
    others: matrices.EventFaces | None,
    faces: Sequence[DetectedFace],
    there: Sequence[Box] = (),
) -> list[bool]:
    """Return for each face of a photo whether it is stored. The rows of the event and the photo are locked.

    `others` are the event's other faces by this engine, None if it is not the event's active one. Then, and until a
    guest is matched by a new engine, the faces at the places of guests' faces by another engine are stored. `there`
    are the places of further faces of the photo, which are stored and stay.
    """
    if not faces or are_stored(event, photo.uploaded_at, utcnow()):
        return [True] * len(faces)
    boxes = [face.box for face in faces]
    by_others = [each for each in queries.guests_faces(session, [photo.id]) if each.engine_id != engine_id]
    confirmed = defaultdict[int, set[int]](set)
    for each in queries.confirmations_in(session, photo.id):
        confirmed[each.user_id] |= at_places(boxes, [each.box], there)
    wanted = at_places(boxes, [each.box for each in by_others], there).union(*confirmed.values())
    if others is not None:
        wanted |= _candidates_among(session, event, others, _block(photo.id, faces), confirmed)
    return [place in wanted for place in range(len(faces))]


def at_places(boxes: Sequence[Box], places: Sequence[Box], there: Sequence[Box] = ()) -> set[int]:
    """Return which of the boxes, by their numbers, are the same face as one of the places.

    Not for places at which a box of `there` is nearer.
    """
    found = set[int]()
    for place in places:
        common = [overlap(each, place) for each in (*boxes, *there)]
        best = int(np.argmax(common)) if common else 0
        if best < len(boxes) and common[best] >= SAME_PLACE:
            found.add(best)
    return found


def _block(photo_id: int, faces: Sequence[DetectedFace]) -> matrices.Block:
    ids = np.arange(UNNUMBERED, UNNUMBERED + len(faces), dtype=np.int64)
    return matrices.block_of(ids.tolist(), photo_id, [face.embedding for face in faces])


def _candidates_among(
    session: Session,
    event: Event,
    others: matrices.EventFaces,
    fresh: matrices.Block,
    confirmed: dict[int, set[int]],
) -> set[int]:
    """Return which of the new faces, by their numbers, would be candidates of a guest."""
    found = set[int]()
    faces = others.plus(fresh)
    thresholds = thresholds_among(faces, event.active_engine_id)
    affected = affected_guests(session, event, fresh, thresholds, confirmed.keys())
    children = matching_queries.children_among(session, affected)
    confirming = claim_queries.confirming_guests(session, event.id)
    for_children = similarity.stricter(thresholds, calibration_of(event.active_engine_id))
    for user_id, known in affected.items():
        limits = for_children if user_id in children else thresholds
        refused = set(matching_queries.refused_photos(session, user_id))
        theirs = {UNNUMBERED + place for place in confirmed.get(user_id, ())}
        said = claim_queries.confirmations_of(session, user_id, event.id) if user_id in confirming else []
        theirs |= {each.face_id for each in said if each.face_id is not None}
        seen = similarity.find_candidates(faces.blocks, as_portraits(known), limits, refused, theirs)
        found |= {face_id - UNNUMBERED for face_id in seen.faces if face_id >= UNNUMBERED}
    return found
