"""Which of a guest's candidates would be matches when compared with the other guests'. Nothing is written."""

from collections import defaultdict
from collections.abc import Mapping

from database import reading
from evaluation.cases import Case
from events import queries as event_queries
from faces.providers import calibration_of
from matching.claims import queries
from matching.claims.nearest import MATCH, Claim, standings
from matching.claims.record import Persons, claim_of
from matching.similarity import Candidate, FaceScore, best_of_photos


def matching_faces(case: Case, candidates: Mapping[int, Candidate]) -> dict[int, FaceScore]:
    """Return the face that would show the guest in each photo, by the photo's id, by the rules of the real matching.

    `candidates` are the guest's, by the face's id. Of several matches in a photo, the most similar is returned.
    """
    with reading() as session:
        event = event_queries.by_id(session, case.event_id)
        if event is None:
            return {}
        persons, calibration = Persons(session, event), calibration_of(event.active_engine_id)
        claims = defaultdict[int, list[Claim]](list)
        for row in queries.rivals_for(session, [case.user_id], candidates.keys()):
            claims[row.face_id].append(claim_of(row))
        found = dict[int, Candidate]()
        for face_id, each in candidates.items():
            own = Claim(case.user_id, each.similarity, each.accepted, face_id in case.confirmed)
            if standings([*claims[face_id], own], persons.are_one, calibration)[case.user_id] == MATCH:
                found[face_id] = each
    return best_of_photos(found)
