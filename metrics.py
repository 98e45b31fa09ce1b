"""What is measured while the service runs, in Prometheus form, for all its processes together.

With `PROMETHEUS_MULTIPROC_DIR` set before this is imported, each process keeps its figures in a file there.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY as OWN
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"
REQUEST_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)
JOB_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

REQUESTS = Histogram(
    "reperio_request_seconds", "Time to answer a request.", ("method", "route", "status"), buckets=REQUEST_BUCKETS
)
JOBS = Histogram("reperio_job_seconds", "Time an attempt at a job took.", ("kind",), buckets=JOB_BUCKETS)
POOL = Gauge(
    "reperio_db_connections", "Database connections of all processes.", ("state",), multiprocess_mode="livesum"
)
CACHE = Gauge("reperio_cache_lookups", "Look-ups of event codes.", ("result",), multiprocess_mode="livesum")


CACHE_ENTRIES = Gauge("reperio_cache_entries", "Event codes in the caches.", multiprocess_mode="livesum")


@contextmanager
def timed_job(kind: str) -> Iterator[None]:
    """Measure an attempt at a job."""
    began = time.perf_counter()
    try:
        yield
    finally:
        JOBS.labels(kind).observe(time.perf_counter() - began)


def _registry() -> CollectorRegistry:
    """The figures of all processes together, or of this one where there is no folder for them."""
    if not os.environ.get(MULTIPROC):
        return OWN
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def report(pool: dict[str, int], hits: int, misses: int, entries: int) -> None:
    """Leave this process's pool and cache where any process finds them."""
    for state, number in pool.items():
        POOL.labels(state).set(number)
    CACHE.labels("hit").set(hits)
    CACHE.labels("miss").set(misses)
    CACHE_ENTRIES.set(entries)


def of_all_processes() -> tuple[dict[str, int], dict[str, int]]:
    """Return what living processes last reported, summed: the pool by state, the cache's `hits, misses, entries`."""
    pool: dict[str, int] = {}
    cache = {"hits": 0, "misses": 0, "entries": 0}
    for family in _registry().collect():
        for sample in family.samples:
            if sample.name == "reperio_db_connections":
                pool[sample.labels["state"]] = int(sample.value)
            elif sample.name == "reperio_cache_lookups":
                cache["hits" if sample.labels["result"] == "hit" else "misses"] = int(sample.value)
            elif sample.name == "reperio_cache_entries":
                cache["entries"] = int(sample.value)
    return pool, cache


def answered() -> tuple[int, int]:
    """Return how many requests all processes have answered since the service started, and how many with 5xx."""
    requests = errors = 0
    for family in _registry().collect():
        for sample in family.samples:
            if sample.name == "reperio_request_seconds_count":
                requests += int(sample.value)
                errors += int(sample.value) if sample.labels["status"].startswith("5") else 0
    return requests, errors


def exposition(depths: dict[str, dict[str, int]], ages: dict[str, float]) -> bytes:
    """Return everything measured, and the queue as it stands: jobs by kind and state, age in s of the oldest."""
    queue = CollectorRegistry()
    jobs = Gauge("reperio_jobs", "Jobs that are not through, and failed ones.", ("kind", "state"), registry=queue)
    oldest = Gauge("reperio_oldest_job_seconds", "Age of the oldest job not through.", ("kind",), registry=queue)
    for kind, states in depths.items():
        for state, number in states.items():
            jobs.labels(kind, state).set(number)
        oldest.labels(kind).set(ages.get(kind, 0.0))
    return bytes(generate_latest(_registry())) + bytes(generate_latest(queue))
