"""Writes guests' candidates, and the matches that follow for them and for their rivals for the same faces."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from faces.providers import AZURE_ENGINE_ID, calibration_of
from matching import queries as matching_queries
from matching.azure.candidates import same_persons
from matching.azure.searches.queries import twins_in
from matching.claims import queries
from matching.claims.nearest import MAYBE, Claim, SamePerson, standings, surely_one_person
from matching.claims.queries import MatchedFace, Rival
from matching.matrices import Embeddings, as_matrix
from matching.similarity import Candidate
from models import Event, FaceCandidate, utcnow
from photos.withheld.service import withhold_new

Row = dict[str, Any]
_CLAIM_COLUMNS = ("selfie_id", "similarity", "accepted", "confirmed")
_COLUMNS = (*_CLAIM_COLUMNS, "standing")
_MATCH_COLUMNS = ("face_id", "selfie_id", "confidence_score", "declared")


@dataclass(slots=True)
class Persons:
    """Compares guests of an event by their portraits, to find those who are one person. Reads each portrait once."""

    session: Session
    event: Event
    _portraits: dict[int, Embeddings] = field(default_factory=dict)
    _twins: set[tuple[int, int]] | None = None

    def are_one(self, user_ids: Sequence[int], other_ids: Sequence[int]) -> NDArray[np.bool_]:
        """Return whether a portrait of each of the first surely shows each of the others: (users, others).

        For Azure, which makes no embeddings, by what searches with the portraits have found.
        """
        if self.event.active_engine_id == AZURE_ENGINE_ID:
            if self._twins is None:
                self._twins = twins_in(self.session, self.event.id)
            return same_persons(self._twins, user_ids, other_ids)
        missing = {*user_ids, *other_ids} - self._portraits.keys()
        if missing:
            found = queries.portraits_of(self.session, missing, self.event.id, self.event.active_engine_id)
            self._portraits |= {each: as_matrix(found.get(each, [])) for each in missing}
        users, others = ([self._portraits[each] for each in ids] for ids in (user_ids, other_ids))
        return surely_one_person(users, others, calibration_of(self.event.active_engine_id))


class GuestCandidates(NamedTuple):
    """What was found for a guest: the candidates by the face's id, and the faces that the guest has confirmed."""

    candidates: Mapping[int, Candidate]
    confirmed: Collection[int] = ()


def record(
    session: Session,
    event: Event,
    found: Mapping[int, GuestCandidates],
    *,
    only_changes: bool = False,
    rebuilt: Collection[int] = (),
) -> None:
    """Replace these guests' candidates in the event, by the guest's id, and bring all matches up to date.

    Of the confirmed faces, only candidates are compared. With `only_changes`, guests are compared only for faces
    whose candidates change; that is enough while no portrait changes. The matches of guests in `rebuilt` are brought
    up to date in any case: some went with a face. Rows that stay the same are not written. The caller has locked the
    event's row.

    Candidates by an engine that the event had before stay until its faces are deleted (`matching/changing/`). They
    count for nothing: guests are compared face by face, and each face is by one engine.
    """
    known = {user_id: queries.candidates_of(session, user_id, event) for user_id in found}
    rows = {user_id: _rows(event, user_id, each, known[user_id]) for user_id, each in found.items()}
    faces = {
        face_id
        for user_id in found
        for face_id in known[user_id].keys() | rows[user_id].keys()
        if not (only_changes and _is_same(known[user_id].get(face_id), rows[user_id].get(face_id), _CLAIM_COLUMNS))
    }
    changed = _compare(session, event, rows, faces, Persons(session, event).are_one)
    for user_id in found:
        if _write(session, user_id, known[user_id], rows[user_id]) or not only_changes:
            changed.add(user_id)
    changed |= found.keys() & set(rebuilt)
    session.flush()
    confirming = queries.confirming_guests(session, event.id)
    for user_id in sorted(changed):
        _rebuild_matches(session, event, user_id, confirms=user_id in confirming)


def _rows(event: Event, user_id: int, found: GuestCandidates, known: Mapping[int, FaceCandidate]) -> dict[int, Row]:
    """Return the rows of a guest's candidates by the face's id, each with the standing that it has so far."""
    return {
        face_id: {
            "user_id": user_id,
            "face_id": face_id,
            "event_id": event.id,
            "selfie_id": each.selfie_id,
            "similarity": each.similarity,
            "accepted": each.accepted,
            "confirmed": face_id in found.confirmed,
            "standing": known[face_id].standing if face_id in known else MAYBE,
        }
        for face_id, each in found.candidates.items()
    }


def _compare(
    session: Session, event: Event, rows: Mapping[int, dict[int, Row]], faces: Collection[int], same: SamePerson
) -> set[int]:
    """Set the standing of all candidates for these faces; return the other guests for whom it has changed."""
    calibration, changed = calibration_of(event.active_engine_id), list[Rival]()
    here, others = defaultdict[int, list[Row]](list), defaultdict[int, list[Rival]](list)
    for of_guest in rows.values():
        for face_id in of_guest.keys() & faces:
            here[face_id].append(of_guest[face_id])
    for each in queries.rivals_for(session, rows, faces):
        others[each.face_id].append(each)
    for face_id in here.keys() | others.keys():
        claims = [Claim(*(row[name] for name in Claim._fields)) for row in here[face_id]]
        told = standings([*claims, *(claim_of(each) for each in others[face_id])], same, calibration)
        for row in here[face_id]:
            row["standing"] = told[row["user_id"]]
        for other in others[face_id]:
            if other.standing != told[other.user_id]:
                changed.append(other._replace(standing=told[other.user_id]))
    queries.set_standings(session, changed)
    return {each.user_id for each in changed}


def _write(session: Session, user_id: int, known: Mapping[int, FaceCandidate], rows: Mapping[int, Row]) -> bool:
    """Write the rows of a guest that differ from the known ones; return whether any does."""
    unchanged = {face_id for face_id, row in rows.items() if _is_same(known.get(face_id), row, _COLUMNS)}
    queries.delete_candidates(session, user_id, known.keys() - unchanged)
    queries.add_candidates(session, [row for face_id, row in rows.items() if face_id not in unchanged])
    return not unchanged == known.keys() == rows.keys()


def claim_of(row: Rival) -> Claim:
    """Return a stored candidate as a claim."""
    return Claim(row.user_id, row.similarity, row.accepted, row.confirmed)


def _is_same(known: object, row: Mapping[str, Any] | None, columns: Collection[str]) -> bool:
    return known is not None and row is not None and all(getattr(known, name) == row[name] for name in columns)


def _rebuild_matches(session: Session, event: Event, user_id: int, *, confirms: bool) -> None:
    """Make the guest's matches in the event those that follow from the candidates and from what the guest confirmed.

    Matches that stay the same keep their rows.
    """
    wanted = {each.photo_id: _match(event, user_id, each) for each in queries.matched_faces(session, user_id, event)}
    said = queries.confirmations_of(session, user_id, event.id) if confirms else ()
    # A likely face is a candidate, and may be lost to a rival. If the engine finds no face, the guest's word counts.
    declared = [each for each in said if each.photo_id not in wanted and (each.face_id is None or not each.likely)]
    if declared:
        portrait = queries.newest_portrait(session, user_id, event.id, event.active_engine_id)
        if portrait is not None:
            for each in declared:
                face = MatchedFace(each.photo_id, each.face_id, portrait, each.similarity or 0.0)
                wanted[each.photo_id] = {**_match(event, user_id, face), "declared": not each.likely}
    stale = []
    for match in matching_queries.matches_of(session, user_id, event.id):
        if _is_same(match, wanted.get(match.photo_id), _MATCH_COLUMNS):
            del wanted[match.photo_id]
        else:
            stale.append(match.id)
    matching_queries.delete_matches(session, stale)
    matching_queries.add_matches(session, list(wanted.values()))
    if wanted:
        withhold_new(session, [user_id], event.id)


def _match(event: Event, user_id: int, face: MatchedFace) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "photo_id": face.photo_id,
        "face_id": face.face_id,
        "selfie_id": face.selfie_id,
        "confidence_score": calibration_of(event.active_engine_id).score(face.similarity),
        "declared": False,
        "detected_at": utcnow(),
    }
