"""What is told while rows move: progress, and every row that could not come with its reason."""

import time
from collections import Counter
from dataclasses import dataclass, field

PROGRESS_SECONDS = 2.0


class CannotMove(Exception):
    """The move cannot start or go on; the message says why in one line."""


class Refused(Exception):
    """A row that cannot come; the message says why. It is tried again at the next run."""


@dataclass
class Report:
    """Counts by table, and the rows that stayed behind."""

    moved: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, table: str, row_id: int, reason: str) -> None:
        """Note and print a row that stays behind."""
        self.refused.append(f"{table} {row_id}: {reason}")
        print(f"  refused  {self.refused[-1]}", flush=True)

    def note(self, table: str, row_id: int, what: str) -> None:
        """Note and print what was changed on the way."""
        self.notes.append(f"{table} {row_id}: {what}")
        print(f"  changed  {self.notes[-1]}", flush=True)

    def summary(self) -> str:
        """Return the last lines."""
        lines = [
            f"{table}: {self.moved[table]} moved, {self.known[table]} were here already"
            for table in sorted({*self.moved, *self.known})
        ]
        lines.append(f"{len(self.refused)} refused, {len(self.notes)} changed on the way")
        return "\n".join(lines)


class Progress:
    """Prints how far a table is, how fast it goes and how long it will take, every two seconds."""

    def __init__(self, table: str, total: int) -> None:
        self._table, self._total, self._done = table, total, 0
        self._began = self._said = time.monotonic()
        print(f"{table}: {total} rows", flush=True)

    def step(self) -> None:
        """Count one row."""
        self._done += 1
        now = time.monotonic()
        if now - self._said >= PROGRESS_SECONDS:
            self._said = now
            rate = self._done / (now - self._began)
            left = (self._total - self._done) / rate
            print(f"  {self._done} of {self._total}, {rate:.0f} a second, {left:.0f} s left", flush=True)
