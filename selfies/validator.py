"""Has selfies validated and normalised by child processes while their senders wait; when too many wait, 503."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import errors
from decoding.decoder import Decoder, DecodingProblem
from faces.engine import Embeddings, EngineUnavailable
from selfies import service
from selfies.service import SelfieFile, StoredSelfie

log = logging.getLogger("reperio.selfies")
# A validation takes about 40 ms of one core, so six in the queue keep the wait under a second on a busy machine.
MAX_WAITING = 6
# Uploads have a line of their own, which leaves request threads to other calls: there are 17.
MAX_UPLOADS_WAITING = 10


class Validator:
    """The selfies that wait for a child process, separate from the job queue."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._slots = threading.BoundedSemaphore(MAX_WAITING)
        self._upload_slots = threading.BoundedSemaphore(MAX_UPLOADS_WAITING)

    def start(self) -> None:
        """Load a detector in the background, so that the first guest does not wait for it."""
        threading.Thread(target=self._load, name="validator", daemon=True).start()

    def check(self, file: SelfieFile) -> None:
        """Validate a selfie; store nothing.

        Raises:
            TooBusy: MAX_WAITING selfies wait already, or no child process was free in time.
            NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels, ImageTooCostly, SelfieNoFace, SelfieSeveralFaces,
            SelfieFaceTooSmall, ServiceUnavailable: see `selfies.service.validate`.
        """
        # What the header shows is refused without a place in the queue.
        service.check_file(file)
        with _place(self._slots):
            service.validate(file, self._decoder)

    def embed(self, file: SelfieFile) -> Embeddings:
        """Return the embedding (dimensions,), float32, of the one face in a picture; store nothing.

        Raises:
            TooBusy, NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels, ImageTooCostly, SelfieNoFace,
            SelfieSeveralFaces, SelfieFaceTooSmall, ServiceUnavailable: see `check`.
        """
        pixels = service.check_file(file)
        with _place(self._slots), service.told_in_words():
            return self._decoder.embed_selfie(file.data, pixels, strict=True)

    def store(self, file: SelfieFile) -> StoredSelfie:
        """Normalise a selfie and put it in storage.

        Raises:
            TooBusy: MAX_UPLOADS_WAITING selfies wait already, or no child process was free in time.
            NotAnImage, ImageTooLarge, InvalidImage, TooManyPixels, ImageTooCostly, ServiceUnavailable: see
            `selfies.service.store`.
        """
        service.check_file(file)
        with _place(self._upload_slots):
            return service.store(file, self._decoder)

    def _load(self) -> None:
        try:
            self._decoder.load()
        except (DecodingProblem, EngineUnavailable) as error:
            # The next selfie tries again, and its sender is told.
            log.warning("no selfie can be validated yet: %s", error)


@contextmanager
def _place(slots: threading.BoundedSemaphore) -> Iterator[None]:
    if not slots.acquire(blocking=False):
        raise errors.TooBusy
    try:
        yield
    finally:
        slots.release()
