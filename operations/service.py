"""Whether the service can work, and how much it holds."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

import database
import job_queue
import storage
from accounts import queries as account_queries
from cache_manager import TTLCache
from database import reading
from events import queries as event_queries
from events.service import code_cache
from matching import queries as matching_queries
from metrics import exposition, of_all_processes, report
from photos import queries as photo_queries
from selfies import queries as selfie_queries

_counts: TTLCache[dict[str, Any]] = TTLCache(size=1, ttl=5)


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


def _count() -> dict[str, Any]:
    with reading() as session:
        found: dict[str, Any] = {
            "users": account_queries.count(session),
            "events": event_queries.count(session),
            "photos": photo_queries.count(session),
            "faces": matching_queries.count_faces(session),
            "face_matches": matching_queries.count_matches(session),
            "selfies": selfie_queries.count(session),
        }
    found["jobs"] = job_queue.counts()
    return found


def statistics() -> dict[str, Any]:
    """Return the counts, at most a few seconds old, and the pools and caches of all processes together."""
    counts, info = _counts.get("counts", _count), code_cache().info()
    report(database.pool_state(), info.hits, info.misses, info.entries)
    pool, cache = of_all_processes()
    asked = cache["hits"] + cache["misses"]
    return {
        **counts,
        "db_pool": pool,
        "cache": {**cache, "hit_rate": round(cache["hits"] / asked, 4) if asked else 0.0},
    }


def metrics() -> bytes:
    """Return everything measured, in Prometheus's text form."""
    depths = job_queue.counts()
    ages = {name: job_queue.oldest_age(kind) or 0.0 for name, kind in job_queue.BY_NAME.items()}
    return exposition(depths, ages)


def forget_counts() -> None:
    """Count again at the next call."""
    _counts.clear()
