"""The mail thread: one per process, with at most one connection to the mail server."""

import logging
import os
import threading
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from mail import delivery
from mail.post import Post, ServerUnavailable, post_for
from models import utcnow
from settings import Settings

log = logging.getLogger("reperio.mail")
NICENESS = 10
# The process that writes a row mostly wakes its own thread; what others left is looked for more rarely than jobs.
POLLS_BETWEEN = 5
# While the server cannot be used: the first and the longest pause.
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 120.0
CLEANING = timedelta(hours=1)


class MailThread:
    """Sends all mails that are due when woken, and looks for others now and then. Does nothing if mail is off."""

    def __init__(self, settings: Settings, post: Post | None = None) -> None:
        self._settings = settings
        self._post = post or (post_for(settings) if settings.mail_is_on else None)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="mail", daemon=True)
        self._cleaned_at: datetime | None = None

    def start(self) -> None:
        """Start the thread, if mail is on; it looks for mails at once."""
        if self._post is not None:
            self._wake.set()
            self._thread.start()

    def wake(self) -> None:
        """Let the thread look for mails now."""
        self._wake.set()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs, perhaps to its last mail after `stop`."""
        return self._thread.is_alive()

    def stop(self, timeout: float) -> None:
        """Begin no further mail; wait at most `timeout` seconds for the current one, which else is sent again."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _loop(self) -> None:
        # On Linux each thread has its own priority.
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        pause = 0.0
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._drain()
            except ServerUnavailable:
                pause = min(max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
                log.error("the mail server cannot be used; the next try is in %d s (python -m mail.check)", pause)
                self._stopping.wait(pause)
                continue
            except SQLAlchemyError as error:
                log.warning("no mails for now: %s", type(error).__name__)
            except Exception as error:  # noqa: BLE001
                # A defect of ours must not end the thread. Its mail is claimed again when its lease ends.
                log.error("no mails for now: %s", type(error).__name__)
            pause = 0.0
            self._wake.wait(self._settings.job_poll_seconds * POLLS_BETWEEN)

    def _drain(self) -> None:
        """Send mails until none is due or the thread must stop; then close the connection."""
        assert self._post is not None  # noqa: S101 - `start` has checked it
        if self._cleaned_at is None or utcnow() - self._cleaned_at > CLEANING:
            delivery.delete_old(utcnow())
            self._cleaned_at = utcnow()
        try:
            while not self._stopping.is_set() and delivery.deliver_next(self._post, utcnow()):
                pass
        finally:
            self._post.close()
