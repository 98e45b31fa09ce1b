"""Whether the service can work, and how much it holds."""

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

# Counting a table reads all of it: so seldom that it takes at most a hundredth of a core.
COUNTED_FOR_SECONDS = 5.0
COST_FACTOR = 100


@dataclass(frozen=True, slots=True)
class _Counts:
    """How many rows each table has, and how many seconds it took to count them."""

    rows: dict[str, int]
    seconds: float


_counts: TTLCache[_Counts] = TTLCache(
    size=1, ttl=lambda counts: max(COUNTED_FOR_SECONDS, COST_FACTOR * counts.seconds)
)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What each part says of itself: `ok`, or what is wrong."""

    database: str
    storage: str
    face_engine: str

    @property
    def ready(self) -> bool:
        """Whether all parts are usable."""
        return all(word == "ok" for word in asdict(self).values())


def readiness(engine_problem: str | None) -> Readiness:
    """Try each part once."""
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
    """Return the counts, a few seconds old, the jobs, and the pools and caches of all processes together."""
    counts = _counts.get("counts", _count)
    report_process()
    pool, cache = of_all_processes()
    asked = cache["hits"] + cache["misses"]
    return {
        **counts.rows,
        "jobs": job_state.counts(),
        "db_pool": pool,
        "cache": {**cache, "hit_rate": round(cache["hits"] / asked, 4) if asked else 0.0},
    }


def metrics() -> bytes:
    """Return everything measured, in Prometheus's text form."""
    depths = job_state.counts()
    ages = {name: job_state.oldest_age(kind) or 0.0 for name, kind in job_kinds.BY_NAME.items()}
    return exposition(depths, ages)


def forget_counts() -> None:
    """Count again at the next call."""
    _counts.clear()


def report_process() -> None:
    """Publish this process's connection pool and code cache where a scrape of any process finds them."""
    info = code_cache().info()
    report(database.pool_state(), info.hits, info.misses, info.entries)
