"""One sample of the service per minute, kept for 30 days: the data of the admins' curves.

Every process tries once a minute; the primary key lets one of them write the minute's sample.
"""

import logging
import math
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from accounts import queries as account_queries
from database import reading, transaction
from jobs import kinds as job_kinds
from jobs import state as job_state
from matching import queries as matching_queries
from metrics import Answered, answered
from models import PENDING, PROCESSING, Sample
from operations import queries
from photos.rows import queries as photo_queries
from selfies import queries as selfie_queries

log = logging.getLogger("reperio")
# Seconds per minute; minutes per hour and per day.
MINUTE, HOUR, DAY = 60, 60, 24 * 60
KEPT_MINUTES = 30 * DAY
# The points of a curve: with 30 days, one per 87 minutes.
MOST_POINTS = 500


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


class Sampler:
    """Writes the sample of each minute, unless another process has. Database errors are logged, not raised."""

    def __init__(self) -> None:
        self._last_tried = 0

    def tick(self) -> None:
        """Write the current minute's sample if this process has not tried yet."""
        minute = int(time.time() // MINUTE)
        if minute == self._last_tried:
            return
        self._last_tried = minute
        try:
            write(minute)
        except SQLAlchemyError as error:
            log.warning("no sample of this minute: %s", error)


def write(minute: int) -> None:
    """Write the sample of a minute (minutes since 1970) with the present counts, unless there is one.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    with reading() as session:
        if queries.is_sampled(session, minute):
            return
        machine = socket.gethostname()[:255]
        before = queries.last_counters(session, machine, minute - DAY) or Answered(0, 0)
        counts = {
            "guests": account_queries.count_guests(session),
            "selfies": selfie_queries.count(session),
            "photos": photo_queries.count(session),
            "matches": matching_queries.count_matches(session),
        }
    states = job_state.counts()
    now = answered()
    sample = Sample(
        minute=minute,
        **counts,
        queue_depth=sum(state[PENDING] + state[PROCESSING] for state in states.values()),
        queue_age_seconds=max(job_state.oldest_age(kind) or 0.0 for kind in job_kinds.KINDS),
        requests=_increase(before.requests, now.requests),
        errors=_increase(before.errors, now.errors),
        machine=machine,
        requests_seen=now.requests,
        errors_seen=now.errors,
    )
    try:
        with transaction() as session:
            session.add(sample)
            session.flush()
            queries.delete_samples_before(session, minute - KEPT_MINUTES)
    except IntegrityError:
        log.debug("another process wrote the sample of minute %d", minute)


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
