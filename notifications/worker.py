"""The thread that tells guests of new photos: one per process."""

import logging
import os
import threading
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from database import transaction
from mail.post import Post, post_for
from models import utcnow
from notifications import queries
from notifications.delivery import deliver_next
from notifications.push import Pusher, WebPusher
from notifications.scanning import Scanner
from settings import Settings

log = logging.getLogger("reperio.notifications")
NICENESS = 10
CLEANING = timedelta(minutes=10)


class NotifyThread:
    """Looks for news every `NOTIFY_POLL_SECONDS`, and sends the messages whose time has come."""

    def __init__(self, settings: Settings, post: Post | None = None, pusher: Pusher | None = None) -> None:
        self._settings = settings
        self._post = post or (post_for(settings) if settings.mail_is_on else None)
        self._pusher = pusher or WebPusher()
        self._scanner = Scanner()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="notify", daemon=True)
        self._cleaned_at: datetime | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs, perhaps to its last message after `stop`."""
        return self._thread.is_alive()

    def stop(self, timeout: float) -> None:
        """Begin no further message; wait at most `timeout` seconds for the current one, which else is sent again."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _loop(self) -> None:
        # On Linux each thread has its own priority.
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while not self._stopping.is_set():
            try:
                self._work()
            except SQLAlchemyError as error:
                log.warning("no messages for now: %s", type(error).__name__)
            except Exception:
                # A defect of ours must not end the thread. What was claimed is claimed again when its lease ends.
                log.exception("no messages for now")
            self._stopping.wait(self._settings.notify_poll_seconds)

    def _work(self) -> None:
        now = utcnow()
        if self._cleaned_at is None or now - self._cleaned_at > CLEANING:
            with transaction() as session:
                queries.delete_over(session, now)
            self._cleaned_at = now
        self._scanner.scan(now)
        try:
            while not self._stopping.is_set() and deliver_next(self._post, self._pusher, utcnow()):
                pass
        finally:
            if self._post is not None:
                self._post.close()
