"""Prometheus metrics of the running service, summed over its processes.

If `PROMETHEUS_MULTIPROC_DIR` is set before this module is imported, each process keeps its values in a file there.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from prometheus_client import REGISTRY as OWN
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from settings import version
from telemetry import spans
from telemetry.storage_calls import FAILED, Call, observe

MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"
REQUEST_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)
STORAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
JOB_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

REQUESTS = Histogram(
    "reperio_request_seconds", "Time to answer a request.", ("method", "route", "status"), buckets=REQUEST_BUCKETS
)
JOBS = Histogram("reperio_job_seconds", "Time an attempt at a job took.", ("kind",), buckets=JOB_BUCKETS)
ATTEMPTS = Counter("reperio_job_attempts", "Attempts at jobs, by what came of them.", ("kind", "outcome"))
STORAGE = Histogram(
    "reperio_storage_seconds", "Time a call of the storage took.", ("operation",), buckets=STORAGE_BUCKETS
)
STORAGE_ERRORS = Counter("reperio_storage_errors", "Calls of the storage that failed.", ("operation",))
MAILS = Counter("reperio_mails", "Attempts at mails.", ("kind", "outcome"))
NOTIFICATIONS = Counter("reperio_notifications", "Attempts to tell guests of new photos.", ("channel", "outcome"))
ENDED = Counter("reperio_connections_ended", "Connections that the service ended, by reason.", ("reason",))
POOL = Gauge(
    "reperio_db_connections", "Database connections of all processes.", ("state",), multiprocess_mode="livesum"
)
POOL_LIMIT = Gauge(
    "reperio_db_connections_limit", "Most connections that all processes may open.", multiprocess_mode="livesum"
)
MEMORY = Gauge(
    "reperio_memory_bytes",
    "Memory of all workers and their decoding processes, shared pages counted once.",
    multiprocess_mode="livesum",
)
CACHE = Gauge("reperio_cache_lookups", "Look-ups of event codes.", ("result",), multiprocess_mode="livesum")
CACHE_ENTRIES = Gauge("reperio_cache_entries", "Event codes in the caches.", multiprocess_mode="livesum")
# `kind` is one of a fixed list (throttling/rules.py), never what a caller sent.
REFUSED = Counter("reperio_refusals", "Calls answered with 429.", ("kind",))
AZURE_CALLS = Counter("reperio_azure_calls", "Tries of calls to Azure's Face service.", ("operation", "outcome"))
AZURE_AWAY = Gauge(
    "reperio_azure_away", "1 while no calls are made because Azure fails or refuses.", multiprocess_mode="livemax"
)
WAITING = Gauge("reperio_waiting_requests", "Requests that wait for a change.", multiprocess_mode="livesum")
LISTENING = Gauge(
    "reperio_changes_heard", "1 while a process hears of changes, else 0; the lowest.", multiprocess_mode="livemin"
)
FACES_MEMORY = Gauge(
    "reperio_faces_memory_bytes",
    "Memory with room for faces that is in use; processes of one start share it.",
    multiprocess_mode="livemax",
)
LIMITS_DOWN = Counter("reperio_limits_uncounted", "Look-ups of a limit that its storage did not answer.")


# Its 503 is the answer to the question that it was asked, as at every start: no error.
READINESS = "/readyz"


class Answered(NamedTuple):
    """How many requests were answered, and how many of them with 5xx, other than `/readyz`."""

    requests: int
    errors: int


class Upkeep(NamedTuple):
    """Whether the last sweep of files without a row refused, and how much is recorded as to be erased.

    `erasures_waiting` are files, `remote_erasures_waiting` lists and faces that Azure keeps.
    """

    sweep_refused: bool
    erasures_waiting: int
    remote_erasures_waiting: int = 0
    # Seconds for which the message about new photos that waits longest could have been sent.
    notification_age: float = 0.0
    # Mails that are not sent yet, and the age of the oldest in seconds.
    mails_waiting: int = 0
    mail_age: float = 0.0


class Tonight(NamedTuple):
    """Sums over the events that are on now; `photos` by state: `pending`, `processing`, `done`, `failed`.

    With many events only their number is known, and the rest is None.
    """

    events: int
    guests: int | None = None
    guests_matched: int | None = None
    photos: dict[str, int] | None = None


class ProcessTotals(NamedTuple):
    """Sums over the living processes: connections by state, and the code cache's `hits`, `misses`, `entries`."""

    pool: dict[str, int]
    cache: dict[str, int]


@contextmanager
def timed_job(kind: str) -> Iterator[None]:
    """Measure how long the block takes, as one attempt at a job of this kind."""
    began = time.perf_counter()
    try:
        yield
    finally:
        JOBS.labels(kind).observe(time.perf_counter() - began)


def count_attempt(kind: str, outcome: str) -> None:
    """Count an attempt at a job: `done`, `rejected`, `retried`, `failed` or `released` (put back, not counted)."""
    ATTEMPTS.labels(kind, outcome).inc()
    spans.note("reperio.job.outcome", outcome)


def _count_storage(call: Call) -> None:
    STORAGE.labels(call.operation).observe(call.took_ns / 1e9)
    if call.outcome == FAILED:
        STORAGE_ERRORS.labels(call.operation).inc()


observe(_count_storage)


def _registry() -> CollectorRegistry:
    """Return the metrics of all processes, or of this one if there is no `PROMETHEUS_MULTIPROC_DIR`."""
    if not os.environ.get(MULTIPROC):
        return OWN
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def report(pool: dict[str, int], hits: int, misses: int, entries: int) -> None:
    """Set the gauges of this process's connection pool (by state) and code cache."""
    for state, number in pool.items():
        POOL.labels(state).set(number)
    CACHE.labels("hit").set(hits)
    CACHE.labels("miss").set(misses)
    CACHE_ENTRIES.set(entries)


def of_all_processes() -> ProcessTotals:
    """Return what the living processes last passed to `report`, summed."""
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
    return ProcessTotals(pool, cache)


def answered() -> Answered:
    """Return what all processes, ended ones too, have answered since the service started."""
    requests = errors = 0
    for family in _registry().collect():
        for sample in family.samples:
            if sample.name == "reperio_request_seconds_count":
                requests += int(sample.value)
                failed = sample.labels["status"].startswith("5") and sample.labels["route"] != READINESS
                errors += int(sample.value) if failed else 0
    return Answered(requests, errors)


def exposition(depths: dict[str, dict[str, int]], ages: dict[str, float], upkeep: Upkeep, tonight: Tonight) -> bytes:
    """Return all metrics as Prometheus text, with the queue: `depths` by kind and state, `ages` in s by kind."""
    return bytes(generate_latest(_registry())) + bytes(generate_latest(_Database(depths, ages, upkeep, tonight)))


class _Database:
    """What the database says, for one answer. A `Gauge` would keep it in this process's file, and be told again."""

    def __init__(
        self, depths: dict[str, dict[str, int]], ages: dict[str, float], upkeep: Upkeep, tonight: Tonight
    ) -> None:
        self._depths, self._ages, self._upkeep, self._tonight = depths, ages, upkeep, tonight

    def collect(self) -> Iterator[Metric]:
        """Return the metrics."""
        yield from self._of_queue()
        yield from self._of_upkeep()
        yield from self._of_tonight()
        build = GaugeMetricFamily("reperio_build_info", "The release that answers.", labels=("version",))
        build.add_metric((version(),), 1)
        yield build

    def _of_queue(self) -> Iterator[Metric]:
        jobs = GaugeMetricFamily("reperio_jobs", "Unfinished and failed jobs.", labels=("kind", "state"))
        oldest = GaugeMetricFamily(
            "reperio_oldest_job_seconds", "Age of the oldest unfinished job.", labels=("kind",)
        )
        for kind, states in self._depths.items():
            for state, number in states.items():
                jobs.add_metric((kind, state), number)
            oldest.add_metric((kind,), self._ages.get(kind, 0.0))
        yield from (jobs, oldest)
        about = "Mails that are not sent yet."
        yield GaugeMetricFamily("reperio_mails_waiting", about, value=self._upkeep.mails_waiting)
        about = "Age of the oldest mail that is not sent yet."
        yield GaugeMetricFamily("reperio_oldest_mail_seconds", about, value=self._upkeep.mail_age)

    def _of_tonight(self) -> Iterator[Metric]:
        tonight = self._tonight
        yield GaugeMetricFamily("reperio_tonight_events", "Events that are on now.", value=tonight.events)
        if tonight.photos is None:
            return
        yield GaugeMetricFamily("reperio_tonight_guests", "Guests of the events that are on.", value=tonight.guests)
        about = "Guests of the events that are on who were found in a photo."
        yield GaugeMetricFamily("reperio_tonight_guests_matched", about, value=tonight.guests_matched)
        photos = GaugeMetricFamily("reperio_tonight_photos", "Photos of the events that are on.", labels=("state",))
        for state, number in tonight.photos.items():
            photos.add_metric((state,), number)
        yield photos

    def _of_upkeep(self) -> Iterator[Metric]:
        about = "1 if the last sweep of files without a row refused."
        yield GaugeMetricFamily("reperio_sweep_refused", about, value=float(self._upkeep.sweep_refused))
        about = "Files of deleted rows that are not erased yet."
        yield GaugeMetricFamily("reperio_erasures_waiting", about, value=self._upkeep.erasures_waiting)
        about = "Lists and faces that Azure keeps and that are not deleted there yet."
        waiting = self._upkeep.remote_erasures_waiting
        yield GaugeMetricFamily("reperio_remote_erasures_waiting", about, value=waiting)
        about = "Age of the oldest message about new photos that is due."
        yield GaugeMetricFamily("reperio_oldest_notification_seconds", about, value=self._upkeep.notification_age)
