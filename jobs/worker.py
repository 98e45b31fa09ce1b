"""The one thread of a process that runs inference, at low priority, with an engine of its own."""

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

import job_queue
import jobs
from database import pool_state
from events.service import code_cache
from faces.engine import EngineUnavailable, FaceEngine
from job_queue import Claim
from metrics import report, timed_job
from operations.samples import Sampler
from settings import get_settings
from storage import StorageError
from tracing import request_id

log = logging.getLogger("reperio.jobs")
NICENESS = 10


class InferenceThread:
    """Drains the queue when it is woken and every few seconds, so that what another process left is found too."""

    def __init__(self, make_engine: Callable[[], FaceEngine]) -> None:
        self._make_engine = make_engine
        self._engine: FaceEngine | None = None
        self.problem: str | None = "the face engine is still loading"
        self._held: Claim | None = None
        self._next_sweep = 0.0
        self._sampler = Sampler()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="inference", daemon=True)

    def start(self) -> None:
        """Begin to work; what was left from before is taken up at once."""
        self._wake.set()
        self._thread.start()

    def wake(self) -> None:
        """Tell the thread that something waits."""
        self._wake.set()

    def stop(self, timeout: float) -> None:
        """Claim nothing more; wait at most `timeout` seconds for the job in hand, then put it back."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout)
        held = self._held
        if held is not None:
            log.warning("put back unfinished: %s", held)
            try:
                job_queue.release(held)
            except SQLAlchemyError as error:
                log.warning("its lease must run out instead: %s", error)

    def _loop(self) -> None:
        # On Linux a thread has its own priority; requests go first on a busy core.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._report()
                self._drain()
                self._sweep()
            except EngineUnavailable as error:
                if self.problem != str(error):
                    log.error("the face engine cannot work: %s", error)
                self.problem = str(error)
            except (SQLAlchemyError, StorageError) as error:
                log.warning("no work for now: %s", error)
            self._sampler.tick()
            self._wake.wait(get_settings().job_poll_seconds)

    @staticmethod
    def _report() -> None:
        """Leave this process's pool and cache where a scrape of any process finds them."""
        info = code_cache().info()
        report(pool_state(), info.hits, info.misses, info.entries)

    def _drain(self) -> None:
        if self._engine is None:
            self._engine = self._make_engine()
            self.problem = None
        while not self._stopping.is_set():
            self._held = job_queue.claim()
            if self._held is None:
                return
            self._report()
            with request_id(self._held.request_id), timed_job(self._held.kind.__tablename__):
                jobs.run(self._held, self._engine)
            self._held = None
            # Between two jobs: nobody's lease runs meanwhile.
            self._sampler.tick()

    def _sweep(self) -> None:
        """Now and then, when nothing waits, erase the files that no row knows."""
        settings = get_settings()
        if time.monotonic() < self._next_sweep or self._stopping.is_set():
            return
        self._next_sweep = time.monotonic() + settings.orphan_sweep_seconds
        jobs.sweep_orphans(timedelta(seconds=settings.orphan_grace_seconds))
