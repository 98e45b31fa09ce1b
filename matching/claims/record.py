"""Writes a guest's candidates and the matches that follow, the guest's own and those of rivals for the same faces."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from faces.providers import calibration_of
from matching import queries as matching_queries
from matching.claims import queries
from matching.claims.nearest import Claim, SamePerson, standings
from matching.claims.queries import MatchedFace
from matching.matrices import as_matrix
from matching.similarity import Candidate
from models import Event, FaceCandidate, utcnow

# Portraits of different people are as similar as this once in a million pairs.
SURELY_ONE_PERSON = 1e-6
_COLUMNS = ("selfie_id", "similarity", "accepted", "confirmed", "standing")
_MATCH_COLUMNS = ("face_id", "selfie_id", "confidence_score", "declared")


@dataclass(slots=True)
class Persons:
    """Tells whether two guests of an event are one person, by their portraits; each guest's are read once."""

    session: Session
    event: Event
    _portraits: dict[int, list[bytes]] = field(default_factory=dict)

    def are_one(self, user_id: int, other_id: int) -> bool:
        """Return whether a portrait of the one surely shows the other. An engine without embeddings cannot tell."""
        missing = {user_id, other_id} - self._portraits.keys()
        if missing:
            found = queries.portraits_of(self.session, missing, self.event.id, self.event.active_engine_id)
            self._portraits |= {each: found.get(each, []) for each in missing}
        here, there = (as_matrix(self._portraits[each]) for each in (user_id, other_id))
        if not here.size or not there.size:
            return False
        return bool((here @ there.T).max() >= calibration_of(self.event.active_engine_id).at(SURELY_ONE_PERSON))


def record(
    session: Session,
    event: Event,
    user_id: int,
    candidates: Mapping[int, Candidate],
    confirmed: Collection[int] = (),
    same_person: SamePerson | None = None,
) -> None:
    """Replace the guest's candidates in the event by these (by the face's id), and bring all matches up to date.

    `confirmed` are the faces that the guest has confirmed; they count among the candidates only. `same_person` tells
    whether two guests are one person, by default from their stored portraits. Rows that stay the same are not
    written. The caller has locked the event's row.
    """
    are_one = same_person or Persons(session, event).are_one
    margin = calibration_of(event.active_engine_id).margin
    known = queries.candidates_of(session, user_id, event.id)
    rivals = defaultdict[int, list[FaceCandidate]](list)
    for each in queries.rivals_for(session, user_id, known.keys() | candidates.keys()):
        rivals[each.face_id].append(each)
    rows, touched = list[dict[str, Any]](), set[int]()
    for face_id in known.keys() | candidates.keys():
        claims = [claim_of(each) for each in rivals[face_id]]
        own = candidates.get(face_id)
        if own is not None:
            claims.append(Claim(user_id, own.similarity, own.accepted, face_id in confirmed))
        told = standings(claims, are_one, margin)
        for rival in rivals[face_id]:
            if rival.standing != told[rival.user_id]:
                rival.standing = told[rival.user_id]
                touched.add(rival.user_id)
        if own is not None:
            rows.append(_row(event, user_id, face_id, own, face_id in confirmed, told[user_id]))
    unchanged = {row["face_id"] for row in rows if _is_same(known.get(row["face_id"]), row, _COLUMNS)}
    queries.delete_candidates(session, user_id, known.keys() - unchanged)
    queries.add_candidates(session, [row for row in rows if row["face_id"] not in unchanged])
    session.flush()
    for each_id in (user_id, *sorted(touched)):
        rebuild_matches(session, event, each_id)


def claim_of(row: FaceCandidate) -> Claim:
    """Return what a candidate says in the comparison of guests."""
    return Claim(row.user_id, row.similarity, row.accepted, row.confirmed)


def _row(
    event: Event, user_id: int, face_id: int, candidate: Candidate, confirmed: bool, standing: str
) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "face_id": face_id,
        "event_id": event.id,
        "selfie_id": candidate.selfie_id,
        "similarity": candidate.similarity,
        "accepted": candidate.accepted,
        "confirmed": confirmed,
        "standing": standing,
    }


def _is_same(known: object, row: Mapping[str, Any], columns: Collection[str]) -> bool:
    return known is not None and all(getattr(known, name) == row[name] for name in columns)


def rebuild_matches(session: Session, event: Event, user_id: int) -> None:
    """Make the guest's matches in the event those that follow from the candidates and from what the guest confirmed.

    Matches that stay the same keep their rows. The caller has locked the event's row.
    """
    wanted = {
        each.photo_id: _match(event, user_id, each) for each in queries.matched_faces(session, user_id, event.id)
    }
    declared = [each for each in queries.confirmations_of(session, user_id, event.id) if each.photo_id not in wanted]
    if declared:
        portrait = queries.newest_portrait(session, user_id, event.id, event.active_engine_id)
        if portrait is not None:
            for each in declared:
                face = MatchedFace(each.photo_id, each.face_id, portrait, each.similarity or 0.0)
                wanted[each.photo_id] = {**_match(event, user_id, face), "declared": True}
    stale = []
    for match in matching_queries.matches_of(session, user_id, event.id):
        row = wanted.get(match.photo_id)
        if row is not None and _is_same(match, row, _MATCH_COLUMNS):
            del wanted[match.photo_id]
        else:
            stale.append(match.id)
    matching_queries.delete_matches(session, stale)
    matching_queries.add_matches(session, list(wanted.values()))


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
