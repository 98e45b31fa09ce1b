"""The work of an evaluation's job. It can pause any number of times and continue in another process."""

import statistics
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from database import reading, transaction
from decoding.decoder import Decoder
from encryption.templates import writing_cipher
from evaluation import queries
from evaluation.cases import Attempt, Case, Compared, NotPossible, ReadPhoto
from evaluation.providers import evaluate_with
from events import queries as event_queries
from events.bystanders import due_before
from events.consents.queries import suffices
from faces.providers import ENGINE_IDS
from matching import queries as matching_queries
from matching.claims import queries as claim_queries
from models import DONE, EvaluatedPhoto, Evaluation, utcnow
from photos.staff import queries as staff_queries

# Photos listed as not matched, the most similar first.
MOST_UNMATCHED = 500


def advance(
    evaluation_id: int,
    decoder: Decoder,
    still_ours: Callable[[Evaluation], bool],
    must_pause: Callable[[], bool],
) -> bool:
    """Do or continue the evaluation; return False if it paused before its end.

    Raises:
        NotPossible: it cannot be done.
    """
    case = _case(evaluation_id)
    if case is None:
        return True

    def record(read: ReadPhoto) -> bool:
        return _record(case, read, still_ours)

    compared = evaluate_with(case.provider).compare(case, Attempt(decoder, must_pause, record))
    if compared is None:
        return False
    _finish(case, compared, still_ours)
    return True


def _case(evaluation_id: int) -> Case | None:
    """Return what is to be evaluated, or None if the evaluation is deleted.

    Raises:
        NotPossible: the guest has left the event, has not consented or has no accepted portrait.
    """
    with reading() as session:
        asked = queries.evaluation(session, evaluation_id)
        if asked is None:
            return None
        event = event_queries.by_id(session, asked.event_id)
        membership = event_queries.membership(session, asked.user_id, asked.event_id)
        if event is None or membership is None or not suffices(session, asked.user_id, asked.event_id):
            raise NotPossible("the guest has left the event or has not consented")
        # A provider that this version does not know has no id; `evaluate_with` refuses it.
        engine_id = ENGINE_IDS.get(asked.provider, "")
        portraits = queries.portraits(session, asked.user_id, asked.event_id, engine_id)
        refused = frozenset(matching_queries.refused_photos(session, asked.user_id))
        confirmations = claim_queries.confirmations_of(session, asked.user_id, asked.event_id)
    if not portraits:
        raise NotPossible("the guest has no accepted portrait")
    return Case(
        evaluation_id,
        asked.event_id,
        asked.user_id,
        asked.provider,
        event.active_engine_id,
        tuple(portraits),
        refused,
        frozenset(each.face_id for each in confirmations if each.face_id is not None),
        due_before(event, utcnow()) is not None,
    )


def _record(case: Case, read: ReadPhoto, still_ours: Callable[[Evaluation], bool]) -> bool:
    """Store what was read; return False if the evaluation is deleted or another process has claimed it."""
    with transaction() as session:
        # Locked first, by every writer: a deletion of the event, the photo or the guest then waits.
        if event_queries.lock_event(session, case.event_id) is None:
            return False
        asked = queries.lock_evaluation(session, case.evaluation_id)
        if asked is None or not still_ours(asked):
            return False
        gone = matching_queries.photo(session, read.photo_id) is None
        if not gone and not queries.has_read(session, case.evaluation_id, read.photo_id):
            session.add(
                EvaluatedPhoto(
                    evaluation_id=case.evaluation_id,
                    photo_id=read.photo_id,
                    faces=read.faces,
                    embeddings=writing_cipher(session, case.event_id).evaluated(read.photo_id, read.embeddings),
                    milliseconds=read.milliseconds,
                    error=read.error,
                )
            )
    return True


def _finish(case: Case, compared: Compared, still_ours: Callable[[Evaluation], bool]) -> None:
    """Store the result and delete what was read.

    Raises:
        NotPossible: a portrait was replaced or the consent withdrawn meanwhile.
    """
    with transaction() as session:
        if event_queries.lock_event(session, case.event_id) is None:
            return
        asked = queries.lock_evaluation(session, case.evaluation_id)
        if asked is None or not still_ours(asked):
            return
        membership = event_queries.membership(session, case.user_id, case.event_id)
        if membership is None or not suffices(session, case.user_id, case.event_id):
            raise NotPossible("the guest has left the event or has not consented")
        now = queries.portraits(session, case.user_id, case.event_id, "")
        if not {each.selfie_id for each in case.portraits} <= {each.selfie_id for each in now}:
            raise NotPossible("the guest has replaced a portrait meanwhile")
        confirmations = claim_queries.confirmations_of(session, case.user_id, case.event_id)
        asked.result = result_of(
            compared,
            Known(
                photos=staff_queries.count_of_event(session, case.event_id),
                matched={each.photo_id for each in matching_queries.matches_of(session, case.user_id, case.event_id)},
                refused=case.refused,
                confirmed={each.photo_id for each in confirmations},
            ),
        )
        queries.delete_read(session, case.evaluation_id)
        asked.finish(DONE)


@dataclass(frozen=True, slots=True)
class Known:
    """What the service knows: the number of photos, and those matched, refused and confirmed ("this is me")."""

    photos: int
    matched: Collection[int]
    refused: Collection[int]
    confirmed: Collection[int]


def result_of(compared: Compared, known: Known) -> dict[str, Any]:
    """Return the result as it is stored. What the guest has confirmed stays, whatever the provider finds."""
    unmatched = [each for each in compared.photos if each not in compared.matched and each not in known.refused]
    unmatched.sort(key=lambda photo: (-compared.nearest.get(photo, -1.0), photo))
    found = sorted(compared.matched.items(), key=lambda each: (-each[1], each[0]))
    failed = [name for name in compared.errors if name.isdigit()]
    return {
        "engine_id": compared.engine_id,
        "threshold": compared.threshold,
        "counts": {
            "photos": known.photos,
            "photos_compared": len(compared.photos),
            "photos_failed": len(failed),
            "photos_refused": len(set(known.refused) & set(compared.photos)),
            "photos_not_processed": max(0, known.photos - len(compared.photos) - len(failed)),
            "portraits": compared.portraits,
            "faces_found": compared.faces_found,
            "faces_compared": compared.faces_compared,
            "matched": len(found),
            "unmatched": len(unmatched),
            "matched_now": len(known.matched),
        },
        "matched": [_photo(photo, score, photo in known.matched) for photo, score in found],
        "unmatched": [
            _photo(photo, compared.nearest.get(photo), photo in known.matched) for photo in unmatched[:MOST_UNMATCHED]
        ],
        "added": sorted(compared.matched.keys() - set(known.matched)),
        "dropped": sorted(set(known.matched) & set(unmatched) - set(known.confirmed)),
        "similarities": _similarities(compared, unmatched),
        "timings": _timings(compared),
        "errors": compared.errors,
    }


def _photo(photo_id: int, similarity: float | None, matched_now: bool) -> dict[str, Any]:
    rounded = round(similarity, 4) if similarity is not None else None
    return {"photo_id": photo_id, "similarity": rounded, "matched_now": matched_now}


def _similarities(compared: Compared, unmatched: list[int]) -> dict[str, float | None]:
    """Return the range of what matched, and the highest of what did not: how clear the decision is."""
    scores = list(compared.matched.values())
    below = [compared.nearest[photo] for photo in unmatched if photo in compared.nearest]
    return {
        "highest_matched": round(max(scores), 4) if scores else None,
        "median_matched": round(statistics.median(scores), 4) if scores else None,
        "lowest_matched": round(min(scores), 4) if scores else None,
        "highest_unmatched": round(max(below), 4) if below else None,
    }


def _timings(compared: Compared) -> dict[str, float | int | None]:
    photos = compared.timings.photos
    return {
        "portraits_ms": compared.timings.portraits,
        "photos_read": len(photos),
        "photos_ms": round(sum(photos), 1),
        "photo_median_ms": round(statistics.median(photos), 1) if photos else None,
        "photo_slowest_ms": max(photos, default=None),
        "comparison_ms": compared.timings.comparison,
    }
