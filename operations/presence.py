"""Which processes run on this installation, on all machines: each writes a row every ten seconds.

Machines learn from it whether workers run, and a process whose face engine differs from that of processes which
started before it leaves the jobs to those: two engines would change the events back and forth.
"""

import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from database import compare_clocks, get_engine, reading, transaction
from faces.providers import engine_id_of
from jobs import pairing
from models import RunningProcess, utcnow
from operations import queries
from settings import Settings, get_settings, version

log = logging.getLogger("reperio.jobs")
BEAT_SECONDS, LOOK_SECONDS = 10.0, 0.5
# A process that has not written for so long is taken for gone: three rows are missing, and one may be late.
LIVE = timedelta(seconds=35)
# Rows of processes that were killed are deleted after this.
KEPT = timedelta(hours=1)


def machine_name(settings: Settings) -> str:
    """Return the name of this server among those of the installation: the host's, and the port."""
    return f"{socket.gethostname()[:240]}:{settings.port}"


class Presence:
    """Writes the row of this process, from a thread, and knows whether its face engine is the one in use.

    With SQLite and `ROLE=all` there is no other machine, and nothing is written.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine_id = engine_id_of(settings.face_recognizer_provider)
        self._id = str(uuid.uuid4())
        self._started_at = None if settings.role == "all" and settings.database_url.startswith("sqlite") else utcnow()
        self._conflict: str | None = None
        # The thread of the jobs asks before the other one has looked: only one of them makes the row.
        self._beating = threading.Lock()
        # None: not looked at yet; "": it is the installation's.
        self._storage_problem: str | None = None
        self._has_looked = self._started_at is None
        # Why this process runs no job, or None: as its inference thread says.
        self.problem_here: Callable[[], str | None] = lambda: None
        self._told: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="presence", daemon=True)

    def start(self) -> None:
        """Start the thread, where there may be other machines."""
        if self._started_at is not None:
            self._thread.start()

    def stop(self, timeout: float) -> None:
        """End the thread within `timeout` seconds, and delete the row of this process."""
        self._stopping.set()
        if not self._thread.is_alive():
            return
        self._thread.join(timeout)
        try:
            with transaction() as session:
                queries.delete_process(session, self._id)
        except SQLAlchemyError as error:
            log.warning("the row of this process stays for a while: %s", type(error).__name__)

    def conflict(self) -> str | None:
        """Return why this process leaves the jobs to others, or None; as of the last row, at most ten seconds ago.

        Raises:
            SQLAlchemyError: no row has been written yet, and the database does not answer.
            StorageError: the storage has not been compared yet, and does not answer.
        """
        with self._beating:
            if not self._has_looked:
                self._beat()
        if self._storage_problem is None:
            self._look_at_storage()
        return self._conflict or self._storage_problem or None

    def _look_at_storage(self) -> None:
        """Compare the storage's id with the database's, until they are found to belong together.

        With another storage, each job would fail for good: the files of the rows are not there.
        """
        self._storage_problem = pairing.foreign_storage(self._settings.role) or ""

    def beat(self) -> None:
        """Write the row, and look at those of the others; do nothing where there is no other machine.

        Raises:
            SQLAlchemyError: the database does not answer.
        """
        with self._beating:
            self._beat()

    def _beat(self) -> None:
        if self._started_at is None:
            return
        compare_clocks(get_engine())
        if not self._has_looked:
            # By the clock that all machines share.
            self._started_at = utcnow()
        now, problem = utcnow(), self.problem_here()
        row = RunningProcess(
            id=self._id,
            machine=machine_name(self._settings),
            role=self._settings.role,
            engine_id=self._engine_id,
            version=version(),
            problem=problem,
            started_at=self._started_at,
            seen_at=now,
        )
        with transaction() as session:
            session.merge(row)
            queries.delete_processes_before(session, now - KEPT)
        with reading() as session:
            others = queries.live_processes(session, now - LIVE)
        self._told = problem
        self._note(others)
        self._has_looked = True
        if self._storage_problem:
            # Looked at again before the next job.
            self._storage_problem = None

    def _note(self, live: list[RunningProcess]) -> None:
        older = [
            each
            for each in live
            if each.role != "web"
            and each.engine_id != self._engine_id
            and (each.started_at, each.id) < (self._started_at, self._id)
        ]
        found = None
        if older and self._settings.runs_jobs:
            first = older[0]
            found = (
                f"FACE_RECOGNIZER_PROVIDER is {self._settings.face_recognizer_provider} here, and {first.machine}, "
                f"which started before, uses {first.engine_id}: this process runs no job until that one has ended"
            )
        if found is None and self._conflict is not None:
            log.warning("no other face engine is in use any more: this process runs jobs")
        self._conflict = found

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                self.beat()
            except SQLAlchemyError as error:
                log.warning("this process cannot say that it runs: %s", type(error).__name__)
                # Not again before the usual time.
                self._told = self.problem_here()
            next_beat = time.monotonic() + BEAT_SECONDS
            # At once when jobs begin to run, or to wait.
            while self.problem_here() == self._told and time.monotonic() < next_beat:
                if self._stopping.wait(LOOK_SECONDS):
                    return
            self._stopping.wait(LOOK_SECONDS)


def live() -> list[RunningProcess]:
    """Return the processes that run on this installation, the one that started first at the beginning.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    with reading() as session:
        return queries.live_processes(session, utcnow() - LIVE)


def problem_of_workers() -> str | None:
    """Return why jobs of this machine wait, or None if a process runs that takes them: for `ROLE=web`.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    workers = [each for each in live() if each.role != "web"]
    if not workers:
        return "no worker machine runs (python -m jobs.worker): jobs wait"
    ours = engine_id_of(get_settings().face_recognizer_provider)
    if workers[0].engine_id != ours:
        return f"the workers use {workers[0].engine_id}, and FACE_RECOGNIZER_PROVIDER here means {ours}"
    if all(each.problem is not None for each in workers):
        return f"{workers[0].machine}: {workers[0].problem}"
    return None
