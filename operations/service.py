"""Readiness, statistics and metrics of the service."""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

import database
import process_memory
import storage
from accounts import queries as account_queries
from cache_manager import TTLCache
from database import reading
from events import queries as event_queries
from events.codes import code_cache
from events.tonight.service import SHOWN, number_of, tonight
from jobs import kinds as job_kinds
from jobs import pairing
from jobs import state as job_state
from mail import queries as mail_queries
from matching import queries as matching_queries
from matching.azure import queries as remote_queries
from metrics import MEMORY, POOL_LIMIT, Tonight, Upkeep, exposition, of_all_processes, report
from models import utcnow
from notifications import queries as notification_queries
from operations import queries
from photos.rows import queries as photo_queries
from selfies import queries as selfie_queries
from settings import get_settings
from stored import identity
from stored import queries as stored_queries

# Counting reads whole tables. Counts are cached for 5 s, or longer if counting would take more than 1 % of a core.
MIN_CACHED_SECONDS = 5.0
COST_FACTOR = 100


@dataclass(frozen=True, slots=True)
class _Counts:
    """The number of rows by table, and how many seconds counting took."""

    rows: dict[str, int]
    seconds: float


# TTLCache makes lifetimes up to a tenth shorter: 12 s are never less than 10.
CHECKED_SECONDS, CHECKED_AGAIN_SECONDS = 12.0, 1.0
_storage_checks: TTLCache[tuple[str, str | None]] = TTLCache(
    size=1,
    ttl=CHECKED_SECONDS,
    negative_ttl=CHECKED_AGAIN_SECONDS,
    is_negative=lambda checked: checked[0] != "ok",
)
_counts: TTLCache[_Counts] = TTLCache(
    size=1, ttl=lambda counts: max(MIN_CACHED_SECONDS, COST_FACTOR * counts.seconds)
)


# As the counts: of a few events it takes milliseconds.
_tonight: TTLCache[tuple[Tonight, float]] = TTLCache(
    size=1, ttl=lambda counted: max(MIN_CACHED_SECONDS, COST_FACTOR * counted[1])
)
# With more events of today, only their number is told.
SUMMED_EVENTS = SHOWN
# How much memory this process takes is read at most so often.
MEMORY_SECONDS = 15.0
_memory: TTLCache[int] = TTLCache(size=1, ttl=MEMORY_SECONDS, negative_ttl=MEMORY_SECONDS)


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state of each part: `ok`, or what is wrong."""

    database: str
    storage: str
    face_engine: str
    # Why files without a row are not taken away, or None. People are served all the same.
    sweep: str | None
    # Whether the face engine's problem is only that a recogniser over the network cannot be used: jobs wait.
    engine_waits: bool = False

    @property
    def ready(self) -> bool:
        """Whether database, storage and face engine are `ok`; the engine may also wait for a recogniser elsewhere."""
        return {self.database, self.storage} == {"ok"} and (self.engine_waits or self.face_engine == "ok")


def readiness(engine_problem: str | None, *, engine_waits: bool = False) -> Readiness:
    """Return the state of each part; the arguments are `problem` and `waits` of the inference thread.

    The database is asked each time. What writes to or reads from the storage is done at most once in 10 s, or at once
    after a write has failed.
    """
    storage_problem, installation_id = _storage_checks.get(
        (get_settings().storage_url, storage.failures()), _check_storage
    )
    database_problem, sweep_problem = _database(installation_id, storage_problem)
    return Readiness(database_problem, storage_problem, engine_problem or "ok", sweep_problem, engine_waits)


def _database(installation_id: str | None, storage_problem: str) -> tuple[str, str | None]:
    """Return the state of the database, and why the sweep refuses, if so, where the storage carries that id."""
    try:
        with reading() as session:
            row = stored_queries.installation(session)
    except SQLAlchemyError as error:
        return f"unusable: {type(error).__name__}", None
    if storage_problem != "ok":
        return "ok", None
    if row is not None and row.sweep_problem is not None:
        return "ok", row.sweep_problem
    if pairing.mismatch(row, installation_id) is None:
        return "ok", None
    # The storage may have got its id since it was looked at: at the first start, a moment before this call.
    storage_problem, installation_id = _check_storage()
    return "ok", pairing.mismatch(row, installation_id) if storage_problem == "ok" else None


def _check_storage() -> tuple[str, str | None]:
    """Return the state of the storage, and the id that it carries."""
    try:
        storage.check()
        return "ok", identity.of_storage()
    except storage.StorageError as error:
        return f"unusable: {type(error).__name__}", None


def _count() -> _Counts:
    began = time.perf_counter()
    with reading() as session:
        rows = {
            "users": account_queries.count(session),
            "events": event_queries.count(session),
            "photos": photo_queries.count(session),
            "faces": matching_queries.count_faces(session),
            "face_matches": matching_queries.count_matches(session),
            "guests_matched": queries.count_guests_matched(session),
            "selfies": selfie_queries.count(session),
        }
    return _Counts(rows, time.perf_counter() - began)


def statistics() -> dict[str, Any]:
    """Return row counts (cached), jobs by state, and the sums over all processes of pools and code caches."""
    counts = _counts.get("counts", _count)
    report_process()
    pool, cache = of_all_processes()
    lookups = cache["hits"] + cache["misses"]
    return {
        **counts.rows,
        "jobs": job_state.counts(),
        "db_pool": pool,
        "cache": {**cache, "hit_rate": round(cache["hits"] / lookups, 4) if lookups else 0.0},
    }


def remote_erasures() -> dict[str, int]:
    """Return what Azure keeps that is still to be deleted there: lists, faces, and faces it may have twice."""
    with reading() as session:
        return remote_queries.waiting(session)._asdict()


def metrics() -> bytes:
    """Return all metrics in the Prometheus text format."""
    depths = job_state.counts()
    ages = {name: job_state.oldest_age(kind) or 0.0 for name, kind in job_kinds.BY_NAME.items()}
    with reading() as session:
        row = stored_queries.installation(session)
        waiting = stored_queries.count_waiting(session)
        remote = sum(remote_queries.waiting(session))
        now = utcnow()
        due = notification_queries.oldest_due(session, now)
        mails, oldest_mail = mail_queries.waiting(session)
    age = (now - due).total_seconds() if due is not None else 0.0
    mail_age = (now - oldest_mail).total_seconds() if oldest_mail is not None else 0.0
    refused = row is not None and row.sweep_problem is not None
    upkeep = Upkeep(refused, waiting, remote, age, mails, mail_age)
    return exposition(depths, ages, upkeep, _tonight.get("tonight", _count_tonight)[0])


def _count_tonight() -> tuple[Tonight, float]:
    """Return the sums over the events that are on, and how many seconds counting took."""
    began, number = time.perf_counter(), number_of(utcnow().date())
    if number > SUMMED_EVENTS:
        # `tonight` takes 8 s with 10,000 events, longer than Prometheus waits (`python -m bench.many_events`).
        return Tonight(number), time.perf_counter() - began
    shown = tonight(utcnow()).events
    photos = {
        state: sum(getattr(each.progress, state) for each in shown)
        for state in ("pending", "processing", "done", "failed")
    }
    guests = sum(each.progress.guests for each in shown)
    matched = sum(each.progress.guests_matched for each in shown)
    return Tonight(len(shown), guests, matched, photos), time.perf_counter() - began


def forget_counts() -> None:
    """Drop the cached counts, and the cached state of the storage."""
    _counts.clear()
    _tonight.clear()
    _storage_checks.clear()


def report_process() -> None:
    """Publish this process's connection pool and code cache, so that every process can report them."""
    info = code_cache().info()
    report(database.pool_state(), info.hits, info.misses, info.entries)
    POOL_LIMIT.set(database.pool_limits().connections)
    _memory.get("memory", _report_memory)


def _report_memory() -> int:
    taken = process_memory.proportional()
    MEMORY.set(taken)
    return taken
