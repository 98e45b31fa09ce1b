"""The work of each kind of job. Each has three steps: read the row, run inference, record the result.

No session is open during inference. Jobs take ids and know nothing of HTTP. Running one twice leaves the same rows.
`jobs/queue.py` claims and ends them; `jobs/worker.py` is the thread that runs them.
"""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

import errors
import images
import matching.service as matching
import selfies.service as selfie_service
import storage
from database import reading, transaction
from faces.engine import FaceEngine
from jobs.kinds import BY_NAME, JobRow
from jobs.queue import CRASHED, Claim, fail, heartbeat, retry_later
from matching import queries as matching_queries
from models import Photo, Selfie, UserEvent
from photos.keys import RENDITIONS, rendition_keys, storage_key
from settings import ROOT, get_settings
from stored.erasure import erase

log = logging.getLogger("reperio.jobs")
# Errors that every attempt at the same bytes would meet.
UNDECODABLE = (images.ImageError, storage.MissingObject)
# A job takes one or two seconds; a machine that swaps may need minutes.
CHILD_SECONDS = 600.0
CHILD = [sys.executable, "-m", "jobs.child"]


def run(claim: Claim, engine: FaceEngine) -> None:
    """Do a claimed job and keep its lease meanwhile. Errors are written to its row.

    A job whose process died in an earlier attempt runs in a child process.
    """
    if claim.attempt > get_settings().job_max_attempts:
        fail(claim, f"{CRASHED} in every attempt")
        return
    with heartbeat(claim):
        if claim.crashed_before:
            _run_in_child(claim)
        else:
            attempt(claim, engine)


def attempt(claim: Claim, engine: FaceEngine) -> None:
    """Do a claimed job in this process. Errors are written to its row."""
    work: dict[JobRow, Callable[[Claim, FaceEngine], None]] = {
        Selfie: process_selfie,
        UserEvent: process_membership,
        Photo: process_photo,
    }
    began = time.perf_counter()
    try:
        work[claim.kind](claim, engine)
        log.info("%s: %.0f ms", claim, (time.perf_counter() - began) * 1000)
    except UNDECODABLE as error:
        log.warning("%s cannot be read: %s", claim, error)
        fail(claim, f"{type(error).__name__}: {error}")
    except DBAPIError as error:
        log.warning("%s: database error: %s", claim, error.orig)
        retry_later(claim, f"database: {error.orig}")
    except Exception as error:
        log.exception("%s failed", claim)
        retry_later(claim, f"{type(error).__name__}: {error}")


def _run_in_child(claim: Claim) -> None:
    """Do a claimed job in a child process, so that another crash does not end the requests of this process."""
    command = [*CHILD, claim.kind.__tablename__, str(claim.id), str(claim.attempt)]
    try:
        done = subprocess.run(command, cwd=ROOT, timeout=CHILD_SECONDS, check=False)  # noqa: S603 - our own module
    except subprocess.TimeoutExpired:
        retry_later(claim, f"{CRASHED}: it did not end within {CHILD_SECONDS:.0f} s")
        return
    if done.returncode != 0:
        cause = signal.Signals(-done.returncode).name if done.returncode < 0 else f"status {done.returncode}"
        log.warning("%s crashed in a child process: %s", claim, cause)
        retry_later(claim, f"{CRASHED} in a child process: {cause}")


def run_child(kind: str, row_id: int, number: int, engine: FaceEngine) -> None:
    """Do, in the child process, attempt `number` at the job `row_id`; the parent keeps the lease."""
    attempt(Claim(BY_NAME[kind], row_id, number), engine)


def process_selfie(claim: Claim, engine: FaceEngine) -> None:
    """Embed the face of a selfie, then accept and match it, or reject it with the reason.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone.
    """
    with reading() as session:
        selfie = matching_queries.selfie(session, claim.id)
    if selfie is None or selfie.storage_key is None:
        return
    try:
        embedding = selfie_service.embedding_of(storage.get(selfie.storage_key), engine, strict=selfie.strict)
    except errors.AppError as reason:
        _reject(claim, type(reason))
        return
    matching.accept_selfie(claim.id, engine.engine_id, embedding, claim.is_current)


def _reject(claim: Claim, reason: type[errors.AppError]) -> None:
    with transaction() as session:
        selfie = matching_queries.selfie(session, claim.id)
        if selfie is None or not claim.is_current(selfie):
            return
        selfie_service.reject(session, selfie, reason)


def process_membership(claim: Claim, engine: FaceEngine) -> None:
    """Match a guest in one event; embed the accepted selfie first if this engine has not embedded it yet.

    Raises:
        ImageError: the selfie cannot be decoded. MissingObject: its file is gone.
        SelfieNoFace, SelfieSeveralFaces, SelfieFaceTooSmall: this engine finds no usable face in it.
    """
    known = matching.selfie_for_membership(claim.id, engine.engine_id)
    if known is None:
        matching.rematch(claim.id, engine.engine_id, None, None, claim.is_current)
        return
    embedding = known.embedding
    if embedding is None and known.selfie.storage_key is not None:
        data = storage.get(known.selfie.storage_key)
        embedding = selfie_service.embedding_of(data, engine, strict=False).tobytes()
    matching.rematch(claim.id, engine.engine_id, known.selfie.id, embedding, claim.is_current)


def process_photo(claim: Claim, engine: FaceEngine) -> None:
    """Make a photo's renditions, detect and embed its faces, and match them with the event's guests.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone.
    """
    with reading() as session:
        photo = session.get(Photo, claim.id)
    if photo is None:
        return
    data = storage.get(storage_key(photo.event_id, photo.filename, "original"))
    # As small as renditions and detector allow; decoded at full size only where a face needs more pixels.
    image = images.decode(data, long_side=max(images.WEB_LONG_SIDE, get_settings().detection_long_side))
    scale = max(photo.width, photo.height) / max(image.shape[:2])
    rendered = images.renditions(image)
    keys = rendition_keys(photo.event_id, photo.filename)
    for size, key in zip(RENDITIONS, keys, strict=True):
        storage.put(key, rendered.files[size])
    faces = engine.detect(image, scale=scale, full=(lambda: images.decode(data)) if scale > 1 else None)
    recorded = matching.record_photo(claim.id, engine.engine_id, faces, claim.is_current, rendered.mean_colour)
    if not recorded:
        _erase_if_deleted(claim.id, keys)


def _erase_if_deleted(photo_id: int, keys: list[str]) -> None:
    """Erase renditions that were written after their photo was deleted."""
    with transaction() as session:
        if session.get(Photo, photo_id) is None:
            erase(session, keys)
