"""Evaluates Azure's Face service by what its searches have found for the event. It is not asked again."""

import time

from database import reading
from evaluation import queries, rivals
from evaluation.cases import Attempt, Case, Compared, NotPossible, Timings
from faces.providers import AZURE_ENGINE_ID
from matching.azure.candidates import candidates_of, thresholds
from matching.azure.searches import queries as search_queries
from matching.queries import count_faces_of


class BySearches:
    """Evaluates Azure in an event that it matches."""

    def compare(self, case: Case, attempt: Attempt) -> Compared | None:
        """Return what the searches with the guest's portraits have found.

        Raises:
            NotPossible: another engine matches the event: its pictures would have to be sent to Azure.
        """
        if case.active_engine_id != AZURE_ENGINE_ID:
            raise NotPossible("Azure can only be evaluated in an event that it matches; this one is not sent there")
        began = time.perf_counter()
        selfie_ids = [each.selfie_id for each in case.portraits]
        with reading() as session:
            photos = list(queries.processed_photos(session, case.event_id))
            found = candidates_of(session, case.event_id, selfie_ids, case.refused)
            similar = search_queries.similar_faces(session, selfie_ids, case.event_id)
            faces = count_faces_of(session, case.event_id, AZURE_ENGINE_ID)
        nearest = dict[int, float]()
        for each in similar:
            nearest[each.photo_id] = max(each.similarity, nearest.get(each.photo_id, 0.0))
        timings = Timings(comparison=round((time.perf_counter() - began) * 1000, 3))
        return Compared(
            engine_id=AZURE_ENGINE_ID,
            threshold=thresholds().first,
            portraits=len(selfie_ids),
            photos=photos,
            faces_found=faces,
            faces_compared=len({each.face_id for each in similar if each.photo_id not in case.refused}),
            matched={photo_id: each.similarity for photo_id, each in rivals.matching_faces(case, found).items()},
            nearest=nearest,
            errors={},
            timings=timings,
        )
