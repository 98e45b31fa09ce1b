"""A plan of a copy: which bytes of a file it has, and which bytes stand between them."""

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

# Bytes of the copy, or where they stand in the file: from, up to before.
Part: TypeAlias = bytes | tuple[int, int]
# A camera's file takes up to six. One that takes more is made by hand, or damaged.
MAX_PARTS = 200
# Bytes of its own that a plan has: an EXIF block of orientation and copyright, and a few short headers.
MAX_WRITTEN = 8 * 1024


class CannotStrip(Exception):
    """The file is of another format, is damaged, or has parts of an unknown kind."""


def length_of(part: Part) -> int:
    """Return the bytes that a part has in the copy."""
    return len(part) if isinstance(part, bytes) else part[1] - part[0]


def joined(parts: Sequence[Part]) -> list[Part]:
    """Return the parts without empty ones, those that follow on from each other as one.

    Raises:
        CannotStrip: there are more than `MAX_PARTS`, or too many bytes of their own.
    """
    found = list[Part]()
    for part in parts:
        last = found[-1] if found else b""
        if not length_of(part):
            continue
        if isinstance(part, bytes) and isinstance(last, bytes) and last:
            found[-1] = last + part
        elif isinstance(part, tuple) and isinstance(last, tuple) and last[1] == part[0]:
            found[-1] = last[0], part[1]
        else:
            found.append(part)
        if len(found) > MAX_PARTS:
            raise CannotStrip("too many parts")
    if sum(len(part) for part in found if isinstance(part, bytes)) > MAX_WRITTEN:
        raise CannotStrip("too many bytes to write")
    return found


@dataclass(frozen=True, slots=True)
class Plan:
    """The parts of a copy, in their order; those of the file rise."""

    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """The bytes of the copy."""
        return sum(map(length_of, self.parts))

    def cut(self, start: int, end: int) -> "Plan":
        """Return the plan of the copy's bytes from `start` up to before `end`."""
        kept, at = list[Part](), 0
        for part in self.parts:
            first, last = max(start - at, 0), min(end - at, length_of(part))
            if first < last:
                kept.append(part[first:last] if isinstance(part, bytes) else (part[0] + first, part[0] + last))
            at += length_of(part)
        return Plan(tuple(kept))

    def source(self) -> tuple[int, int] | None:
        """Return from where up to before where the file is read; None if nothing of it is."""
        places = [part for part in self.parts if isinstance(part, tuple)]
        return (places[0][0], places[-1][1]) if places else None

    def chunks(self, read: Callable[[int, int], Iterator[bytes]]) -> Iterator[bytes]:
        """Return the bytes of the copy in chunks. `read` opens the file, once and before this returns."""
        span = self.source()
        return self._spliced(read(*span) if span is not None else iter(()), span[0] if span is not None else 0)

    def _spliced(self, chunks: Iterator[bytes], at: int) -> Iterator[bytes]:
        """Yield the copy from the file's chunks, the first of which stands at `at`."""
        held = memoryview(b"")
        for part in self.parts:
            if isinstance(part, bytes):
                yield part
                continue
            start, end = part
            while at < end:
                if not held:
                    held = memoryview(next(chunks))
                    continue
                taken = min(end, at + len(held)) if at >= start else min(start, at + len(held))
                if at >= start:
                    yield bytes(held[: taken - at])
                held, at = held[taken - at :], taken

    def as_json(self) -> list[str | list[int]]:
        """Return the parts as JSON has them."""
        return [base64.b64encode(part).decode() if isinstance(part, bytes) else [*part] for part in self.parts]

    @classmethod
    def of_json(cls, parts: Sequence[str | Sequence[int]]) -> "Plan":
        """Return the plan that `as_json` made."""
        return cls(tuple(base64.b64decode(part) if isinstance(part, str) else (part[0], part[1]) for part in parts))
