"""Reads a file forward, in chunks, and holds two of them at most."""

import re
from collections.abc import Iterator

from stripping.plan import CannotStrip

CHUNK = 1024 * 1024


def chunks_of(data: bytes) -> Iterator[bytes]:
    """Yield the chunks of a file that is in memory."""
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


class Reader:
    """A file that is read forward; `at` is the place of the next byte."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        """`chunks` are the bytes of the file, from its first on."""
        self._chunks = chunks
        self._held, self._next = b"", 0
        self.at = 0

    def _fill(self) -> bool:
        """Read a chunk behind what is held; return False at the end of the file."""
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._held, self._next = self._held[self._next :] + chunk, 0
        return True

    def take(self, number: int) -> bytes:
        """Return the next bytes, a few kB.

        Raises:
            CannotStrip: the file ends before.
        """
        while len(self._held) - self._next < number:
            if not self._fill():
                raise CannotStrip("the file is cut off")
        taken = self._held[self._next : self._next + number]
        self._move(number)
        return taken

    def skip(self, number: int) -> None:
        """Pass over the next bytes.

        Raises:
            CannotStrip: the file ends before.
        """
        while number:
            step = min(number, len(self._held) - self._next)
            self._move(step)
            number -= step
            if number and not self._fill():
                raise CannotStrip("the file is cut off")

    def find(self, pattern: re.Pattern[bytes], most: int | None = None) -> bytes:
        """Return the next two bytes that fit the pattern, and move behind them.

        Raises:
            CannotStrip: there are none, or none within `most` bytes.
        """
        start = self.at
        while (match := pattern.search(self._held, self._next)) is None:
            # Of what is held, the last byte may be the first of two.
            self._move(max(0, len(self._held) - self._next - 1))
            if most is not None and self.at - start > most:
                break
            if not self._fill():
                break
        if match is None or (most is not None and self.at + match.start() - self._next - start > most):
            raise CannotStrip("the file is cut off, or has no such part")
        self._move(match.end() - self._next)
        return match[0]

    def _move(self, number: int) -> None:
        self._next += number
        self.at += number
