"""The one thread of a process that runs inference, at low priority, with an engine of its own."""

import logging
import os
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from faces.engine import EngineUnavailable, FaceEngine
from jobs import queue, work
from jobs.queue import Claim
from metrics import timed_job
from settings import get_settings
from storage import StorageError
from tracing import request_id

log = logging.getLogger("reperio.jobs")
NICENESS = 10


class InferenceThread:
    """Drains the queue when it is woken and every few seconds, so that what another process left is found too."""

    def __init__(
        self,
        make_engine: Callable[[], FaceEngine],
        *,
        sample: Callable[[], None],
        report: Callable[[], None],
        sweep: Callable[[], None],
    ) -> None:
        """`report` is called before each job, `sample` between jobs, `sweep` when no job waits."""
        self._make_engine = make_engine
        self._sample, self._report, self._sweep = sample, report, sweep
        self._engine: FaceEngine | None = None
        self.problem: str | None = "the face engine is still loading"
        self._claim: Claim | None = None
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
        claim = self._claim
        if claim is not None:
            log.warning("put back unfinished: %s", claim)
            try:
                queue.release(claim)
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
                if not self._stopping.is_set():
                    self._sweep()
            except EngineUnavailable as error:
                if self.problem != str(error):
                    log.error("the face engine cannot work: %s", error)
                self.problem = str(error)
            except (SQLAlchemyError, StorageError) as error:
                log.warning("no work for now: %s", error)
            self._sample()
            self._wake.wait(get_settings().job_poll_seconds)

    def _drain(self) -> None:
        if self._engine is None:
            self._engine = self._make_engine()
            self.problem = None
        while not self._stopping.is_set():
            self._claim = queue.claim_next()
            if self._claim is None:
                return
            self._report()
            with request_id(self._claim.request_id), timed_job(self._claim.kind.__tablename__):
                work.run(self._claim, self._engine)
            self._claim = None
            # Between two jobs: nobody's lease runs meanwhile.
            self._sample()
