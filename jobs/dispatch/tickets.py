"""Takes jobs by tickets that Procrastinate's worker has fetched.

The worker runs in a thread of its own, with an event loop of its own, and holds one ticket at a time. It gives the
ticket to the inference thread, which claims a job of the ticket's kind as with the embedded queue (`jobs/queue.py`),
does it, and ends the ticket with its next look. A ticket that finds nothing ends as done. While the worker cannot
work, jobs are claimed without tickets, as by the embedded queue.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from procrastinate import App, JobContext, exceptions
from psycopg import Error as DriverError
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import SQLAlchemyError

from jobs import queue
from jobs.dispatch import lost
from jobs.kinds import BY_NAME, JobRow
from jobs.queue import Claim
from settings import get_settings
from tickets.app import QUEUES, Returned, make_app

log = logging.getLogger("reperio.jobs")
# After a job, the worker ends its ticket and fetches the next one in a few milliseconds: the thread waits for that
# before it turns to its other duties.
NEXT_SECONDS = 0.1
# How often each process looks for rows without a ticket, and for tickets of workers that died.
CHECK_SECONDS = 5.0


class _Ticket:
    """A fetched ticket. The worker holds it until it is ended."""

    def __init__(self, kind: JobRow) -> None:
        self.kind = kind
        self._loop = asyncio.get_running_loop()
        self._used: asyncio.Future[bool] = self._loop.create_future()

    async def until_ended(self) -> bool:
        """Return whether it was used, once that is known."""
        return await self._used

    def end(self, *, used: bool) -> None:
        """End it as done, or return it for another worker; from any thread."""
        with suppress(RuntimeError):  # the loop has ended, and the ticket is recovered as those of dead workers are
            self._loop.call_soon_threadsafe(self._end, used)

    def _end(self, used: bool) -> None:
        if not self._used.done():
            self._used.set_result(used)


class Tickets:
    """Procrastinate's worker in a thread, and what it has fetched."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._fetched = SimpleQueue[_Ticket]()
        self._held: _Ticket | None = None
        self._next_check = 0.0
        self._is_connected = False
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="tickets", daemon=True)

    # --- in the inference thread -----------------------------------------------------------------

    def start(self) -> None:
        """Start the worker, once."""
        if self._thread.ident is None and not self._stopping.is_set():
            self._thread.start()

    def claim(self) -> Claim | None:
        """Claim a job, by the next ticket if the worker works, and return it; None if there is none.

        Raises:
            SQLAlchemyError: the database does not answer.
        """
        after_a_job = self._held is not None
        self._end_held(used=True)
        if time.monotonic() >= self._next_check:
            self._next_check = time.monotonic() + CHECK_SECONDS
            lost.defer_missing()
        while (ticket := self._next(NEXT_SECONDS if after_a_job else 0)) is not None:
            self._held = ticket
            try:
                claim = queue.claim_next(ticket.kind)
            except SQLAlchemyError:
                self._end_held(used=False)
                raise
            if claim is not None:
                return claim
            self._end_held(used=True)
            after_a_job = True
        return None if self._is_connected else queue.claim_next()

    def _next(self, seconds: float) -> _Ticket | None:
        try:
            return self._fetched.get(block=seconds > 0, timeout=seconds)
        except Empty:
            return None

    def _end_held(self, *, used: bool) -> None:
        ticket, self._held = self._held, None
        if ticket is not None:
            ticket.end(used=used)

    def stop(self, seconds: float) -> None:
        """End the ticket in hand, return the one that waits, and end the worker."""
        self._stopping.set()
        self._end_held(used=True)
        while (ticket := self._next(0)) is not None:
            ticket.end(used=False)
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(self._cancel)
        if self._thread.is_alive():
            self._thread.join(seconds)

    # --- in the worker's thread ------------------------------------------------------------------

    def _cancel(self) -> None:
        for task in asyncio.all_tasks():
            if task.get_name() == "work":
                task.cancel()

    async def _run(self) -> None:
        """Run the worker until `stop`; after a fault of the database, start it again."""
        self._loop = asyncio.get_running_loop()
        fault = ""
        while not self._stopping.is_set():
            work = asyncio.create_task(self._work(), name="work")
            try:
                await work
                fault = ""
            except asyncio.CancelledError:
                return
            except (exceptions.ConnectorException, DriverError, PoolTimeout) as error:
                reason = str(error.__cause__ or error).partition("\n")[0]
                if fault != reason:
                    fault = reason
                    log.warning("Procrastinate does not work, so jobs are looked for without it: %s", reason)
            except Exception:
                # A defect must not end the thread.
                log.exception("Procrastinate's worker failed")
            await asyncio.sleep(get_settings().job_poll_seconds)

    async def _work(self) -> None:
        settings = get_settings()
        app = make_app(settings, self._serve)
        async with app.open_async():
            recovering = asyncio.create_task(_recover(app))
            self._is_connected = True
            try:
                await app.run_worker_async(
                    queues=list(QUEUES),
                    name="reperio",
                    concurrency=1,
                    fetch_job_polling_interval=settings.job_poll_seconds,
                    # Tickets are not aborted: a job is cancelled in its row.
                    abort_job_polling_interval=3600,
                    shutdown_graceful_timeout=1,
                    delete_jobs="always",
                    install_signal_handlers=False,
                    update_heartbeat_interval=settings.job_heartbeat_seconds,
                    stalled_worker_timeout=settings.job_lease_seconds,
                )
            finally:
                self._is_connected = False
                recovering.cancel()

    async def _serve(self, context: JobContext) -> None:
        """Give a ticket to the inference thread and wait for its end.

        Raises:
            Returned: it was not used.
        """
        ticket = _Ticket(BY_NAME[context.job.queue])
        self._fetched.put(ticket)
        self._wake()
        if self._stopping.is_set():
            ticket.end(used=False)
        if not await ticket.until_ended():
            raise Returned("the process stops")


async def _recover(app: App) -> None:
    """Let the tickets be fetched again whose worker died, now and then."""
    lease = get_settings().job_lease_seconds
    while True:
        # The database may be away for a while, or another process may have been quicker.
        with suppress(exceptions.ConnectorException):
            for ticket in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=lease):
                if ticket.queue in QUEUES:
                    await app.job_manager.retry_job(ticket)
        await asyncio.sleep(CHECK_SECONDS)
