"""Drops from the memory of a process what has been erased, also by another process, and checked selfies: in time."""

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from database import reading
from encryption import keys
from encryption import queries as key_queries
from matching import matrices, shared
from metrics import FACES_MEMORY
from selfies.checked import checked_selfies

log = logging.getLogger("reperio.keys")
# Within five seconds of an erasure nothing of it is held any more.
SECONDS = 2.0


class ForgettingThread:
    """Looks every two seconds for erasures and what is too old, while anything is held; tells the faces' memory."""

    def __init__(self) -> None:
        self._mark: int | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="forgetting", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End the thread; wait at most `timeout` seconds."""
        self._stopping.set()
        self._thread.join(timeout)

    def _loop(self) -> None:
        while not self._stopping.wait(SECONDS):
            try:
                self.look()
            except SQLAlchemyError as error:
                log.warning("erased templates are dropped from memory later: %s", str(error).splitlines()[0])

    def look(self) -> None:
        """Drop what has been erased since the last look, and checked selfies that nobody has sent again.

        Raises:
            SQLAlchemyError: the database does not answer.
        """
        checked_selfies.drop_old()
        if not keys.held() and not matrices.held() and not shared.memory().taken():
            FACES_MEMORY.set(0)
            return
        with reading() as session:
            mark = key_queries.mark(session)
            matrices.drop_erased(session)
        FACES_MEMORY.set(shared.memory().taken())
        if mark != self._mark:
            keys.forget()
            self._mark = mark
