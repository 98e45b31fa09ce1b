"""Commits a second of one PostgreSQL, without and with a NOTIFY in each: `python -m bench.commit_rates`.

A commit that has notified holds one lock of the whole server until it is on disk: they go one after the other.
"""

import argparse
import tempfile
import threading
import time
from pathlib import Path

import psycopg

from testkit.postgres import databases

PLAIN = ("INSERT INTO ins (v) VALUES (1)",)
NOTIFYING = (*PLAIN, "SELECT pg_notify('changes', 'x')")
CLIENTS = (1, 16, 48)


def rate(url: str, statements: tuple[str, ...], clients: int, seconds: float) -> float:
    """Return the commits a second of so many clients."""
    over, counts = threading.Event(), [0] * clients

    def commit(place: int) -> None:
        with psycopg.connect(url) as connection:
            while not over.is_set():
                with connection.transaction():
                    for each in statements:
                        connection.execute(each.encode())
                counts[place] += 1

    threads = [threading.Thread(target=commit, args=(place,)) for place in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(seconds / 3)
    before, began = sum(counts), time.perf_counter()
    time.sleep(seconds)
    done = (sum(counts) - before) / (time.perf_counter() - began)
    over.set()
    for thread in threads:
        thread.join()
    return done


def main() -> None:
    """Measure on a durable server; `--folder` says on which disk."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--seconds", type=float, default=6)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=asked.folder) as folder,
        databases(Path(folder), postgresql=True) as new_database,
    ):
        url = (new_database() or "").replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE ins (id bigserial PRIMARY KEY, v int)")
        print(f"{'clients':>8}{'commits/s':>12}{'with NOTIFY':>14}")
        for clients in CLIENTS:
            plain, notifying = (rate(url, each, clients, asked.seconds) for each in (PLAIN, NOTIFYING))
            print(f"{clients:>8}{plain:>12,.0f}{notifying:>14,.0f}", flush=True)


if __name__ == "__main__":
    main()
