"""pgvector against the service's own exact search: time, recall, build time and size, on the same faces.

Faces are drawn like those of an event: most people are in 20 photos, two in many more, and most faces are of nobody
who asks. The wanted faces are those at or above the thresholds of an event of that size, by exact comparison in
float64. `--faces N`, `--queries N`. pgvector needs the vectors plain in the database; the service encrypts them.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray

from encryption.templates import quantised
from faces.calibration import LOCAL
from matching.matrices import BLOCK, Block
from matching.similarity import Portrait, Thresholds, find_candidates, thresholds_for
from testkit.bulk_rows import unit_vectors
from testkit.postgres import PostgresServer
from testkit.servers import temporary_folder

Vectors = NDArray[np.float32]
SHOWN_IN, OFTEN_SHOWN_IN, OFTEN = 20, 1_500, 2
# What pgvector allows at most: how many of the nearest a search in the index keeps in view.
EF_SEARCH = (100, 400, 1000)
# Squared length of what differs from picture to picture, of a person's vector of length 1: cosines of 0.4 to 0.8.
DIFFERENCE = (0.2, 1.6)
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Crowd:
    """Faces (n, 128), in random order, and the portraits of those who ask (queries, 128)."""

    faces: Vectors
    portraits: Vectors


def crowd(number: int, queries: int) -> Crowd:
    """Draw an event of so many faces."""
    dice = np.random.default_rng(5)

    def pictures(person: Vectors, count: int) -> Vectors:
        lengths = np.sqrt(dice.uniform(*DIFFERENCE, (count, 1))).astype(np.float32)
        made = person + lengths * unit_vectors(dice, count)
        return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)

    people = unit_vectors(dice, queries)
    shown = [OFTEN_SHOWN_IN if place < OFTEN else SHOWN_IN for place in range(queries)]
    own = [pictures(person, count) for person, count in zip(people, shown, strict=True)]
    # The others are in 20 photos each, too.
    left = number - sum(shown)
    others = [pictures(person, SHOWN_IN) for person in unit_vectors(dice, -(-left // SHOWN_IN))]
    faces = np.concatenate(own + others)[:number]
    portraits = np.concatenate([pictures(person, 1) for person in people])
    return Crowd(faces[dice.permutation(len(faces))], portraits)


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _text(vector: Vectors) -> str:
    return "[" + ",".join(map(str, vector.tolist())) + "]"


class Database:
    """A table with the faces, plain, as pgvector needs them."""

    def __init__(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        self._connection = connection

    def fill(self, faces: Vectors) -> None:
        """Make the extension and the table."""
        run = self._connection.execute
        run("CREATE EXTENSION vector")
        run("CREATE TABLE faces (id bigint PRIMARY KEY, embedding vector(128))")
        run("ALTER TABLE faces ALTER embedding SET STORAGE PLAIN")
        with self._connection.cursor().copy("COPY faces FROM STDIN") as copy:
            for number, face in enumerate(faces):
                copy.write_row((number, _text(face)))
        run("VACUUM ANALYZE faces")

    def build(self) -> float:
        """Build the index with pgvector's own settings; return the seconds it took."""
        self._connection.execute("SET maintenance_work_mem = '2GB'")
        return _timed(
            lambda: self._connection.execute("CREATE INDEX hnsw ON faces USING hnsw (embedding vector_cosine_ops)")
        )

    def megabytes(self, name: str) -> float:
        """Return the size of a table or an index."""
        row = self._connection.execute("SELECT pg_relation_size(%s::regclass)", (name,)).fetchone()
        return int(str(row[0] if row else 0)) / 2**20

    def exact(self, portrait: Vectors, threshold: float) -> set[int]:
        """Return the faces from a cosine up, by a scan of the table."""
        self._connection.execute("SET enable_indexscan = off")
        rows = self._connection.execute(
            "SELECT id FROM faces WHERE embedding <=> %s::vector <= %s", (_text(portrait), 1 - threshold)
        )
        return {int(str(number)) for (number,) in rows}

    def nearest(self, portrait: Vectors, threshold: float, ef_search: int, *, iterative: bool) -> set[int]:
        """Return the faces from a cosine up, by the index."""
        run = self._connection.execute
        run("SET enable_indexscan = on")
        run("SET enable_seqscan = off")
        run(f"SET hnsw.ef_search = {ef_search}".encode())
        run(f"SET hnsw.iterative_scan = {'relaxed_order' if iterative else 'off'}".encode())
        limit = 5 * OFTEN_SHOWN_IN if iterative else ef_search
        rows = run(
            "SELECT id FROM (SELECT id, embedding <=> %s::vector AS distance FROM faces ORDER BY distance LIMIT %s)"
            " WHERE distance <= %s",
            (_text(portrait), limit, 1 - threshold),
        )
        return {int(str(number)) for (number,) in rows}


def _wanted(found: Crowd, threshold: float) -> list[set[int]]:
    faces = found.faces.astype(np.float64)
    return [set(np.flatnonzero(faces @ each.astype(np.float64) >= threshold).tolist()) for each in found.portraits]


def _row(name: str, search: Callable[[Vectors], set[int]], portraits: Vectors, wanted: Sequence[set[int]]) -> str:
    times, seen = list[float](), list[set[int]]()
    for portrait in portraits:
        tries = list[float]()
        for _ in range(ROUNDS):
            began = time.perf_counter()
            result = search(portrait)
            tries.append(time.perf_counter() - began)
        times.append(min(tries))
        seen.append(result)

    def recall(places: range) -> float:
        return sum(len(seen[at] & wanted[at]) for at in places) / max(1, sum(len(wanted[at]) for at in places))

    often, others = recall(range(OFTEN)), recall(range(OFTEN, len(wanted)))
    median = statistics.median(times) * 1000
    return f"  {name:<44} {median:9.1f} ms   {others:8.2%}   {often:8.2%}"


def _own_search(blocks: Sequence[Block], thresholds: Thresholds) -> Callable[[Vectors], set[int]]:
    """Both passes of the service's search, as at every match; the faces of the first pass alone."""

    def search(portrait: Vectors) -> set[int]:
        found = find_candidates(blocks, [Portrait(1, portrait)], thresholds)
        return {face for face, each in found.faces.items() if each.similarity >= thresholds.floor}

    return search


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=30)
    asked = parser.parse_args()
    found = crowd(asked.faces, asked.queries)
    thresholds = thresholds_for(asked.faces, LOCAL)
    wanted = _wanted(found, thresholds.floor)
    rows, ids = quantised(found.faces), np.arange(asked.faces, dtype=np.int64)
    parts = [slice(start, start + BLOCK) for start in range(0, asked.faces, BLOCK)]
    blocks = [Block(ids[each], ids[each] + 1, rows[each]) for each in parts]
    print(f"{asked.faces:,} faces, cosine from {thresholds.floor:g} up; load of the machine {os.getloadavg()[0]:.1f}")
    print(
        f"  {'fastest of 3, median of the portraits':<44} {'time':>12}   {'recall':>8}   {'recall, often shown':>8}"
    )
    print(_row("own search, both passes, in memory", _own_search(blocks, thresholds), found.portraits, wanted))
    with temporary_folder() as folder:
        server = PostgresServer(folder / "pg", durable=False)
        server.start()
        try:
            address = server.new_database().replace("postgresql+psycopg", "postgresql")
            with psycopg.connect(address, autocommit=True) as connection:
                _measure(Database(connection), found, thresholds.floor, wanted)
        finally:
            server.stop()
    return 0


def _measure(database: Database, found: Crowd, threshold: float, wanted: Sequence[set[int]]) -> None:
    database.fill(found.faces)
    scan = _row("pgvector, exact scan", lambda each: database.exact(each, threshold), found.portraits, wanted)
    print(scan, flush=True)
    built = database.build()
    for ef_search in EF_SEARCH:
        for iterative in (False, True) if ef_search == EF_SEARCH[0] else (False,):
            name = f"pgvector, HNSW, ef_search {ef_search}{', iterative' if iterative else ''}"

            def search(each: Vectors, size: int = ef_search, more: bool = iterative) -> set[int]:
                return database.nearest(each, threshold, size, iterative=more)

            print(_row(name, search, found.portraits, wanted), flush=True)
    table, index = database.megabytes("faces"), database.megabytes("hnsw")
    print(f"  index built in {built:.0f} s; table {table:.0f} MB, index {index:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
