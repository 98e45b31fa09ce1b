"""What the rows of photos and guests take in both databases, and the write-ahead log and commits they cost.

`python -m bench.row_sizes` sends photos of several faces and lets guests join, send a portrait and be matched, by
a real server on each database, and divides what the database has grown by. Indexes are included.
"""

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, text

from testkit.builders import people
from testkit.event_photos import send_photos
from testkit.postgres import databases
from testkit.servers import Api, Launcher, NewEvent, create_event, temporary_folder, wait_until

FACES = 6
IDLE_SECONDS = 15.0
PASSWORD = "a long pass phrase"  # noqa: S105 - of guests of this run


@dataclass(frozen=True, slots=True)
class Weight:
    """What a database has taken so far: bytes of rows and indexes, bytes of its log, commits."""

    rows: int
    log: int = 0
    commits: int = 0
    at: float = field(default_factory=time.monotonic)

    def idle_since(self, other: "Weight") -> "Idle":
        """Return what an idle server writes in a second."""
        seconds = self.at - other.at
        return Idle((self.commits - other.commits) / seconds)

    def since(self, other: "Weight", number: int, idle: "Idle") -> str:
        """Return what one of `number` things has added, without the commits of an idle server in that time."""
        seconds = self.at - other.at
        log = self.log - other.log
        commits = max(0.0, self.commits - other.commits - idle.commits * seconds)
        rows = (self.rows - other.rows) / number
        return f"{rows:>10,.0f} B of rows{log / number:>12,.0f} B of log{commits / number:>8.1f} commits"


@dataclass(frozen=True, slots=True)
class Idle:
    """What an idle server writes in a second: commits."""

    commits: float


def weigh(url: str, folder: Path) -> Weight:
    """Return what the database has taken."""
    if url.startswith("sqlite"):
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return Weight((folder / "bench.db").stat().st_size)
    engine = create_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM"))
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        rows = connection.execute(
            text("SELECT sum(pg_relation_size(indexrelid)) FROM pg_stat_user_indexes")
        ).scalar_one()
        rows += connection.execute(text("SELECT sum(pg_table_size(relid)) FROM pg_stat_user_tables")).scalar_one()
        log = connection.execute(text("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")).scalar_one()
        commits = connection.execute(
            text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        ).scalar_one()
    engine.dispose()
    return Weight(int(rows), int(log), int(commits))


def tables(url: str) -> list[str]:
    """Return a line for each table with rows: bytes a row, with and without its indexes."""
    engine = create_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
        found = connection.execute(
            text(
                "SELECT relname, c.reltuples, pg_table_size(c.oid), pg_indexes_size(c.oid) FROM pg_class c"
                " JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' AND nspname = 'public'"
                " AND c.reltuples > 200 ORDER BY 2 DESC"
            )
        ).all()
    engine.dispose()
    return [
        f"  {name:<20}{number:>8,.0f} rows{size / number:>9,.0f} B{indexes / number:>9,.0f} B of indexes"
        for name, number, size, indexes in found
    ]


def _join(event: NewEvent, launcher: Launcher, number: int) -> None:
    with Api(launcher.server) as anyone:
        who = {"username": f"g{number}", "email": f"g{number}@example.org", "password": PASSWORD}
        anyone.call("POST", "/api/register-with-event-code", json={"user_data": who, "event_code": event.code})
        with anyone.logged_in(f"g{number}", PASSWORD, event.code) as guest:
            files = {"file": ("a.jpg", people(number), "image/jpeg")}
            guest.call("POST", "/api/upload-selfie", files=files)
            wait_until(
                lambda: guest.call("GET", "/api/rematch-status")["status"] in ("done", "idle", "validation_failed"),
                60,
                "the matching",
            )
            guest.call("GET", "/api/my-photos?limit=30")


def measure(name: str, photos: int, guests: int) -> None:
    """Print what a photo and a guest take in one database."""
    with temporary_folder() as folder, databases(folder, name == "PostgreSQL") as new_database:
        launcher = Launcher(
            folder,
            new_database(),
            FACE_RECOGNIZER_PROVIDER="fake",
            GUNICORN_WORKERS="1",
            RATE_REGISTRATIONS_MINUTE="0",
            RATE_WRONG_CODES_MINUTE="0",
            RATE_SELFIES="0",
        )
        try:
            launcher.start()
            url = launcher.environment["DATABASE_URL"]
            event = create_event(launcher.server)
            send_photos(event.photographer, event.id, [people(*range(1, FACES + 1))])
            _join(event, launcher, 5_000)
            # Commits are those that write: each takes a number.
            calm = weigh(url, folder)
            time.sleep(IDLE_SECONDS)
            before = weigh(url, folder)
            idle = before.idle_since(calm)
            print(f"{name}, idle: {idle.commits:.1f} commits a second")
            for first in range(0, photos, 20):
                batch = [
                    people(*(each * FACES + face for face in range(FACES)), margin=40 + each // 10)
                    for each in range(first, first + 20)
                ]
                send_photos(event.photographer, event.id, batch, seconds=300)
            with_photos = weigh(url, folder)
            print(f"{name}, a photo with {FACES} faces:  {with_photos.since(before, photos, idle)}", flush=True)
            for number in range(guests):
                _join(event, launcher, 10 + number)
            print(
                f"{name}, a guest with a portrait: {weigh(url, folder).since(with_photos, guests, idle)}", flush=True
            )
            if name == "PostgreSQL":
                print("\n".join(tables(url)))
        finally:
            launcher.stop()


def main() -> None:
    """Measure on both databases."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--guests", type=int, default=60)
    asked = parser.parse_args()
    for name in ("PostgreSQL", "SQLite"):
        measure(name, asked.photos, asked.guests)


if __name__ == "__main__":
    main()
