"""Readiness, statistics and metrics of the service."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

import database
import storage
from accounts import queries as account_queries
from cache_manager import TTLCache
from database import reading
from events import queries as event_queries
from events.codes import code_cache
from jobs import kinds as job_kinds
from jobs import state as job_state
from matching import queries as matching_queries
from metrics import exposition, of_all_processes, report
from photos import queries as photo_queries
from selfies import queries as selfie_queries

# Counting reads whole tables. Counts are cached for 5 s, or longer if counting would take more than 1 % of a core.
MIN_CACHED_SECONDS = 5.0
COST_FACTOR = 100


@dataclass(frozen=True, slots=True)
class _Counts:
    """The number of rows by table, and how many seconds counting took."""

    rows: dict[str, int]
    seconds: float


_counts: TTLCache[_Counts] = TTLCache(
    size=1, ttl=lambda counts: max(MIN_CACHED_SECONDS, COST_FACTOR * counts.seconds)
)


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state of each part: `ok`, or what is wrong."""

    database: str
    storage: str
    face_engine: str

    @property
    def ready(self) -> bool:
        """Whether all parts are `ok`."""
        return all(state == "ok" for state in asdict(self).values())


def readiness(engine_problem: str | None) -> Readiness:
    """Return the state of each part, after one try of each; `engine_problem` is the inference thread's, or None."""
    return Readiness(_database(), _storage(), engine_problem or "ok")


def _database() -> str:
    try:
        database.ping()
    except SQLAlchemyError as error:
        return f"unusable: {type(error).__name__}"
    return "ok"


def _storage() -> str:
    try:
        storage.check()
    except storage.StorageError as error:
        return f"unusable: {type(error).__name__}"
    return "ok"


def _count() -> _Counts:
    began = time.perf_counter()
    with reading() as session:
        rows = {
            "users": account_queries.count(session),
            "events": event_queries.count(session),
            "photos": photo_queries.count(session),
            "faces": matching_queries.count_faces(session),
            "face_matches": matching_queries.count_matches(session),
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


def metrics() -> bytes:
    """Return all metrics in the Prometheus text format."""
    depths = job_state.counts()
    ages = {name: job_state.oldest_age(kind) or 0.0 for name, kind in job_kinds.BY_NAME.items()}
    return exposition(depths, ages)


def forget_counts() -> None:
    """Drop the cached counts."""
    _counts.clear()


def report_process() -> None:
    """Publish this process's connection pool and code cache, so that every process can report them."""
    info = code_cache().info()
    report(database.pool_state(), info.hits, info.misses, info.entries)
