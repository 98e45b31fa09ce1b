"""Every background job: claim, infer, record; and the sweep of what nobody holds.

The row is the job. A claim is one statement that marks a row `processing`, gives it a lease and counts the attempt;
the number of the attempt is the claimer's token, which every later step checks before it records anything. No
session is open during inference. Jobs take ids and know nothing of HTTP.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

import errors
import images
import matching.service as matching
import selfies.service as selfie_service
import storage
from database import reading, transaction
from faces.engine import EngineUnavailable, FaceEngine
from matching import queries as matching_queries
from models import FAILED, PENDING, PROCESSING, Photo, Selfie, UserEvent, utcnow
from photos.keys import RENDITIONS, storage_key
from settings import get_settings

log = logging.getLogger("reperio.jobs")
JobRow = type[Selfie] | type[UserEvent] | type[Photo]
# A guest waits for a selfie and a join; a photo can wait for them.
KINDS: tuple[JobRow, ...] = (Selfie, UserEvent, Photo)
UNDECODABLE = (images.ImageError, storage.MissingObject)


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours until its lease runs out: which row, and which attempt at it."""

    kind: JobRow
    id: int
    attempt: int

    def holds(self, row: Any) -> bool:
        """Tell whether the row still is in this attempt's hands."""
        return bool(row.status == PROCESSING and row.attempts == self.attempt)

    def __str__(self) -> str:
        return f"{self.kind.__tablename__} {self.id} (attempt {self.attempt})"


# --- claiming ------------------------------------------------------------------------------------


def _claimable(kind: JobRow, now: datetime) -> ColumnElement[bool]:
    """Pending and not waiting out a pause after a failure, or processing with a lease that ran out."""
    free = or_(kind.lease_until.is_(None), kind.lease_until <= now)
    return or_(and_(kind.status == PENDING, free), and_(kind.status == PROCESSING, kind.lease_until <= now))


def _claim_one(session: Session, kind: JobRow, now: datetime) -> Claim | None:
    claimable = _claimable(kind, now)
    first = (
        select(kind.id)
        .where(claimable)
        .order_by(kind.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = session.execute(
        update(kind)
        .where(kind.id == first, claimable)
        .values(
            status=PROCESSING,
            attempts=kind.attempts + 1,
            started_at=now,
            lease_until=now + timedelta(seconds=get_settings().job_lease_seconds),
        )
        .returning(kind.id, kind.attempts)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return Claim(kind, row[0], row[1]) if row else None


def _anything_claimable(now: datetime) -> JobRow | None:
    with reading() as session:
        for kind in KINDS:
            if session.scalar(select(kind.id).where(_claimable(kind, now)).limit(1)) is not None:
                return kind
    return None


def claim() -> Claim | None:
    """Take the next job, or None where nothing waits. Selfies go first, then joins and rematches, then photos."""
    now = utcnow()
    # A look without the write lock first: on SQLite an idle process must not queue with those that write.
    kind = _anything_claimable(now)
    if kind is None:
        return None
    with transaction() as session:
        return _claim_one(session, kind, now)


def prolong(held: Claim) -> None:
    """Extend the lease of a job that is still ours."""
    until = utcnow() + timedelta(seconds=get_settings().job_lease_seconds)
    with transaction() as session:
        session.execute(
            update(held.kind)
            .where(held.kind.id == held.id, held.kind.status == PROCESSING, held.kind.attempts == held.attempt)
            .values(lease_until=until)
            .execution_options(synchronize_session=False)
        )


@contextmanager
def heartbeat(held: Claim) -> Iterator[None]:
    """Keep the lease of a long job alive from a thread of its own."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(get_settings().job_heartbeat_seconds):
            try:
                prolong(held)
            except SQLAlchemyError as error:
                log.warning("no heartbeat for %s: %s", held, error)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def give_back(held: Claim, reason: str) -> None:
    """Let a failed attempt be tried again after a pause that doubles; after the last one, keep the reason."""
    settings = get_settings()
    last = held.attempt >= settings.job_max_attempts
    pause = min(settings.job_backoff_seconds * 2 ** (held.attempt - 1), settings.job_backoff_max_seconds)
    now = utcnow()
    with transaction() as session:
        session.execute(
            update(held.kind)
            .where(held.kind.id == held.id, held.kind.status == PROCESSING, held.kind.attempts == held.attempt)
            .values(
                status=FAILED if last else PENDING,
                lease_until=None if last else now + timedelta(seconds=pause),
                finished_at=now if last else None,
                error=reason[:2000],
            )
            .execution_options(synchronize_session=False)
        )


def fail(held: Claim, reason: str) -> None:
    """End a job that no further attempt can help."""
    with transaction() as session:
        session.execute(
            update(held.kind)
            .where(held.kind.id == held.id, held.kind.status == PROCESSING, held.kind.attempts == held.attempt)
            .values(status=FAILED, lease_until=None, finished_at=utcnow(), error=reason[:2000])
            .execution_options(synchronize_session=False)
        )


# --- running -------------------------------------------------------------------------------------


def run(held: Claim, engine: FaceEngine) -> None:
    """Do a claimed job; whatever goes wrong is written to its row."""
    if held.attempt > get_settings().job_max_attempts:
        fail(held, "given up: every attempt was cut off before it ended")
        return
    work: dict[JobRow, Callable[[Claim, FaceEngine], None]] = {
        Selfie: process_selfie,
        UserEvent: process_membership,
        Photo: process_photo,
    }
    try:
        with heartbeat(held):
            work[held.kind](held, engine)
    except UNDECODABLE as error:
        log.warning("%s cannot be read: %s", held, error)
        fail(held, f"{type(error).__name__}: {error}")
    except DBAPIError as error:
        log.warning("%s met the database's fault: %s", held, error.orig)
        give_back(held, f"database: {error.orig}")
    except Exception as error:
        log.exception("%s failed", held)
        give_back(held, f"{type(error).__name__}: {error}")


def process_selfie(held: Claim, engine: FaceEngine) -> None:
    """Find the face of a selfie; accept it and match it, or reject it with the reason."""
    with reading() as session:
        selfie = matching_queries.selfie(session, held.id)
    if selfie is None or selfie.storage_key is None:
        return
    image = images.decode(storage.get(selfie.storage_key))
    try:
        upright, face = selfie_service.find_face(image, engine, strict=selfie.strict)
    except errors.AppError as reason:
        _reject(held, type(reason))
        return
    embedding = engine.embed(upright, [face])[0]
    storage.delete(matching.accept_selfie(held.id, engine.engine_id, embedding, held.holds))


def _reject(held: Claim, reason: type[errors.AppError]) -> None:
    with transaction() as session:
        selfie = matching_queries.selfie(session, held.id)
        if selfie is None or not held.holds(selfie):
            return
        erased = selfie_service.reject(session, selfie, reason)
    storage.delete(erased)


def process_membership(held: Claim, engine: FaceEngine) -> None:
    """Match a guest in one event, embedding the accepted selfie first if this engine never did."""
    selfie, embedding = matching.selfie_for_membership(held.id, engine.engine_id)
    if selfie is not None and embedding is None and selfie.storage_key is not None:
        image = images.decode(storage.get(selfie.storage_key))
        upright, face = selfie_service.find_face(image, engine, strict=False)
        embedding = engine.embed(upright, [face])[0].tobytes()
    matching.rematch(held.id, engine.engine_id, selfie.id if selfie else None, embedding, held.holds)


def process_photo(held: Claim, engine: FaceEngine) -> None:
    """Make a photo's renditions, find and embed its faces, and match them with the event's guests."""
    with reading() as session:
        photo = session.get(Photo, held.id)
    if photo is None:
        return
    image = images.decode(storage.get(storage_key(photo.event_id, photo.filename, "original")))
    rendered = images.renditions(image)
    keys = [storage_key(photo.event_id, photo.filename, size) for size in RENDITIONS]
    for size, key in zip(RENDITIONS, keys, strict=True):
        storage.put(key, rendered[size])
    faces = engine.detect(image)
    recorded = matching.record_photo(held.id, engine.engine_id, faces, held.holds)
    if not recorded and _is_gone(Photo, held.id):
        storage.delete(keys)


def _is_gone(kind: JobRow, row_id: int) -> bool:
    with reading() as session:
        return session.scalar(select(kind.id).where(kind.id == row_id)) is None


# --- what is waiting -----------------------------------------------------------------------------


def counts() -> dict[str, dict[str, int]]:
    """Return how many jobs of each kind are pending, processing and failed."""
    result: dict[str, dict[str, int]] = {}
    with reading() as session:
        for kind in KINDS:
            rows = session.execute(
                select(kind.status, func.count())
                .where(kind.status.in_((PENDING, PROCESSING, FAILED)))
                .group_by(kind.status)
            ).all()
            found = dict(iter(rows))
            result[kind.__tablename__] = {status: found.get(status, 0) for status in (PENDING, PROCESSING, FAILED)}
    return result


# --- the inference thread ------------------------------------------------------------------------

NICENESS = 10


class InferenceThread:
    """The one thread of a process that runs inference, at low priority, with an engine of its own.

    It drains the queue when it is woken and every few seconds, so that what another process left is found too.
    """

    def __init__(self, make_engine: Callable[[], FaceEngine]) -> None:
        self._make_engine = make_engine
        self._engine: FaceEngine | None = None
        self.problem: str | None = "the face engine is still loading"
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="inference", daemon=True)

    def start(self) -> None:
        """Begin to work; what was left from before is taken up at once."""
        self._wake.set()
        self._thread.start()

    def wake(self) -> None:
        """Tell the thread that something waits."""
        self._wake.set()

    def stop(self, timeout: float) -> None:
        """Claim nothing more, and wait at most `timeout` seconds for the job in hand."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout)

    def _loop(self) -> None:
        # On Linux a thread has its own priority; requests go first on a busy core.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._drain()
            except EngineUnavailable as error:
                if self.problem != str(error):
                    log.error("the face engine cannot work: %s", error)
                self.problem = str(error)
            except SQLAlchemyError as error:
                log.warning("the queue cannot be read: %s", error)
            self._wake.wait(get_settings().job_poll_seconds)

    def _drain(self) -> None:
        if self._engine is None:
            self._engine = self._make_engine()
            self.problem = None
        while not self._stopping.is_set():
            held = claim()
            if held is None:
                return
            run(held, self._engine)
