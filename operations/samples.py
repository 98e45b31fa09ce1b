"""One sample of the service per minute, kept for 30 days: the data of the admins' curves.

Every process tries once a minute; the primary key lets one of them write the minute's sample. One process of each
machine adds the requests that its machine has answered, so that a sample has those of all machines. In between, each
looks at the queue after its jobs: a burst of photos that comes and goes within a minute shows in the sample as its
highest depth and age. A process that finds the sample written raises these two where it has seen more.
"""

import logging
import math
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from accounts import queries as account_queries
from database import reading, transaction
from jobs import state as job_state
from matching import queries as matching_queries
from metrics import Answered, answered
from models import MachineCounter, Sample
from operations import queries
from operations.presence import machine_name
from photos.rows import queries as photo_queries
from selfies import queries as selfie_queries
from settings import get_settings

log = logging.getLogger("reperio")
# Seconds per minute; minutes per hour and per day.
MINUTE, HOUR, DAY = 60, 60, 24 * 60
KEPT_MINUTES = 30 * DAY
# The points of a curve: with 30 days, one per 87 minutes.
MOST_POINTS = 500
# Seconds between two looks at the queue, at least. A look takes about 2 ms.
LOOK_SECONDS = 0.5
# Seconds between two tries of a machine that runs no jobs.
SAMPLING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the curves: counts, queue depth and the age of the oldest job at their highest.

    `requests` and `errors` are those answered since the point before.
    """

    at: datetime
    guests: int
    selfies: int
    photos: int
    matches: int
    queue_depth: int
    queue_age_seconds: float
    requests: int
    errors: int


@dataclass(frozen=True, slots=True)
class Peak:
    """How many jobs were unfinished, and the age of the oldest in seconds, each at its highest."""

    depth: int = 0
    age_seconds: float = 0.0

    def or_higher(self, other: "Peak") -> "Peak":
        """Return the higher depth and the higher age of the two."""
        return Peak(max(self.depth, other.depth), max(self.age_seconds, other.age_seconds))


NOTHING_SEEN = Peak()


class Sampler:
    """Writes the sample of each minute, unless another process has. Database errors are logged, not raised."""

    def __init__(self) -> None:
        self._last_tried = 0
        self._next_look = 0.0
        self._peak = NOTHING_SEEN

    def tick(self) -> None:
        """Write the current minute's sample if this process has not tried yet; else look at the queue."""
        now = time.time()
        minute = int(now // MINUTE)
        try:
            if minute != self._last_tried:
                self._last_tried = minute
                write(minute, self._peak)
                self._peak = NOTHING_SEEN
            elif now >= self._next_look:
                self._next_look = now + LOOK_SECONDS
                self._peak = self._peak.or_higher(queue_now())
        except SQLAlchemyError as error:
            log.warning("no sample of this minute: %s", error)


class SamplingThread:
    """Samples on a machine that runs no jobs: elsewhere the inference thread does so between its jobs."""

    def __init__(self, sampler: Sampler, report: Callable[[], None]) -> None:
        """`report` publishes the gauges of this process; it is called before each sample."""
        self._sampler, self._report = sampler, report
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="sampling", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End the thread within `timeout` seconds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._report()
            self._sampler.tick()
            # The workers see the queue's height; here the minute counts.
            self._stopping.wait(SAMPLING_SECONDS)


def queue_now() -> Peak:
    """Return the present depth and age of the queue; reads partial indexes only."""
    return Peak(*job_state.backlog())


def write(minute: int, peak: Peak = NOTHING_SEEN) -> None:
    """Write the sample of a minute (minutes since 1970) with the present counts, unless there is one.

    `peak` is the queue at its highest since the sample before. If there is a sample, it is raised to `peak`.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    with reading() as session:
        sampled = queries.is_sampled(session, minute)
    if sampled:
        _raise_to(minute, peak)
    else:
        _insert(minute, peak)
    _add_answered(minute)


def _insert(minute: int, peak: Peak) -> None:
    """Write the sample, without requests, which each machine adds; raise it if another process is faster."""
    peak = peak.or_higher(queue_now())
    with reading() as session:
        counts = {
            "guests": account_queries.count_guests(session),
            "selfies": selfie_queries.count(session),
            "photos": photo_queries.count(session),
            "matches": matching_queries.count_matches(session),
        }
    now = answered()
    sample = Sample(
        minute=minute,
        **counts,
        queue_depth=peak.depth,
        queue_age_seconds=peak.age_seconds,
        requests=0,
        errors=0,
        # Read by the release before, if it runs beside this one.
        machine=socket.gethostname()[:255],
        requests_seen=now.requests,
        errors_seen=now.errors,
    )
    try:
        with transaction() as session:
            session.add(sample)
            session.flush()
            queries.delete_samples_before(session, minute - KEPT_MINUTES)
            queries.delete_counters_before(session, minute - KEPT_MINUTES)
    except IntegrityError:
        log.debug("another process wrote the sample of minute %d", minute)
        _raise_to(minute, peak)


def _add_answered(minute: int) -> None:
    """Add what this machine has answered since it last did so, unless another of its processes has."""
    machine, now = machine_name(get_settings()), answered()
    with reading() as session:
        before = queries.counter(session, machine)
    if before is not None and before.minute >= minute:
        return
    try:
        with transaction() as session:
            if before is None:
                session.add(
                    MachineCounter(machine=machine, minute=minute, requests_seen=now.requests, errors_seen=now.errors)
                )
                session.flush()
            elif not queries.advance_counter(session, before, minute, now):
                return
            known = Answered(before.requests_seen, before.errors_seen) if before is not None else Answered(0, 0)
            increase = Answered(_increase(known.requests, now.requests), _increase(known.errors, now.errors))
            queries.add_answered(session, minute, increase)
    except IntegrityError:
        log.debug("another process of this machine has counted minute %d", minute)


def _raise_to(minute: int, peak: Peak) -> None:
    if peak.depth:
        with transaction() as session:
            queries.raise_peak(session, minute, peak.depth, peak.age_seconds)


def _increase(before: int, now: int) -> int:
    """Return by how much a counter has risen; a lower value means that it restarted at zero."""
    return now - before if now >= before else now


def points(hours: int) -> list[Point]:
    """Return the points of the last `hours`, about `MOST_POINTS` at most, the oldest first."""
    step = math.ceil(hours * HOUR / MOST_POINTS)
    with reading() as session:
        rows = queries.points(session, int(time.time() // MINUTE) - hours * HOUR, step)
    return [
        Point(
            at=datetime.fromtimestamp(row.minute * MINUTE, UTC),
            guests=row.guests,
            selfies=row.selfies,
            photos=row.photos,
            matches=row.matches,
            queue_depth=row.queue_depth,
            queue_age_seconds=row.queue_age_seconds,
            # PostgreSQL returns sums of big integers as decimals.
            requests=int(row.requests),
            errors=int(row.errors),
        )
        for row in rows
    ]
