"""Sends a folder's photos: asks by checksum which are missing, then sends three at a time, with retries."""

import queue
import random
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from uploader.answers import Away, Broken, Dropped, Refused
from uploader.client import Client
from uploader.files import Found, checksum, problem
from uploader.multipart import Unreadable
from uploader.parts import Parts

AT_ONCE = 3
MOST_ASKED = 64
TRIES = 8
LONGEST_WAIT = 30.0


class SendingFailed(Exception):
    """Sending cannot go on; the message is the key of a sentence, or the service's own reason."""


@dataclass
class Tally:
    """Counts of photos and bytes by outcome; changed only while holding `lock`."""

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
        """How many photos have not arrived and were not refused."""
        return self.photos - self.sent - self.known - len(self.refused)


class Sender:
    """Sends photos to one event. `patience`: the seconds without any answer after which it fails."""

    def __init__(self, client: Client, event_id: int, patience: float) -> None:
        self.tally = Tally()
        self._client, self._event_id, self._patience = client, event_id, patience
        self._line: queue.Queue[tuple[Found, str] | None] = queue.Queue()
        self._stopped = threading.Event()
        self._failure: SendingFailed | None = None
        self._parts: Parts | None = None
        self._last_answer = time.monotonic()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(AT_ONCE)]

    def run(self, groups: Iterable[Sequence[Found]]) -> None:
        """Send all of these; return when each has arrived or was refused, or when sending was stopped.

        Raises:
            SendingFailed: the event or the account was refused, or the service did not answer for `patience` seconds.
        """
        for thread in self._threads:
            thread.start()
        for group in groups:
            self._enqueue(group)
            if self._stopped.is_set():
                break
        for _ in self._threads:
            self._line.put(None)
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Start no further photo; those being sent are completed."""
        self._stopped.set()

    def pause(self, seconds: float) -> bool:
        """Wait that long; return true at once when sending is stopped."""
        return self._stopped.wait(seconds)

    # --- which of them need sending -----------------------------------------------------------------

    def _enqueue(self, group: Sequence[Found]) -> None:
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
        known = self._known(list(sums))
        for digest, found in sums.items():
            if digest in known:
                self._note_known(found)
            else:
                self._line.put((found, digest))

    def _known(self, sums: Sequence[str]) -> set[str]:
        """Return those checksums whose photos the event has, asking until there is an answer or sending stops."""
        wait = 1.0
        while sums and not self._stopped.is_set():
            try:
                known = self._client.known(self._event_id, sums)
            except (Away, Broken) as error:
                wait = self._wait(error, wait)
            except Refused as refusal:
                self._fail(refusal)
            else:
                self._note_answer()
                return known
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
                reason = self._send(found, digest)
            except Unreadable:
                return self._refuse(found, "unreadable")
            except Refused as refusal:
                if self._is_final(found, refusal):
                    return None
                continue
            except (Away, Broken) as error:
                tries += isinstance(error, Broken | Dropped)
                if tries == TRIES:
                    return self._refuse(found, str(error))
                wait = self._wait(error, wait)
            else:
                return self._note_sent(found, reason)
            # The connection may have been lost after the last byte, so the photo may be there already.
            if digest in self._known([digest]):
                return self._note_known(found)
        return None

    def _send(self, found: Found, digest: str) -> str | None:
        """Try once; the bytes of a failed try are subtracted from the count again."""
        total = 0

        def sent(number: int) -> None:
            nonlocal total
            total += number
            self._count(number)

        reason: str | None = "not sent"
        try:
            # Asked when the first photo is sent, by whichever thread comes first.
            parts = self._parts = self._parts or Parts(self._client, self._event_id)
            if parts.takes(found.size):
                reason = parts.send(found.path, found.size, digest, sent)
            else:
                reason = self._client.send(self._event_id, found.path, sent)
        finally:
            if reason:
                self._count(-total)
        return reason

    def _count(self, number: int) -> None:
        with self.tally.lock:
            self.tally.sent_bytes += number

    def _is_final(self, found: Found, refusal: Refused) -> bool:
        """Handle a refusal; tell whether this photo is finished (false: another try may succeed)."""
        if refusal.status == 401:
            try:
                self._client.renew()
            except (Away, Broken) as error:
                self._wait(error, 1.0)
            except Refused as wrong:
                self._fail(wrong)
            return False
        if refusal.status in (403, 404):
            self._fail(refusal)
        else:
            self._refuse(found, str(refusal))
        return True

    # --- waiting and ending -----------------------------------------------------------------------------

    def _wait(self, error: Exception, seconds: float) -> float:
        """Wait `seconds` (or what the service asked for) before the next try; return the next waiting time."""
        if time.monotonic() - self._last_answer > self._patience:
            self._fail("patience")
        asked = error.retry_after if isinstance(error, Away) else 0
        self.tally.waiting = True
        self.pause(max(seconds, min(asked, 60.0)) * random.uniform(0.8, 1.2))
        return min(seconds * 2, LONGEST_WAIT)

    def _note_answer(self) -> None:
        self._last_answer = time.monotonic()
        self.tally.waiting = False

    def _fail(self, why: Refused | str) -> None:
        self._failure = self._failure or SendingFailed(str(why))
        self._stopped.set()

    # --- what became of them ----------------------------------------------------------------------------

    def _note_sent(self, found: Found, reason: str | None) -> None:
        self._note_answer()
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
