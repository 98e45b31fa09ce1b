"""Compares the engines of jobs on PostgreSQL: `python -m bench.job_engines`.

Each turn has a new database, and worker processes with the fake face engine, so that the dispatch shows: the time
from the commit of a selfie's row to its claim, sent by the worker's own process or by another one; photos a second
with one and two processes; and per photo the processor time of workers, sender and PostgreSQL, and what PostgreSQL
wrote. With `--real N`, N photos of 12 megapixels go through a server with the real face engine instead.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event as sql_events
from sqlalchemy.engine import make_url

from accounts.service import NewAccount
from bench.ingest import twelve_megapixel_photo
from bench.responsive import cpu_seconds, drain, make_scene, quantile
from database import get_engine, reading, transaction
from decoding.decoder import InThisProcess
from events import service as events
from events.service import NewEvent
from faces.fake import FakeEngine
from guests import registration
from guests.wordings import shown
from jobs import inference, queue
from jobs.inference import InferenceThread
from jobs.kinds import JobRow
from jobs.state import backlog
from migrations.upgrade import upgrade
from models import Event, Photo, User, utcnow
from photos import receiving
from selfies import service as selfies
from selfies.service import SelfieFile
from settings import get_settings
from testkit.builders import people
from testkit.in_process import use_database
from testkit.postgres import PostgresServer
from testkit.servers import ROOT, temporary_folder, wait_until

ENGINES = ("embedded", "procrastinate")
SELFIES, PHOTOS, ROUNDS = 25, 300, 3
IDLE_SECONDS = 10.0
DONE_SECONDS = 60.0


# --- a worker, in a process of its own -------------------------------------------------------------------------


def work(settings: dict[str, Any]) -> None:
    """Run jobs; answer the commands on standard input, a line of JSON each, until it ends."""
    _use(settings)
    # The thread's own priority would be below all others on a busy machine.
    inference.NICENESS = os.getpriority(os.PRIO_PROCESS, 0)
    claimed: dict[str, float] = {}
    real = queue.claim_next

    def claim_next(kind: JobRow | None = None) -> queue.Claim | None:
        found = real(kind)
        if found is not None:
            claimed[f"{found.kind.__tablename__} {found.id}"] = time.time()
        return found

    queue.claim_next = claim_next  # noted here, and called by both engines
    thread = InferenceThread(InThisProcess(FakeEngine), sample=lambda: None, report=lambda: None, sweep=lambda: None)
    thread.start()
    wait_until(lambda: thread.problem is None, DONE_SECONDS, "the engine")
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        if command == "claimed":
            print(json.dumps(claimed), flush=True)
        elif command == "cpu":
            print(json.dumps(time.process_time()), flush=True)
        else:
            print(json.dumps(send_selfies(command, thread.wake)), flush=True)
    thread.stop(10)


class Worker:
    """A worker process."""

    def __init__(self, settings: dict[str, Any]) -> None:
        command = [sys.executable, "-m", "bench.job_engines", "--worker", json.dumps(settings)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def ask(self, command: Any) -> Any:
        """Send a command and return the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        """End it and wait for its end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def _use(settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        setattr(get_settings(), name, value)
    use_database(settings["database_url"])


# --- sending ---------------------------------------------------------------------------------------------------


def _guest(event: Event, name: str) -> User:
    with transaction() as session:
        account = NewAccount(name, f"{name}@example.org", "")
        return registration.add_guest(session, account, "no hash", event.event_code, "fr", shown("fr"))


def send_selfies(numbers: dict[str, Any], wake: Any = lambda: None) -> dict[str, float]:
    """Send selfies one by one, at irregular times; return when each was committed, by its id."""
    decoder = InThisProcess(FakeEngine)
    event = events.create(NewEvent("Latency"))
    guests = [_guest(event, f"{numbers['name']}-{number}") for number in range(numbers["selfies"])]
    dice, sent, committed = random.Random(7), dict[str, float](), threading.local()
    sql_events.listen(get_engine(), "commit", lambda _: setattr(committed, "at", time.time()))
    for number, guest in enumerate(guests):
        time.sleep(dice.uniform(0.3, 1.3))
        file = SelfieFile(people(number + 1), "image/jpeg")
        found = selfies.receive(guest, file, lambda each: selfies.store(each, decoder), strict=True)
        sent[str(found.id)] = committed.at
        wake()
    return sent


def send_photos(number: int) -> None:
    """Store photos of two events in turn."""
    made = [events.create(NewEvent(name)) for name in ("One", "Two")]
    base = people(1)
    for each in range(number):
        receiving.receive(made[each % 2], None, f"{each}.jpg", base + each.to_bytes(4, "big"))


# --- PostgreSQL ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """What the server has done so far: transactions, row versions, bytes of its log, seconds of processor time."""

    transactions: float
    rows: float
    log: float
    seconds: float

    def since(self, before: "Written", per: float) -> "Written":
        """Return the difference, per job."""
        pairs = ((getattr(self, name) - getattr(before, name)) / per for name in self.__slots__)
        return Written(*pairs)


def written(url: str, folder: Path) -> Written:
    """Return what the server has done, once its processes have said so: they do every second."""
    time.sleep(1.5)
    postmaster = int((folder / "postmaster.pid").read_text().splitlines()[0])
    tasks = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    ended = Path(f"/proc/{postmaster}/stat").read_text().rsplit(")", 1)[1].split()[13:15]
    seconds = cpu_seconds([postmaster, *map(int, tasks)]) + sum(map(int, ended)) / 100
    name = make_url(url).database
    with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(False)) as connection:
        row = connection.execute(
            "SELECT xact_commit, tup_inserted + tup_updated + tup_deleted, pg_current_wal_lsn() - '0/0'::pg_lsn "
            "FROM pg_stat_database WHERE datname = %s",
            (name,),
        ).fetchone()
    assert row is not None
    return Written(float(row[0]), float(row[1]), float(row[2]), seconds)


# --- turns -----------------------------------------------------------------------------------------------------


@contextmanager
def workers(number: int, settings: dict[str, Any]) -> Iterator[list[Worker]]:
    """Run worker processes."""
    with ExitStack() as stack:
        made = []
        for _ in range(number):
            made.append(Worker(settings))
            stack.callback(made[-1].stop)
        yield made


def _drained() -> None:
    """Wait until no job is left; looks seldom, as its looks count as the server's work."""
    while backlog()[0]:
        time.sleep(1)


def latencies(settings: dict[str, Any], asked: int) -> dict[str, list[float]]:
    """Return the seconds from commit to claim of selfies that the worker's process and another one sent."""
    found = {}
    with workers(1, settings) as (worker,):
        for name, send in (("own", worker.ask), ("other", send_selfies)):
            sent = send({"name": name, "selfies": asked})
            _drained()
            claimed = worker.ask("claimed")
            found[name] = [claimed[f"selfies {each}"] - when for each, when in sent.items()]
    return found


def throughput(settings: dict[str, Any], folder: Path, processes: int, asked: int) -> dict[str, float]:
    """Return photos a second and, per photo, what it took."""
    url = settings["database_url"]
    start = written(url, folder)
    began = time.process_time()
    send_photos(asked)
    sender = (time.process_time() - began) / asked
    stored = written(url, folder)
    with workers(processes, settings) as made:
        cpu = [worker.ask("cpu") for worker in made]
        at, left = utcnow(), backlog()[0]
        _drained()
        used = sum(worker.ask("cpu") for worker in made) - sum(cpu)
    done = written(url, folder)
    with reading() as session:
        taken = (max(row.finished_at for row in session.query(Photo.finished_at)) - at).total_seconds()
    total = done.since(start, asked)
    return {
        "photos a second": left / taken,
        "worker ms": used / left * 1000,
        "sender ms": sender * 1000,
        "PostgreSQL ms": total.seconds * 1000,
        "transactions": total.transactions,
        "rows written": total.rows,
        "log kB": total.log / 1000,
        "of which while stored, ms": stored.since(start, asked).seconds * 1000,
    }


def idle(settings: dict[str, Any], folder: Path) -> dict[str, float]:
    """Return what an idle worker takes each second."""
    with workers(1, settings) as (worker,):
        time.sleep(2)
        start, cpu, at = written(settings["database_url"], folder), worker.ask("cpu"), time.monotonic()
        time.sleep(IDLE_SECONDS)
        seconds = time.monotonic() - at
        used = worker.ask("cpu") - cpu
        total = written(settings["database_url"], folder).since(start, seconds)
    return {
        "idle worker ms/s": used / seconds * 1000,
        "idle PostgreSQL ms/s": total.seconds * 1000,
        "idle transactions/s": total.transactions,
    }


def real(engine: str, url: str, folder: Path, photos: int) -> dict[str, float]:
    """Return photos of 12 megapixels a second, and processor time per photo, of a server with the real engine."""
    folder.mkdir()
    scene = make_scene(folder, database_url=url, JOB_ENGINE=engine)
    try:
        photo = twelve_megapixel_photo()
        scene.upload(photo, 6)
        drain(scene)
        pids = scene.launcher.processes()
        cpu, at = cpu_seconds(pids), time.monotonic()
        scene.upload(photo, photos)
        # Asked of the database: looks at the server would count as its work.
        while backlog()[0]:
            time.sleep(0.2)
        seconds = time.monotonic() - at
        return {"photos a second": photos / seconds, "ms per photo": (cpu_seconds(pids) - cpu) / photos * 1000}
    finally:
        scene.launcher.stop()


def turn(engine: str, server: PostgresServer, folder: Path, pg: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one engine on databases of their own."""

    def fresh(name: str) -> dict[str, Any]:
        settings = {
            "database_url": server.new_database(),
            "storage_url": f"file://{folder}/{engine}-{name}",
            "face_recognizer_provider": "fake",
            "job_engine": engine,
        }
        _use(settings)
        upgrade()
        return settings

    found: dict[str, Any] = {}
    if asked.real:
        return real(engine, fresh("real")["database_url"], folder / f"{engine}-server", asked.real)
    for name, seconds in latencies(fresh("latency"), asked.selfies).items():
        found[f"{name} process p50 ms"] = statistics.median(seconds) * 1000
        found[f"{name} process p95 ms"] = quantile(seconds, 0.95)
    for processes in (1, 2):
        row = throughput(fresh(f"photos-{processes}"), pg, processes, asked.photos)
        found.update({f"{processes}: {name}": value for name, value in row.items()})
    found.update(idle(fresh("idle"), pg))
    return found


def main() -> None:
    """Print the figures of both engines, medians of the rounds."""
    parser = argparse.ArgumentParser(prog="python -m bench.job_engines", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--selfies", type=int, default=SELFIES)
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--real", type=int, default=0, help="so many photos of 12 megapixels, and nothing else")
    parser.add_argument("--priority", type=int, default=0, help="above others on a busy machine, as root: -10")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        work(json.loads(asked.worker))
        return
    # PostgreSQL and the workers inherit it.
    os.nice(asked.priority)
    rows: dict[str, list[dict[str, Any]]] = {engine: [] for engine in ENGINES}
    with temporary_folder() as folder:
        folder.chmod(0o711)
        server = PostgresServer(folder / "pg")
        server.start()
        try:
            for number in range(asked.rounds):
                for engine in ENGINES:
                    place = folder / str(number)
                    place.mkdir(exist_ok=True)
                    rows[engine].append(turn(engine, server, place, folder / "pg", asked))
                    print(engine, rows[engine][-1], file=sys.stderr, flush=True)
        finally:
            server.stop()
    print(f"{'':34}" + "".join(f"{engine:>16}" for engine in ENGINES))
    for name in rows[ENGINES[0]][0]:
        middle = [statistics.median(row[name] for row in rows[engine]) for engine in ENGINES]
        print(f"{name:34}" + "".join(f"{value:16.2f}" for value in middle))


if __name__ == "__main__":
    main()
