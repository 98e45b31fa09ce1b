"""A folder's photos on their way: checksums first, then three at a time, each again until it has arrived."""

import queue
import random
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from uploader.client import Away, Broken, Client, Dropped, Refused
from uploader.files import Found, checksum, problem
from uploader.multipart import Unreadable

AT_ONCE = 3
MOST_ASKED = 64
TRIES = 8
LONGEST_WAIT = 30.0


class GivenUp(Exception):
    """The whole sending cannot go on; the message is the name of a sentence, or the service's own reason."""


@dataclass
class Tally:
    """How many photos and bytes there are and what became of them; changed under `lock` alone."""

    photos: int = 0
    bytes: int = 0
    sent: int = 0
    known: int = 0
    sent_bytes: int = 0
    known_bytes: int = 0
    refused: list[tuple[Found, str]] = field(default_factory=list)
    waiting: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def left(self) -> int:
        """How many photos are not there yet."""
        return self.photos - self.sent - self.known - len(self.refused)


class Sender:
    """Sends photos to one event. `patience`: after how many seconds without any answer it gives up."""

    def __init__(self, client: Client, event_id: int, patience: float) -> None:
        self.tally = Tally()
        self._client, self._event_id, self._patience = client, event_id, patience
        self._line: queue.Queue[tuple[Found, str] | None] = queue.Queue()
        self._stopped = threading.Event()
        self._failure: GivenUp | None = None
        self._heard = time.monotonic()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(AT_ONCE)]

    def run(self, groups: Iterable[Sequence[Found]]) -> None:
        """Send all of these; returns when they are there, refused, or the sending was stopped.

        Raises:
            GivenUp: it cannot go on.
        """
        for thread in self._threads:
            thread.start()
        for group in groups:
            self._take(group)
            if self._stopped.is_set():
                break
        for _ in self._threads:
            self._line.put(None)
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Take nothing new; what is on its way arrives."""
        self._stopped.set()

    def pause(self, seconds: float) -> bool:
        """Wait; true when the sending was stopped meanwhile."""
        return self._stopped.wait(seconds)

    # --- which of them need sending -----------------------------------------------------------------

    def _take(self, group: Sequence[Found]) -> None:
        good = []
        for found in group:
            reason = problem(found)
            with self.tally.lock:
                self.tally.photos += 1
                self.tally.bytes += 0 if reason else found.size
                if reason:
                    self.tally.refused.append((found, reason))
            if reason is None:
                good.append(found)
        start, size = 0, AT_ONCE
        while start < len(good) and not self._stopped.is_set():
            self._check(good[start : start + size])
            start, size = start + size, min(size * 2, MOST_ASKED)

    def _check(self, batch: Sequence[Found]) -> None:
        sums: dict[str, Found] = {}
        for found in batch:
            try:
                digest = checksum(found.path)
            except OSError:
                self._refuse(found, "unreadable")
                continue
            if digest in sums:
                self._note_known(found)
            else:
                sums[digest] = found
        there = self._ask(list(sums))
        for digest, found in sums.items():
            if digest in there:
                self._note_known(found)
            else:
                self._line.put((found, digest))

    def _ask(self, sums: Sequence[str]) -> set[str]:
        wait = 1.0
        while sums and not self._stopped.is_set():
            try:
                there = self._client.known(self._event_id, sums)
            except (Away, Broken) as error:
                wait = self._wait(error, wait)
            except Refused as refusal:
                self._give_up(refusal)
            else:
                self._hear()
                return there
        return set()

    # --- sending ----------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (taken := self._line.get()) is not None:
            if not self._stopped.is_set():
                self._deliver(*taken)

    def _deliver(self, found: Found, digest: str) -> None:
        wait, tries = 1.0, 0
        while not self._stopped.is_set():
            try:
                reason = self._send(found)
            except Unreadable:
                return self._refuse(found, "unreadable")
            except Refused as refusal:
                if self._final(found, refusal):
                    return None
                continue
            except (Away, Broken) as error:
                tries += isinstance(error, Broken | Dropped)
                if tries == TRIES:
                    return self._refuse(found, str(error))
                wait = self._wait(error, wait)
            else:
                return self._note_sent(found, reason)
            # The line may have dropped after the last byte; and an answer tells whether the session still holds.
            if digest in self._ask([digest]):
                return self._note_known(found)
        return None

    def _send(self, found: Found) -> str | None:
        """Try once; what came to nothing is not counted as sent."""
        gone = 0

        def sent(number: int) -> None:
            nonlocal gone
            gone += number
            self._count(number)

        reason: str | None = "not sent"
        try:
            reason = self._client.send(self._event_id, found.path, sent)
        finally:
            if reason:
                self._count(-gone)
        return reason

    def _count(self, number: int) -> None:
        with self.tally.lock:
            self.tally.sent_bytes += number

    def _final(self, found: Found, refusal: Refused) -> bool:
        """Tell whether a refusal is the end for this photo; else the next try makes sense."""
        if refusal.status == 401:
            try:
                self._client.renew()
            except (Away, Broken) as error:
                self._wait(error, 1.0)
            except Refused as wrong:
                self._give_up(wrong)
            return False
        if refusal.status in (403, 404):
            self._give_up(refusal)
        else:
            self._refuse(found, str(refusal))
        return True

    # --- waiting and ending -----------------------------------------------------------------------------

    def _wait(self, error: Exception, seconds: float) -> float:
        """Wait before the next try; return how long to wait after that."""
        if time.monotonic() - self._heard > self._patience:
            self._give_up("patience")
        asked = error.retry_after if isinstance(error, Away) else 0
        self.tally.waiting = True
        self.pause(max(seconds, min(asked, 60.0)) * random.uniform(0.8, 1.2))
        return min(seconds * 2, LONGEST_WAIT)

    def _hear(self) -> None:
        self._heard = time.monotonic()
        self.tally.waiting = False

    def _give_up(self, why: Refused | str) -> None:
        self._failure = self._failure or GivenUp(str(why))
        self._stopped.set()

    # --- what became of them ----------------------------------------------------------------------------

    def _note_sent(self, found: Found, reason: str | None) -> None:
        self._hear()
        if reason:
            self._refuse(found, reason)
            return
        with self.tally.lock:
            self.tally.sent += 1

    def _note_known(self, found: Found) -> None:
        with self.tally.lock:
            self.tally.known += 1
            self.tally.known_bytes += found.size

    def _refuse(self, found: Found, reason: str) -> None:
        with self.tally.lock:
            self.tally.refused.append((found, reason))
            self.tally.bytes -= found.size
