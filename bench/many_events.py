"""What the queue and the dashboards cost where 10,000 events have photos that wait, on PostgreSQL.

`python -m bench.many_events` fills a database with 10,000 events of 100 photos each that wait (`--events`,
`--photos`) and times what every process asks again and again; then how an event's turn could be found for less.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from database import get_engine, reading, transaction
from events import service as events
from events.service import NewEvent
from events.tonight import queries as tonight_queries
from events.tonight import service as tonight
from jobs import queue, state
from jobs.kinds import KINDS
from models import utcnow
from testkit.in_process import service_in_process
from testkit.postgres import databases
from testkit.servers import temporary_folder

BY_EVENT = (
    "CREATE INDEX idx_photos_open_event ON photos (event_id, lease_until, id)"
    " WHERE status IN ('pending','processing')"
)
# The events with a claimable photo, one index entry each: what the index would allow.
SKIPPING = """
WITH RECURSIVE waiting(event_id) AS (
  (SELECT event_id FROM photos WHERE status IN ('pending','processing') ORDER BY event_id LIMIT 1)
  UNION ALL
  SELECT (SELECT event_id FROM photos WHERE status IN ('pending','processing') AND event_id > waiting.event_id
          ORDER BY event_id LIMIT 1)
  FROM waiting WHERE waiting.event_id IS NOT NULL
) SELECT event_id FROM waiting WHERE event_id IS NOT NULL
"""
# The next event in the round after the one that was served last.
NEXT_EVENT = """
SELECT event_id FROM photos WHERE status IN ('pending','processing') AND status = 'pending'
AND (lease_until IS NULL OR lease_until <= now()) AND event_id > 5000 ORDER BY event_id LIMIT 1
"""
TIMES = 15


def _copied(engine: Engine, table: str, changed: dict[str, str], source: str) -> str:
    """Return the statement that copies the one row of a table for each row of `source`, some columns changed."""
    with engine.connect() as connection:
        names = connection.execute(
            text("SELECT column_name FROM information_schema.columns WHERE table_name = :table"), {"table": table}
        ).scalars()
        columns = list(names)
    values = ", ".join(changed.get(name, f"one.{name}") for name in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {source}"  # noqa: S608 - our own names


def fill(number: int, photos: int) -> None:
    """Fill the database: events of today, each with photos that wait."""
    first = events.create(NewEvent("Many", date=utcnow().date()))
    engine = get_engine()
    with transaction() as session:
        changed = {"id": "n + 1000", "event_code": "'M' || n", "code_key": "'m' || n", "key_id": "NULL"}
        source = f"events AS one, generate_series(1, {number}) AS n"
        session.execute(text(_copied(engine, "events", changed, source)))
        session.execute(text(f"DELETE FROM events WHERE id = {first.id}"))  # noqa: S608
        session.execute(
            text(
                "INSERT INTO photos (id, event_id, original_filename, filename, sha256, content_type, size, width,"  # noqa: S608
                " height, status, uploaded_at, attempts)"
                " SELECT 1000 + (p - 1) * :events + e, e + 1000, 'DSC_' || p || '.jpg', md5(p || '-' || e) || '.jpg',"
                " md5(p || '-' || e) || md5(e || '-' || p), 'image/jpeg', 5000000, 4000, 3000, 'pending', now(), 0"
                f" FROM generate_series(1, {photos}) AS p, generate_series(1, :events) AS e"
            ),
            {"events": number},
        )
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def timed(what: str, call: Callable[[], object], times: int = TIMES) -> None:
    """Print the median and the highest time of a call."""
    call()
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    print(f"{what:<58}{statistics.median(seconds) * 1000:>10.1f} ms{max(seconds) * 1000:>10.1f} ms", flush=True)


def _statement(sql: str) -> Callable[[], object]:
    def run() -> object:
        with reading() as session:
            return session.execute(text(sql)).all()

    return run


def _explained(sql: str) -> None:
    with reading() as session:
        lines = session.execute(text(f"EXPLAIN (ANALYZE, BUFFERS) {sql}")).scalars()
        print("\n".join(f"    {line}" for line in lines if "Buffers" not in line or line.startswith("  B")))


def _near() -> object:
    today = utcnow().date()
    with reading() as session:
        since = utcnow() - tonight.ACTIVE
        return tonight_queries.near(session, today - timedelta(days=2), today + timedelta(days=1), since)


def measure() -> None:
    """Time what is asked again and again."""
    timed("claim the next job (claim_next)", queue.claim_next)
    timed("  of it: the events that have photos waiting", _statement(DISTINCT))
    timed("is a more urgent job due", lambda: queue.is_more_urgent_due(KINDS[2]))
    timed("depths by kind and state (each /metrics)", state.counts, 3)
    timed("backlog (each process, after its jobs)", state.backlog, 3)
    timed("the events of tonight (dashboard, /metrics)", lambda: tonight.tonight(utcnow()), 3)
    timed("  of it: which events are on", _near, 3)


DISTINCT = """
SELECT DISTINCT event_id FROM photos WHERE status IN ('pending','processing') AND status = 'pending'
AND (lease_until IS NULL OR lease_until <= now())
"""


def main() -> None:
    """Fill and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--photos", type=int, default=100, help="photos that wait, of each event")
    asked = parser.parse_args()
    with (
        temporary_folder() as folder,
        databases(Path(folder), postgresql=True) as new_database,
        service_in_process(folder, new_database(), "fake"),
    ):
        began = time.perf_counter()
        fill(asked.events, asked.photos)
        print(
            f"{asked.events:,} events, {asked.events * asked.photos:,} photos that wait; filled in "
            f"{time.perf_counter() - began:.0f} s; median and highest of {TIMES} calls"
        )
        measure()
        _explained(DISTINCT)
        with get_engine().connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(BY_EVENT))
        print("with an index by event over unfinished photos:")
        timed("  the events that have photos waiting, skipping", _statement(SKIPPING))
        timed("  the next event in the round", _statement(NEXT_EVENT))
        _explained(NEXT_EVENT)


if __name__ == "__main__":
    main()
