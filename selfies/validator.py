"""Selfies judged while their sender waits: one at a time, a few in line, the others told at once to come back."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import errors
from faces.engine import EngineUnavailable, FaceEngine
from selfies import service
from selfies.service import SelfieFile

# A judgement takes some 40 ms of one core; six in line keep the wait under a second on a busy machine.
MAX_WAITING = 6


class Validator:
    """A thread with a detector of its own, apart from the queue of photos."""

    def __init__(self, make_engine: Callable[[], FaceEngine]) -> None:
        self._make_engine = make_engine
        self._engine: FaceEngine | None = None
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="validator")

    def check(self, file: SelfieFile) -> None:
        """Judge a selfie; keep nothing.

        Raises:
            TooBusy: too many wait already. ServiceUnavailable: the face engine cannot work.
            NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels, SelfieNoFace, SelfieSeveralFaces,
            SelfieFaceTooSmall: why it is refused.
        """
        # What its header gives away needs no place in the line.
        service.check_file(file)
        if not self._places.acquire(blocking=False):
            raise errors.TooBusy
        try:
            self._pool.submit(self._judge, file).result()
        except EngineUnavailable as error:
            raise errors.ServiceUnavailable from error
        finally:
            self._places.release()

    def close(self) -> None:
        """Let the thread end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _judge(self, file: SelfieFile) -> None:
        if self._engine is None:
            self._engine = self._make_engine()
        service.validate(file, self._engine)
