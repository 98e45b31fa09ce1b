"""How the service stood, minute by minute, for a month: what an admin sees as curves.

Every process tries once a minute; the table's key lets one of them write the minute.
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
from metrics import answered
from models import PENDING, PROCESSING, Sample
from operations import queries
from photos import queries as photo_queries
from selfies import queries as selfie_queries

log = logging.getLogger("reperio")
MINUTE, HOUR, DAY = 60, 60, 24 * 60
KEPT_MINUTES = 30 * DAY
MOST_POINTS = 500


@dataclass(frozen=True, slots=True)
class Point:
    """The service at one time: how much there was, what waited, and what was answered since the point before."""

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
    """Takes this process's turn each minute; what goes wrong is logged and never disturbs the work."""

    def __init__(self) -> None:
        self._tried = 0

    def tick(self) -> None:
        """Write the minute's sample, unless this process tried already or another one was first."""
        minute = int(time.time() // MINUTE)
        if minute == self._tried:
            return
        self._tried = minute
        try:
            write(minute)
        except SQLAlchemyError as error:
            log.warning("no sample of this minute: %s", error)


def write(minute: int) -> None:
    """Write the sample of a minute (since 1970) as of now, unless it is there already."""
    with reading() as session:
        if queries.is_sampled(session, minute):
            return
        machine = socket.gethostname()[:255]
        before = queries.last_seen(session, machine, minute - DAY)
        counts = {
            "guests": account_queries.count_guests(session),
            "selfies": selfie_queries.count(session),
            "photos": photo_queries.count(session),
            "matches": matching_queries.count_matches(session),
        }
    states = job_state.counts()
    requests, errors = answered()
    sample = Sample(
        minute=minute,
        **counts,
        queue_depth=sum(state[PENDING] + state[PROCESSING] for state in states.values()),
        queue_age_seconds=max(job_state.oldest_age(kind) or 0.0 for kind in job_kinds.KINDS),
        requests=_since(requests, before[0] if before else 0),
        errors=_since(errors, before[1] if before else 0),
        machine=machine,
        requests_seen=requests,
        errors_seen=errors,
    )
    try:
        with transaction() as session:
            session.add(sample)
            session.flush()
            queries.delete_samples_before(session, minute - KEPT_MINUTES)
    except IntegrityError:
        log.debug("another process wrote the sample of minute %d", minute)


def _since(now: int, before: int) -> int:
    """Return how much a counter has risen; one that is lower than before has begun anew."""
    return now - before if now >= before else now


def points(hours: int) -> list[Point]:
    """Return the last hours, thinned to at most some 500 points: the highest levels, and all that was answered."""
    step = math.ceil(hours * HOUR / MOST_POINTS)
    with reading() as session:
        rows = queries.points(session, int(time.time() // MINUTE) - hours * HOUR, step)
    # PostgreSQL's sums of big integers are decimals.
    return [Point(datetime.fromtimestamp(row[0] * MINUTE, UTC), *row[1:7], *map(int, row[7:])) for row in rows]
