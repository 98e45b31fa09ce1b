"""The candidates of guests in one event, from their portraits, the event's faces and what they confirmed."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta

import numpy as np
from sqlalchemy.orm import Session

from encryption.templates import quantised, template_of
from faces.providers import AZURE_ENGINE_ID, calibration_of
from matching import matrices, queries, similarity
from matching.azure import candidates as remote_candidates
from matching.claims import queries as claim_queries
from matching.claims.record import GuestCandidates, record
from matching.queries import PortraitEmbedding
from matching.similarity import Candidate, Portrait, Thresholds
from models import Confirmation, Event, Face, utcnow
from settings import get_settings

# Two engines mean the same face if the intersection over union of its boxes is at least this.
SAME_PLACE = 0.2
# Photos are searched again for changed means once none has changed for so many times `SEARCH_AGAIN_SECONDS`.
CALM = timedelta(seconds=10)


def thresholds_among(faces: matrices.EventFaces, engine_id: str) -> Thresholds:
    """Return the cosines from which one of these faces counts as a guest's; faces that are not stored count too."""
    return similarity.thresholds_for(faces.found, calibration_of(engine_id), get_settings().match_threshold)


def match_guest(session: Session, event: Event, user_id: int) -> None:
    """Compute the guest's candidates in the event again, and bring the matches up to date.

    Does nothing without a portrait. A portrait counts as soon as it has an embedding there, before it is accepted.
    The caller has locked the event's row.
    """
    known = queries.portrait_embeddings(session, user_id, event.id, event.active_engine_id)
    if known and event.active_engine_id == AZURE_ENGINE_ID:
        _match_remotely(session, event, user_id, known)
    elif known:
        faces = matrices.faces_of(session, event.id, event.version, event.active_engine_id)
        confirmed = _confirmed_faces(session, event, user_id, _similarity_to(session, known))
        is_child = user_id in queries.children_among(session, [user_id])
        found = _candidates(session, event, user_id, known, faces, confirmed, is_child=is_child)
        record(session, event, {user_id: found})


def match_after_photo(
    session: Session,
    event: Event,
    known: Mapping[int, Sequence[PortraitEmbedding]],
    faces: matrices.EventFaces,
    before_too: Collection[int] = (),
) -> None:
    """Compute the candidates of the guests whom a new photo may show again, and bring all matches up to date.

    `known` are their portraits by the guest's id, `faces` those of the event with those of the photo. `before_too`
    are the guests whose matches referred to faces of the photo that are replaced. The caller has locked the event's
    row.
    """
    found, confirming = dict[int, GuestCandidates](), claim_queries.confirming_guests(session, event.id)
    children = queries.children_among(session, known)
    for user_id, of_guest in sorted(known.items()):
        confirms = user_id in confirming
        confirmed = _confirmed_faces(session, event, user_id, _similarity_to(session, of_guest)) if confirms else []
        is_child = user_id in children
        found[user_id] = _candidates(session, event, user_id, of_guest, faces, confirmed, is_child=is_child)
    record(session, event, found, only_changes=True, rebuilt=before_too)


def affected_guests(
    session: Session, event: Event, fresh: matrices.Block, thresholds: Thresholds, others: Collection[int] = ()
) -> dict[int, list[PortraitEmbedding]]:
    """Return the portraits, by the guest's id, of the guests who may find one of the `fresh` faces, and of `others`.

    The candidates of all others are the same with and without these faces.
    """
    portraits, affected = queries.guests_embeddings(session, event.id, event.active_engine_id), set(others)
    if portraits and fresh.face_ids.size:
        selfies = matrices.as_matrix([each.embedding for each in portraits])
        means = matrices.as_matrix([each.mean or bytes(len(each.embedding)) for each in portraits])
        found = similarity.affected_portraits(fresh.embeddings, selfies, means, thresholds)
        affected |= {portraits[int(index)].user_id for index in found}
    known = defaultdict[int, list[PortraitEmbedding]](list)
    for each in portraits:
        if each.user_id in affected:
            known[each.user_id].append(each)
    return known


def _candidates(
    session: Session,
    event: Event,
    user_id: int,
    known: Sequence[PortraitEmbedding],
    faces: matrices.EventFaces,
    confirmed: Sequence[Confirmation],
    *,
    is_child: bool,
) -> GuestCandidates:
    """Return what a guest's portraits find among these faces, and store the means."""
    refused = set(queries.refused_photos(session, user_id))
    thresholds = thresholds_among(faces, event.active_engine_id)
    if is_child:
        thresholds = similarity.stricter(thresholds, calibration_of(event.active_engine_id))
    theirs = {each.face_id for each in confirmed if each.face_id is not None}
    found = similarity.find_candidates(faces.blocks, as_portraits(known), thresholds, refused, theirs)
    if _store_means(session, event, known, found) and faces.unstored:
        # The means may find faces that are not stored. Photos that come meanwhile change them again.
        event.search_due_at = utcnow() + CALM * get_settings().search_again_seconds
    return _with_confirmed(found.faces, confirmed, known[-1].selfie_id)


def portraits_in(session: Session, event: Event, user_id: int) -> list[Portrait]:
    """Return the guest's portraits that are in force in the event, oldest first."""
    return as_portraits(queries.portrait_embeddings(session, user_id, event.id, event.active_engine_id))


def as_portraits(known: Sequence[PortraitEmbedding]) -> list[Portrait]:
    """Return the portraits as the search takes them."""
    return [Portrait(each.selfie_id, np.frombuffer(each.embedding, np.float32)) for each in known]


def _match_remotely(session: Session, event: Event, user_id: int, known: Sequence[PortraitEmbedding]) -> None:
    """Bring candidates and matches up to date with what Azure's searches have found."""
    selfie_ids = [each.selfie_id for each in known]
    remote = remote_candidates.similarity_to(session, event.id, selfie_ids)
    confirmed = _confirmed_faces(session, event, user_id, lambda face: remote(face.id))
    refused = set(queries.refused_photos(session, user_id))
    limits = remote_candidates.thresholds()
    if user_id in queries.children_among(session, [user_id]):
        limits = similarity.stricter(limits, calibration_of(AZURE_ENGINE_ID))
    found = remote_candidates.candidates_of(session, event.id, selfie_ids, refused, limits)
    record(session, event, {user_id: _with_confirmed(found, confirmed, known[-1].selfie_id)})


def _store_means(session: Session, event: Event, known: Sequence[PortraitEmbedding], found: similarity.Found) -> bool:
    """Store the means that have changed; return whether any has."""
    changed = False
    for each in known:
        mean = found.means[each.selfie_id]
        stored = mean.tobytes() if mean is not None else None
        if stored != each.mean:
            queries.store_mean(session, each, event.id, event.active_engine_id, stored)
            changed = True
    return changed


def _similarity_to(session: Session, known: Sequence[PortraitEmbedding]) -> Callable[[Face], float | None]:
    portraits = as_portraits(known)
    return lambda face: similarity_to(session, face, portraits)


def _confirmed_faces(
    session: Session, event: Event, user_id: int, similarity_of: Callable[[Face], float | None]
) -> list[Confirmation]:
    """Return what the guest has confirmed, with the face that it is now; where the engine finds none, left out."""
    confirmations = claim_queries.confirmations_of(session, user_id, event.id)
    if not confirmations:
        return []
    faces = claim_queries.faces_in(session, [each.photo_id for each in confirmations], event.active_engine_id)
    for each in confirmations:
        face = _face_at(each, [face for face in faces if face.photo_id == each.photo_id])
        each.face_id = face.id if face is not None else None
        each.similarity = similarity_of(face) if face is not None else None
    return [each for each in confirmations if each.face_id is not None]


def _with_confirmed(
    found: Mapping[int, Candidate], confirmed: Sequence[Confirmation], selfie_id: int
) -> GuestCandidates:
    """Return the candidates with the faces that the guest has confirmed.

    A face that was likely when the guest confirmed it stays a candidate, although the floor has risen with the event.
    """
    faces = {each.face_id: each for each in confirmed if each.face_id is not None}
    kept = {
        face_id: Candidate(each.photo_id, selfie_id, each.similarity or 0.0, accepted=False)
        for face_id, each in faces.items()
        if each.likely and face_id not in found
    }
    return GuestCandidates({**found, **kept}, faces)


def _face_at(confirmation: Confirmation, faces: Sequence[Face]) -> Face | None:
    """Return the face that the guest confirmed: the same row, else the one at the same place in the photo."""
    for face in faces:
        if face.id == confirmation.face_id:
            return face
    best = max(faces, key=lambda face: overlap(face.box, confirmation.box), default=None)
    return best if best is not None and overlap(best.box, confirmation.box) >= SAME_PLACE else None


def overlap(box: Sequence[float], other: Sequence[float]) -> float:
    """Return the intersection over union of two boxes (x, y, width, height): 0 to 1."""
    width = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
    height = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (box[2] * box[3] + other[2] * other[3] - common)


def similarity_to(session: Session, face: Face, portraits: Sequence[Portrait]) -> float | None:
    """Return the cosine of a face with the most similar portrait; None where there is no template to compare."""
    template = template_of(session, face)
    if template is None:
        return None
    row = quantised(matrices.as_matrix([template]))
    return max(float(similarity.exact_cosines(row, each.embedding)[0]) for each in portraits)
