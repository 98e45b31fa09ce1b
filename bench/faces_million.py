"""One selfie against up to a million encrypted faces of one event, by the service's own matching, on both databases.

Two workers are forked from one process, as Gunicorn forks them, and match first in a small event. Then the first
match in the large one reads its faces, while another process writes in the event all the time: the longest that it
waits is told. Then some faces are deleted, and it waits for the match that finds this out. Memory is the proportional
set size (PSS) of all three processes beyond what they had after the small event.
"""

import gc
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from accounts.service import NewAccount
from bench.processes import pss_mb
from bench.report import Drawing, Measured, Result, run_part
from database import after_commit, forget_engine, get_engine, reading, transaction
from decoding.memory import return_memory
from encryption.templates import writing_cipher
from events import queries as event_queries
from events import service as events
from events.service import NewEvent
from guests import registration
from guests.wordings import shown
from matching import queries, service, shared
from models import PROCESSING, Event, Face, Selfie
from settings import get_settings
from testkit.bulk_rows import add_faces, add_photos, refresh_statistics, unit_vectors
from testkit.in_process import service_in_process, use_database
from testkit.postgres import databases
from testkit.servers import ROOT, temporary_folder

PART = "faces_million"
SIZES = (100_000, 300_000, 1_000_000)
QUICK_SIZES = (5_000, 15_000, 50_000)
FACES_PER_PHOTO = 10
# Faces of the small event: more than are read at once.
SMALL = 10_000
SHOWN_IN = 40
WARM_ROUNDS = 9
# Of so many faces one is deleted before the last match, all over the event.
DELETED_ONE_IN = 100
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of a selfie's matching: cold, first in the second process, warm (and of CPU); what it found.

    `wait` and `wait_changed`: the longest that another writer of the event waited during the first match, and during
    the one after faces were deleted; `locked_cpu`: the CPU of the process while the first match locked the event.
    `held` and `highest`: MB of all processes beyond their start, at the end and at the highest.
    """

    faces: int
    cold: float
    second: float
    warm: float
    warm_cpu: float
    wait: float
    locked_cpu: float
    wait_changed: float
    held: float
    highest: float
    found: int


# --- the processes that are measured --------------------------------------------------------------


def _selfie(user_id: int) -> int:
    with transaction() as session:
        key = f"selfies/{uuid.uuid4().hex}.jpg"
        selfie = Selfie(user_id=user_id, storage_key=key, status=PROCESSING, attempts=1)
        session.add(selfie)
        session.flush()
        return selfie.id


def _is_held(_: object) -> bool:
    return True


class Took(NamedTuple):
    """Seconds of a match: wall, CPU, and CPU while the event was locked."""

    wall: float
    cpu: float
    locked_cpu: float


def _worker(orders: Connection, engine_id: str) -> None:
    """Match a new selfie of each guest ordered, and answer with what it took."""
    forget_engine(close=False)
    return_memory()
    locked = list[float]()
    lock = event_queries.lock_event

    def noted(session: Session, event_id: int) -> Event | None:
        event, began = lock(session, event_id), time.process_time()
        after_commit(session, lambda: locked.append(time.process_time() - began))
        return event

    event_queries.lock_event = noted
    embedding = person()
    while user_id := orders.recv():
        selfie_id = _selfie(user_id)
        # A collection copies pages that are shared with the parent: let it be no part of a later figure.
        gc.collect()
        locked.clear()
        began, cpu = time.perf_counter(), time.process_time()
        service.accept_selfie(selfie_id, engine_id, embedding, _is_held)
        orders.send(Took(time.perf_counter() - began, time.process_time() - cpu, max(locked)))


def _writer(orders: Connection, event_id: int) -> None:
    """Lock the event's row again and again until told to end; answer with the longest that it waited, in seconds."""
    forget_engine(close=False)
    longest = 0.0
    while not orders.poll(0.002):
        began = time.perf_counter()
        with transaction() as session:
            event_queries.lock_event(session, event_id)
            longest = max(longest, time.perf_counter() - began)
    orders.send(longest)


@contextmanager
def _forked(task: Callable[..., None], *arguments: object) -> Iterator[tuple[Connection, int]]:
    """Run a task in a child; yields the connection to it, and its process id."""
    here, there = FORK.Pipe()
    child = FORK.Process(target=task, args=(there, *arguments))
    child.start()
    try:
        yield here, child.pid or 0
    finally:
        here.send(0)
        child.join()


def _while_others_write(event_id: int, match: Callable[[], Took]) -> tuple[Took, float]:
    """Return what a match took, and the longest that another writer of the event waited meanwhile."""
    with _forked(_writer, event_id) as (orders, _):
        time.sleep(0.2)
        took = match()
        orders.send(0)
        return took, float(orders.recv())


@contextmanager
def _highest(pids: list[int]) -> Iterator[list[float]]:
    """Yield a list that grows by the PSS of the processes in MB, ten times a second."""
    seen, ended = [sum(map(pss_mb, pids))], threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            seen.append(sum(map(pss_mb, pids)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
        seen.append(sum(map(pss_mb, pids)))


def _delete_some(event_id: int) -> None:
    with transaction() as session:
        some = select(Face.id).where(Face.event_id == event_id, Face.id % DELETED_ONE_IN == 1)
        session.execute(delete(Face).where(Face.id.in_(some)), execution_options={"synchronize_session": False})
        session.execute(update(Event).where(Event.id == event_id).values(version=Event.version + 1))


def match_here(user_id: int, small_user_id: int, event_id: int, faces: int, rounds: int) -> Run:
    """Match new selfies of the guest in two processes, one after another, with all faces of the event.

    Before anything is counted, each matches another guest, who is in a small event, so that it has all its code.
    """
    with reading() as session:
        engine_id = str(getattr(session.get(Event, event_id), "active_engine_id", ""))
    forget_engine()
    shared.prepare()
    with (
        _forked(_worker, engine_id) as (first, first_pid),
        _forked(_worker, engine_id) as (second, second_pid),
    ):

        def match(worker: Connection, guest: int = user_id) -> Took:
            worker.send(guest)
            return Took(*worker.recv())

        for each in (first, second, first, second):
            match(each, small_user_id)
        with _highest([os.getpid(), first_pid, second_pid]) as memory:
            cold, wait = _while_others_write(event_id, lambda: match(first))
            in_second = match(second)
            warm = [match(each) for _ in range(rounds) for each in (first, second)]
        with reading() as session:
            found = len(queries.matches_of(session, user_id, event_id))
        _delete_some(event_id)
        forget_engine()
        wait_changed = _while_others_write(event_id, lambda: match(second))[1]
    held, highest = memory[-1] - memory[0], max(memory) - memory[0]
    walls, cpus = (statistics.median(each) for each in ([took.wall for took in warm], [took.cpu for took in warm]))
    return Run(
        faces, cold.wall, in_second.wall, walls, cpus, wait, cold.locked_cpu, wait_changed, held, highest, found
    )


def person() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return the guest's embedding."""
    return np.asarray(unit_vectors(np.random.default_rng(77), 1)[0])


# --- the one that prepares -----------------------------------------------------------------------


def an_event(code: str = "MILLION") -> tuple[int, int]:
    event = events.create(NewEvent("Million", event_code=code))
    with transaction() as session:
        account = NewAccount(f"amy-{code}", f"amy-{code}@example.org", "")
        guest = registration.add_guest(session, account, "no hash", code, "fr", shown("fr"))
        return event.id, guest.id


def _show(face_ids: list[int]) -> None:
    """Make these faces the guest's, somewhat changed."""
    other = unit_vectors(np.random.default_rng(78), len(face_ids))
    near = person() + 0.5 * other
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    with transaction() as session:
        for face_id, row in zip(face_ids, near, strict=True):
            face = session.get_one(Face, face_id)
            cipher = writing_cipher(session, face.event_id)
            face.embedding = cipher.face(face.photo_id, row.astype(np.float32).tobytes())


def grow(event_id: int, number: int, *, encrypted: bool = False) -> list[int]:
    with transaction() as session:
        engine_id = str(getattr(session.get(Event, event_id), "active_engine_id", ""))
        photo_ids = add_photos(session, event_id, number // FACES_PER_PHOTO)
        if encrypted:
            sealed = writing_cipher(session, event_id).face
            face_ids = add_faces(session, event_id, photo_ids, engine_id, FACES_PER_PHOTO, sealed)
        else:
            face_ids = add_faces(session, event_id, photo_ids, engine_id, FACES_PER_PHOTO)
        refresh_statistics(session)
    with get_engine().connect() as connection:
        # A commit that writes all this to the disk, with the event locked, is no part of a match.
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()
    return face_ids


def run_apart(
    folder: Path, url: str, user_id: int, small_user_id: int, event_id: int, faces: int, rounds: int
) -> Run:
    command = [sys.executable, "-m", "bench.faces_million", "--here", str(folder), url]
    command += [str(each) for each in (user_id, small_user_id, event_id, faces, rounds)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def runs_on(folder: Path, database_url: str | None, sizes: tuple[int, ...], rounds: int) -> list[Run]:
    """Return a run for each size; the event grows from one to the next."""
    found = []
    with service_in_process(folder, database_url) as url:
        event_id, user_id = an_event()
        small_id, small_user_id = an_event("SMALL")
        grow(small_id, SMALL, encrypted=True)
        there = 0
        for size in sizes:
            face_ids = grow(event_id, size - there, encrypted=True)
            if there == 0:
                # None that is deleted before the last match.
                _show([each for each in face_ids if each % DELETED_ONE_IN == 2][:SHOWN_IN])
            there = size
            forget_engine()
            found.append(run_apart(folder, url, user_id, small_user_id, event_id, size, rounds))
            # Of random vectors of 128 lengths three in a million reach a cosine of 0.40 with any other.
            assert SHOWN_IN <= found[-1].found <= SHOWN_IN + size / 50_000, found[-1]
    return found


def _judged(name: str, runs: list[Run]) -> list[Result]:
    first, last = runs[0], runs[-1]
    faces = f"{last.faces:,} faces, {name}"
    growth = (last.warm / first.warm) / (last.faces / first.faces)

    def row(what: str, field: str, unit: str, bound: float | None = None) -> Result:
        scale, small = (1000, "ms") if field.startswith("warm") else (1, unit)
        return Result(f"{what}, {faces}", getattr(last, field), unit, bound, note=_course(runs, field, scale, small))

    return [
        row("selfie to matches, warm", "warm", "s", 0.1),
        row("CPU of that", "warm_cpu", "s"),
        row("longest wait of another writer of the event during the first match after a start", "wait", "s", 1),
        row("CPU of the process while it had the event locked", "locked_cpu", "s"),
        row("the same wait at the match after 1 % of the faces were deleted", "wait_changed", "s", 1),
        row("memory that they add to all processes together (PSS)", "held", "MB", 300),
        row("the same at the highest, while they are read", "highest", "MB"),
        Result(f"growth of the warm time against growth of the faces, {name}", growth, "", 1.15),
        row("the first match after a start", "cold", "s"),
        row("the first match in the second process", "second", "s"),
    ]


def _course(runs: list[Run], name: str, factor: float, unit: str) -> str:
    return "; ".join(f"{run.faces // 1000}k {getattr(run, name) * factor:.3g} {unit}" for run in runs)


def measure(quick: bool) -> Measured:
    """Measure on both databases."""
    results = list[Result]()
    times, memory = dict[str, list[tuple[float, float]]](), dict[str, list[tuple[float, float]]]()
    for name in ("SQLite", "PostgreSQL"):
        with temporary_folder() as folder, databases(folder, name == "PostgreSQL") as new_database:
            runs = runs_on(folder, new_database(), QUICK_SIZES if quick else SIZES, 3 if quick else WARM_ROUNDS)
        results += _judged(name, runs)
        times[name] = [(run.faces, run.warm * 1000) for run in runs]
        memory[name] = [(run.faces, run.held) for run in runs]
    drawings = [
        Drawing("A selfie against the faces of its event", "faces", "ms, warm", times),
        Drawing("Memory that they add to all processes", "faces", "MB", memory),
    ]
    return Measured(PART, results, drawings)


def _here(words: list[str]) -> int:
    folder, url, *numbers = words
    get_settings().storage_url = f"file://{folder}/storage"
    use_database(url)
    print(json.dumps(asdict(match_here(*(int(each) for each in numbers)))))
    return 0


if __name__ == "__main__":
    sys.exit(_here(sys.argv[2:]) if sys.argv[1:2] == ["--here"] else run_part(measure, __doc__))
