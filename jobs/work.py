"""The work of each kind of job. Each has three steps: read the row, run inference, record the result.

No session is open during inference, which runs in a child process (`decoding/`). Jobs take ids and know nothing of
HTTP. Running one twice leaves the same rows.
`jobs/queue.py` claims and ends them; `jobs/inference.py` is the thread that runs them.
"""

import logging
import time
from collections.abc import Callable
from functools import partial

from sqlalchemy.exc import DBAPIError

import images
import matching.service as matching
import selfies.service as selfie_service
import storage
from database import reading
from decoding.decoder import (
    ChildDied,
    Closed,
    Decoder,
    OutOfMemory,
    Overran,
    TaskFailed,
)
from encryption.master import KeysUnavailable
from evaluation.cases import NotPossible
from evaluation.work import advance
from events import queries as event_queries
from faces.engine import EngineUnavailable
from faces.providers import engine_id_of
from faces.selfie import SelfieRejected
from jobs import remote_work
from jobs.kinds import JobRow
from jobs.outcomes import embed_selfie, erase_if_deleted, read_photo, reject, warning_of
from jobs.queue import CRASHED, Claim, fail, heartbeat, is_more_urgent_due, release, retry_later
from jobs.reprocessing import read_anew
from matching import queries as matching_queries
from matching import rematching
from matching.azure.photos import StrangersEnd
from matching.changing import service as changing
from matching.redetecting import service as redetecting
from matching.reprocessing import service as reprocessing
from metrics import count_attempt
from models import Evaluation, Photo, Redetection, Reembedding, Reprocessing, Selfie, UserEvent
from photos.copies.service import renditions_for
from settings import get_settings
from telemetry import spans

log = logging.getLogger("reperio.jobs")
# The outcome of an attempt that `fail` has counted.
COUNTED = "counted"
# What does a job. It returns the outcome of an attempt that is neither `done` nor an error.
Work = Callable[[Claim, Decoder], str | None]
# Errors that every attempt at the same bytes would meet.
HOPELESS = (images.ImageError, storage.MissingObject, Overran, OutOfMemory, StrangersEnd)


def check_recogniser() -> None:
    """Return if the recogniser can be used; only one over the network can be unusable here.

    Raises:
        RecogniserAway: it does not answer, or refuses.
    """
    if _is_remote():
        remote_work.check_recogniser()


def _is_remote() -> bool:
    return get_settings().face_recognizer_provider == "azure"


def _never() -> bool:
    return False


def run(claim: Claim, decoder: Decoder, is_stopping: Callable[[], bool] = _never) -> None:
    """Do a claimed job and keep its lease meanwhile. Errors are written to its row.

    A job of many steps goes back to the queue between two steps when `is_stopping` says so.

    Raises:
        EngineUnavailable, KeysUnavailable: the face engine, or a key, cannot be had; the job waits, and this attempt
            does not count.
    """
    if claim.attempt > get_settings().job_max_attempts:
        fail(claim, f"{CRASHED} in every attempt")
        return
    with spans.job(claim.request_id, claim.kind.__tablename__, claim.attempt), heartbeat(claim):
        attempt(claim, decoder, is_stopping)


def attempt(claim: Claim, decoder: Decoder, is_stopping: Callable[[], bool] = _never) -> None:
    """Do a claimed job. Errors are written to its row.

    Raises:
        EngineUnavailable, KeysUnavailable: see `run`.
    """
    work: dict[JobRow, Work] = {
        **(REMOTE_WORK if _is_remote() else WORK),
        Evaluation: partial(process_evaluation, is_stopping=is_stopping),
    }
    began = time.perf_counter()
    try:
        outcome = work[claim.kind](claim, decoder)
        if outcome != COUNTED:
            count_attempt(claim.kind.__tablename__, outcome or "done")
        log.info("%s: %.0f ms", claim, (time.perf_counter() - began) * 1000)
    except HOPELESS as error:
        log.warning("%s cannot be done: %s", claim, error)
        fail(claim, f"{type(error).__name__}: {error}")
    except ChildDied as error:
        log.warning("%s: %s: %s", claim, CRASHED, error)
        retry_later(claim, f"{CRASHED}: {error}")
    except (EngineUnavailable, KeysUnavailable) as error:
        release(claim, str(error))
        count_attempt(claim.kind.__tablename__, "released")
        raise
    except Closed:
        # `InferenceThread.stop` has put the job back, and another process may hold it by now.
        log.warning("%s was broken off", claim)
    except DBAPIError as error:
        log.warning("%s: database error: %s", claim, error.orig)
        retry_later(claim, f"database: {error.orig}")
    except TaskFailed as error:
        log.warning("%s failed: %s", claim, error)
        retry_later(claim, str(error))
    except Exception as error:
        # A defect of ours must not end the thread; the job is tried again.
        log.exception("%s failed", claim)
        retry_later(claim, f"{type(error).__name__}: {error}")


def change_engines() -> None:
    """Plan and complete the change of events to the configured engine: see `matching/changing/`.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    changing.proceed(_engine_id())


def plan_searches() -> None:
    """Queue the photos that are to be searched again because guests' means have changed: `matching/redetecting/`.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    redetecting.plan()


def process_selfie(claim: Claim, decoder: Decoder) -> str | None:
    """Embed the face of a selfie, then accept and match it, or reject it with the reason; return `rejected` then.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone.
    """
    with reading() as session:
        selfie = matching_queries.selfie(session, claim.id)
    if selfie is None or selfie.storage_key is None:
        return None
    try:
        embedding = embed_selfie(selfie, selfie.storage_key, decoder, strict=selfie.strict)
    except SelfieRejected as reason:
        reject(claim, selfie_service.REASONS[type(reason)])
        return "rejected"
    matching.accept_selfie(claim.id, _engine_id(), embedding, claim.is_current)
    return None


def _engine_id() -> str:
    return engine_id_of(get_settings().face_recognizer_provider)


def process_membership(claim: Claim, decoder: Decoder) -> None:
    """Match a guest in one event; embed the accepted selfies first that this engine has not embedded yet.

    Raises:
        ImageError: a selfie cannot be decoded. MissingObject: its file is gone.
    """
    engine_id = _engine_id()
    embeddings = dict[int, bytes]()
    for selfie, embedding in rematching.selfies_for_membership(claim.id, engine_id):
        if embedding is not None:
            embeddings[selfie.id] = embedding
        elif selfie.storage_key is not None:
            try:
                row = embed_selfie(selfie, selfie.storage_key, decoder, strict=False)
            except SelfieRejected:
                log.warning("selfie %d: this engine finds no face in it", selfie.id)
            else:
                embeddings[selfie.id] = row.tobytes()
    rematching.rematch(claim.id, engine_id, embeddings, claim.is_current)


def process_photo(claim: Claim, decoder: Decoder) -> None:
    """Have a photo's renditions made and its faces found, and match them with the event's guests.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone.
    """
    with reading() as session:
        photo = session.get(Photo, claim.id)
        badges = photo is not None and event_queries.uses_badges(session, photo.event_id)
    if photo is None:
        return
    keys = renditions_for(photo, photo.rendition_set)
    read = read_photo(photo, keys, decoder, badges=badges)
    recorded = matching.record_photo(
        claim.id,
        _engine_id(),
        read.faces,
        claim.is_current,
        read.mean_colour,
        warning_of(read),
        read.full,
        read.badges,
    )
    if not recorded:
        erase_if_deleted(claim.id, [*keys.values()])


def process_evaluation(claim: Claim, decoder: Decoder, is_stopping: Callable[[], bool]) -> str | None:
    """Do or continue an evaluation; pause it when a more urgent job waits, and return `released` then."""

    def must_pause() -> bool:
        return is_stopping() or is_more_urgent_due(Evaluation)

    try:
        if not advance(claim.id, decoder, claim.is_current, must_pause):
            release(claim)
            return "released"
    except NotPossible as reason:
        fail(claim, str(reason))
        return COUNTED
    return None


def process_redetection(claim: Claim, decoder: Decoder) -> None:
    """Have the faces of a photo found again, and store those that have become a guest's.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone.
    """
    photo = redetecting.photo_of(claim.id, _engine_id())
    faces = read_photo(photo, {}, decoder).faces if photo is not None else None
    redetecting.record(claim.id, _engine_id(), faces, claim.is_current)


def process_reembedding(claim: Claim, decoder: Decoder) -> None:
    """Have the faces of a processed photo found by the configured engine, and switch the event with its last photo.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone.
    """
    photo = changing.photo_of(claim.id, _engine_id())
    if photo is None:
        changing.drop(claim.id, _engine_id())
        return
    read = read_photo(photo, {}, decoder)
    changing.record_again(claim.id, _engine_id(), read.faces, claim.is_current)


def process_reprocessing(claim: Claim, decoder: Decoder) -> None:
    """Make a photo's renditions and faces again, and replace those it has.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone.
    """
    subject = reprocessing.subject_of(claim.id)
    if subject is None:
        return
    read = read_anew(claim.id, subject, decoder)
    if not reprocessing.record(claim.id, _engine_id(), read.anew, read.faces, claim.is_current):
        reprocessing.erase_unused(claim.id, subject.photo)


WORK: dict[JobRow, Work] = {
    Selfie: process_selfie,
    UserEvent: process_membership,
    Photo: process_photo,
    Redetection: process_redetection,
    Reembedding: process_reembedding,
    Reprocessing: process_reprocessing,
}
# The same for a recogniser that is asked over the network.
REMOTE_WORK: dict[JobRow, Work] = {
    Selfie: remote_work.process_selfie,
    UserEvent: remote_work.process_membership,
    Photo: remote_work.process_photo,
    # Events that use Azure store all faces, so nothing is searched: a job of another engine's event only ends.
    Redetection: process_redetection,
    Reembedding: remote_work.process_reembedding,
    Reprocessing: remote_work.process_reprocessing,
}
