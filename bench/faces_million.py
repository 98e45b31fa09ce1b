"""One selfie against up to a million faces of one event, through the service's own matching, on both databases.

Each size is measured in a process of its own: cold (its faces are read from the database) and warm, and how much
memory the process took at its highest beyond what it had before.
"""

import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from accounts.service import NewAccount
from bench.processes import memory_mb
from bench.report import Drawing, Measured, Result, run_part
from database import forget_engine, transaction
from events import service as events
from events.service import NewEvent
from guests import registration
from guests.wordings import shown
from matching import queries, service
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
SHOWN_IN = 40
WARM_ROUNDS = 9
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of a selfie's matching, cold and warm, and the process's memory beyond its start, in MB."""

    faces: int
    cold: float
    warm: float
    highest: float
    held: float
    found: int


# --- the process that is measured ----------------------------------------------------------------


def _selfie(user_id: int) -> int:
    with transaction() as session:
        key = f"selfies/{uuid.uuid4().hex}.jpg"
        selfie = Selfie(user_id=user_id, storage_key=key, status=PROCESSING, attempts=1)
        session.add(selfie)
        session.flush()
        return selfie.id


def _held(_: object) -> bool:
    return True


def match_here(user_id: int, event_id: int, faces: int, rounds: int) -> Run:
    """Accept several new selfies of the guest, one after another; each is matched with all faces of the event."""
    embedding = person()
    # Before anything is counted: modules, connection, and the libraries' own threads.
    np.ones((64, 64), np.float32) @ np.ones(64, np.float32)
    first = _selfie(user_id)
    with transaction() as session:
        engine_id = str(getattr(session.get(Event, event_id), "active_engine_id", ""))
    Path("/proc/self/clear_refs").write_text("5")
    before, times, found = memory_mb(os.getpid()), list[float](), 0
    for number in range(rounds + 1):
        selfie_id = first if number == 0 else _selfie(user_id)
        began = time.perf_counter()
        service.accept_selfie(selfie_id, engine_id, embedding, _held)
        times.append(time.perf_counter() - began)
        with transaction() as session:
            found = len(queries.matches_of(session, user_id, event_id))
    highest, held = memory_mb(os.getpid(), "VmHWM") - before, memory_mb(os.getpid()) - before
    return Run(faces, times[0], statistics.median(times[1:]), highest, held, found)


def person() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return the guest's embedding."""
    return np.asarray(unit_vectors(np.random.default_rng(77), 1)[0])


# --- the one that prepares -----------------------------------------------------------------------


def an_event() -> tuple[int, int]:
    event = events.create(NewEvent("Million", event_code="MILLION"))
    with transaction() as session:
        account = NewAccount("amy", "amy@example.org", "")
        guest = registration.add_guest(session, account, "no hash", "MILLION", "fr", shown("fr"))
        return event.id, guest.id


def _show(face_ids: list[int]) -> None:
    """Make these faces the guest's, somewhat changed."""
    other = unit_vectors(np.random.default_rng(78), len(face_ids))
    near = person() + 0.5 * other
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    with transaction() as session:
        for face_id, row in zip(face_ids, near, strict=True):
            face = session.get(Face, face_id)
            assert face is not None
            face.embedding = row.astype(np.float32).tobytes()


def grow(event_id: int, number: int) -> list[int]:
    with transaction() as session:
        engine_id = str(getattr(session.get(Event, event_id), "active_engine_id", ""))
        photo_ids = add_photos(session, event_id, number // FACES_PER_PHOTO)
        face_ids = add_faces(session, event_id, photo_ids, engine_id, FACES_PER_PHOTO)
        refresh_statistics(session)
    return face_ids


def run_apart(folder: Path, url: str, user_id: int, event_id: int, faces: int, rounds: int) -> Run:
    command = [sys.executable, "-m", "bench.faces_million", "--here", str(folder), url]
    command += [str(each) for each in (user_id, event_id, faces, rounds)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def runs_on(folder: Path, database_url: str | None, sizes: tuple[int, ...], rounds: int) -> list[Run]:
    """Return a run for each size; the event grows from one to the next."""
    found = []
    with service_in_process(folder, database_url) as url:
        event_id, user_id = an_event()
        there = 0
        for size in sizes:
            face_ids = grow(event_id, size - there)
            if there == 0:
                _show(face_ids[:: len(face_ids) // SHOWN_IN][:SHOWN_IN])
            there = size
            forget_engine()
            found.append(run_apart(folder, url, user_id, event_id, size, rounds))
            # Of random vectors of 128 lengths three in a million reach a cosine of 0.40 with any other.
            assert SHOWN_IN <= found[-1].found <= SHOWN_IN + size / 50_000, found[-1]
    return found


def _judged(name: str, runs: list[Run]) -> list[Result]:
    first, last, workers = runs[0], runs[-1], get_settings().gunicorn_workers
    faces = f"{last.faces:,} faces, {name}"
    growth = (last.warm / first.warm) / (last.faces / first.faces)
    return [
        Result(
            f"selfie to matches against {faces}, warm", last.warm, "s", 0.5, note=_course(runs, "warm", 1000, "ms")
        ),
        Result(
            f"memory one process takes at its highest, {faces}",
            last.highest,
            "MB",
            1000,
            note=_course(runs, "highest", 1, "MB"),
        ),
        Result(
            f"the same in all workers ({workers}), where each has matched there: computed, {faces}",
            workers * last.highest,
            "MB",
            1000,
            limit="Each worker holds a copy of its own.",
        ),
        Result(f"growth of the warm time against growth of the faces, {name}", growth, "", 1.15),
        Result(f"the first match after a start, {faces}", last.cold, "s", note=_course(runs, "cold", 1, "s")),
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
        memory[name] = [(run.faces, run.highest) for run in runs]
    drawings = [
        Drawing("A selfie against the faces of its event", "faces", "ms, warm", times),
        Drawing("Memory a process takes for them", "faces", "MB, at its highest", memory),
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
