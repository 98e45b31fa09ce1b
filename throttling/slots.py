"""At most so many downloads of one guest, or of one reader of a link, at a time, over all processes.

A slot of a process that died expires.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from settings import get_settings
from throttling.counters import counters, pseudonym
from throttling.rules import refusal

KIND = "zip"
# A slot is taken for so long, and taken again well before, as long as the reader takes bytes.
LEASE_SECONDS, RENEW_SECONDS = 300, 60


@dataclass(slots=True)
class Slot:
    """A place for one download; without a key, none was needed."""

    key: str | None
    renewed_at: float = 0.0

    def release(self) -> None:
        """Give the place back. Idempotent."""
        if self.key is not None:
            counters().clear(self.key)
            self.key = None

    def renewing(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Return the chunks, and keep the slot while they are read."""
        for chunk in chunks:
            if self.key is not None and counters().clock() - self.renewed_at > RENEW_SECONDS:
                counters().begin(self.key, LEASE_SECONDS)
                self.renewed_at = counters().clock()
            yield chunk


def take(who: int | str) -> Slot:
    """Take one of the `RATE_ZIPS` slots of a guest, by the account's id, or of another reader, by a text.

    Raises:
        TooManyRequests: all are taken.
    """
    limit = get_settings().rate_zips
    if not limit:
        return Slot(None)
    known = pseudonym(f"zip:{who}")
    for number in range(limit):
        key = f"{KIND}/{known}/{number}"
        # The first one to count gets the slot; the count of a taken one does not matter. 0: not counted.
        if counters().add(key, LEASE_SECONDS) <= 1:
            return Slot(key, counters().clock())
    # When one is free depends on the reader.
    raise refusal(KIND, known, 10)
