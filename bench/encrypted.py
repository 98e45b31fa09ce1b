"""What encryption costs where a guest is matched with 100,000 faces: the same event plain and encrypted, in turns.

Each run is a process of its own: the first match reads all faces of the event from SQLite and decrypts them, the
further ones find them in memory. `--faces N`, `--rounds N`.
"""

import argparse
import sqlite3
import statistics
import sys
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from bench.faces_million import Run, an_event, grow, run_apart
from database import forget_engine, transaction
from jobs.encrypting import Encrypting
from models import Event
from testkit.in_process import service_in_process
from testkit.servers import temporary_folder

WARM_ROUNDS = 9


def _prepare(folder: Path, faces: int, *, encrypted: bool) -> tuple[str, int, int, int]:
    """Return the address of a database with such an event, the guest, one of a small event, and the event."""
    folder.mkdir()
    with service_in_process(folder, None) as url:
        event_id, user_id = an_event()
        small_user_id = an_event("SMALL")[1]
        grow(event_id, faces)
        if encrypted:
            with transaction() as session:
                session.get_one(Event, event_id).is_encrypted = False
            encrypting = Encrypting()
            while encrypting.step():
                pass
        forget_engine()
    if encrypted:
        # As an event that was never plain: without the room that the longer rows had.
        with closing(sqlite3.connect(make_url(url).database or "", isolation_level=None)) as database:
            database.execute("VACUUM")
    return url, user_id, small_user_id, event_id


def _told(runs: dict[str, list[Run]], what: str) -> str:
    values = {kind: [getattr(each, what) for each in found] for kind, found in runs.items()}
    ratios = [second / first for first, second in zip(values["plain"], values["encrypted"], strict=True)]
    plain, encrypted = (statistics.median(values[kind]) * 1000 for kind in ("plain", "encrypted"))
    return f"{plain:8.1f} ms plain, {encrypted:8.1f} ms encrypted, {statistics.median(ratios):.2f} times as long"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    runs = dict[str, list[Run]](plain=[], encrypted=[])
    with temporary_folder() as folder:
        places = {kind: _prepare(folder / kind, asked.faces, encrypted=kind == "encrypted") for kind in runs}
        for _ in range(asked.rounds):
            for kind, (url, user_id, small_user_id, event_id) in places.items():
                ids = user_id, small_user_id, event_id
                runs[kind].append(run_apart(folder / kind, url, *ids, asked.faces, WARM_ROUNDS))
    print(f"{asked.faces:,} faces, medians of {asked.rounds} pairs")
    print("first match, cold:", _told(runs, "cold"))
    print("further, in memory:", _told(runs, "warm"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
