"""Measures the cost of durable writes: `python -m bench.commits [FOLDER]`.

A commit of one row on SQLite with `synchronous=FULL` against `NORMAL`, and a picture put with its file and folder
synced against the same without, in turns on the same disk. Medians and 95th percentiles in milliseconds.
"""

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import storage
from settings import get_settings

ROUNDS = 500
PICTURE = bytes(600_000)


def _committer(folder: Path, mode: str) -> Callable[[], None]:
    connection = sqlite3.connect(folder / f"{mode}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={mode}")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, content BLOB)")

    def commit() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO rows (content) VALUES (?)", (bytes(500),))
        connection.execute("COMMIT")

    return commit


def _writers(folder: Path) -> dict[str, Callable[[], object]]:
    get_settings().storage_url = f"file://{folder}/storage"
    plain = folder / "plain"
    plain.mkdir()
    return {
        "commit, synchronous=NORMAL": _committer(folder, "NORMAL"),
        "commit, synchronous=FULL": _committer(folder, "FULL"),
        "picture of 600 kB, written only": lambda: (plain / str(time.monotonic_ns())).write_bytes(PICTURE),
        "picture of 600 kB, as the service stores it": lambda: storage.put(f"bench/{time.monotonic_ns()}", PICTURE),
    }


def main(folder: Path) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        writers = _writers(Path(name))
        storage.prepare()
        times: dict[str, list[float]] = {what: [] for what in writers}
        for _ in range(ROUNDS):
            for what, write in writers.items():
                began = time.perf_counter()
                write()
                times[what].append((time.perf_counter() - began) * 1000)
    for what, taken in times.items():
        print(f"{what}: median {statistics.median(taken):.2f} ms, p95 {statistics.quantiles(taken, n=20)[-1]:.2f} ms")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
