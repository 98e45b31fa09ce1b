"""Validates selfies while the caller waits: one at a time, a few in a queue, the rest answered 503 at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import errors
from faces.engine import EngineUnavailable, FaceEngine
from selfies import service
from selfies.service import SelfieFile

# A validation takes about 40 ms of one core, so six in the queue keep the wait under a second on a busy machine.
MAX_WAITING = 6


class Validator:
    """A thread with a detector of its own, separate from the job queue."""

    def __init__(self, make_engine: Callable[[], FaceEngine]) -> None:
        self._make_engine = make_engine
        self._engine: FaceEngine | None = None
        self._slots = threading.BoundedSemaphore(MAX_WAITING)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="validator")

    def check(self, file: SelfieFile) -> None:
        """Validate a selfie; store nothing.

        Raises:
            TooBusy: MAX_WAITING selfies wait already.
            ServiceUnavailable: the face engine cannot be loaded.
            NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels, SelfieNoFace, SelfieSeveralFaces,
            SelfieFaceTooSmall: see `selfies.service.validate`.
        """
        # What the header shows is refused without a place in the queue.
        service.check_file(file)
        if not self._slots.acquire(blocking=False):
            raise errors.TooBusy
        try:
            self._pool.submit(self._validate, file).result()
        except EngineUnavailable as error:
            raise errors.ServiceUnavailable from error
        finally:
            self._slots.release()

    def close(self) -> None:
        """Cancel what waits and let the thread end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _validate(self, file: SelfieFile) -> None:
        if self._engine is None:
            self._engine = self._make_engine()
        service.validate(file, self._engine)
