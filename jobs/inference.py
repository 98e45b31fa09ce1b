"""The inference thread: one per process, at low priority, with a child process that decodes and finds faces."""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from decoding.decoder import Closed, Decoder, DecodingProblem
from encryption import keys
from encryption.master import KeysUnavailable
from faces.engine import EngineUnavailable, RecogniserAway
from jobs import queue, work
from jobs.dispatch.sources import make_source
from jobs.queue import Claim
from metrics import timed_job
from settings import get_settings
from storage import StorageError
from tracing import request_id

log = logging.getLogger("reperio.jobs")
# With both cores busy, the API's p95 was 1.6 ms at nice 10 and 5.6 ms at nice 0.
NICENESS = 10
# Seconds between two checks for events that must change to the engine in use.
CHANGE_SECONDS = 10.0
# After the time for the job in hand: to give back what is not begun.
SOURCE_STOP_SECONDS = 2.0


class NotThisProcess(RecogniserAway):
    """Jobs are left to other processes: those use another face engine, or this one has another storage."""


def _none() -> None:
    return None


class InferenceThread:
    """Runs all claimable jobs when woken, and every `JOB_POLL_SECONDS` for jobs that another process left."""

    def __init__(
        self,
        decoder: Decoder,
        *,
        sample: Callable[[], None],
        report: Callable[[], None],
        sweep: Callable[[], None],
        between: Callable[[], None] = lambda: None,
        others: Callable[[], str | None] = _none,
    ) -> None:
        """`report` is called before each job, `sample` and `between` after each job, `sweep` when no job is left.

        `others` says before each job why this process leaves the jobs to others, or None.
        """
        self._others = others
        self._decoder = decoder
        self._sample, self._report, self._sweep, self._between = sample, report, sweep, between
        self._loaded = False
        self.problem: str | None = "the face engine is still loading"
        # Whether `problem` is only that a recogniser over the network cannot be used: this process serves, jobs wait.
        self.waits = False
        self._claim: Claim | None = None
        self._next_change = 0.0
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._source = make_source(self.wake)
        self._thread = threading.Thread(target=self._loop, name="inference", daemon=True)

    def start(self) -> None:
        """Start the thread; it looks for jobs at once."""
        self._wake.set()
        self._thread.start()

    def wake(self) -> None:
        """Let the thread look for jobs now."""
        self._wake.set()

    def stop(self, timeout: float) -> None:
        """Claim no further job; wait at most `timeout` seconds for the current one, then release it."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout)
        claim = self._claim
        if claim is not None:
            log.warning("released unfinished: %s", claim)
            try:
                queue.release(claim)
            except SQLAlchemyError as error:
                log.warning("not released, another process continues when the lease ends: %s", error)
        self._source.stop(SOURCE_STOP_SECONDS)

    def _loop(self) -> None:
        # On Linux each thread has its own priority: on a busy core, requests go first.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._report()
                self._drain_with_keys()
                if not self._stopping.is_set():
                    self._sweep()
            except EngineUnavailable as error:
                self._note(error)
            except KeysUnavailable as error:
                keys.note(error)
            except Closed:
                log.info("the decoding process has been ended")
            except DecodingProblem as error:
                self.problem, self.waits = f"the face engine did not load: {error}", False
                log.error(self.problem)
            except (SQLAlchemyError, StorageError) as error:
                log.warning("no jobs for now: %s", error)
            self._sample()
            self._between()
            self._wake.wait(get_settings().job_poll_seconds)

    def _drain_with_keys(self) -> None:
        """Claim and run jobs; without keys they wait, and what is to be erased is erased nevertheless."""
        try:
            keys.check()
            self._drain()
        except KeysUnavailable as error:
            keys.note(error)
            self.problem, self.waits, self._loaded = f"keys are not available: {error}", True, False

    def _note(self, error: EngineUnavailable) -> None:
        self.waits = isinstance(error, RecogniserAway)
        if self.problem != str(error):
            what = "no job runs here" if isinstance(error, NotThisProcess) else "the face engine is not available"
            log.error("%s: %s", what, error)
        self.problem = str(error)
        self._loaded = False

    def _drain(self) -> None:
        """Claim and run jobs until none is claimable or the thread must stop.

        While a recogniser over the network is away, each job is tried once, up to the step that needs it: photos get
        their renditions, and selfies that this machine refuses are rejected.
        """
        self._check_others()
        if not self._loaded:
            self._decoder.load()
            try:
                work.check_recogniser()
            except RecogniserAway as away:
                self._note(away)
                self._run_all(queue.claim_untried, RecogniserAway)
                raise
            self._loaded, self.problem, self.waits = True, None, False
        self._source.start()
        self._run_all(self._claim_next)

    def _check_others(self) -> None:
        problem = self._others()
        if problem is not None:
            raise NotThisProcess(problem)

    def _claim_next(self) -> Claim | None:
        self._check_others()
        self._change_engines()
        return self._source.claim()

    def _run_all(self, claim: Callable[[], Claim | None], *passing: type[Exception]) -> None:
        """Run the jobs that `claim` returns; after an error of the kind `passing`, go on with the next one."""
        while not self._stopping.is_set():
            self._claim = claim()
            if self._claim is None:
                return
            self._report()
            with (
                suppress(*passing),
                request_id(self._claim.request_id),
                timed_job(self._claim.kind.__tablename__),
            ):
                work.run(self._claim, self._decoder, self._stopping.is_set)
            self._claim = None
            # Here no lease runs that a slow sample could exceed.
            self._sample()
            self._between()

    def _change_engines(self) -> None:
        """Plan and complete the change of events to the engine in use, at the start and then every ten seconds.

        Also plan the searches of photos that are due.
        """
        if time.monotonic() >= self._next_change:
            self._next_change = time.monotonic() + CHANGE_SECONDS
            work.change_engines()
            work.plan_searches()
