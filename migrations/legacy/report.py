"""The output of the import: progress, and each refused row with the reason."""

import time
from collections import Counter
from dataclasses import dataclass, field

PROGRESS_SECONDS = 2.0


class CannotMove(Exception):
    """The import cannot start or continue; the message says why."""


class Refused(Exception):
    """A row that cannot be imported; the message says why. The next run tries it again.

    `reason` is the message without what only this row has: the rows with the same one are counted together.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


@dataclass
class Report:
    """Counts of rows by table, the refused and changed rows with their reasons, and lines about all rows."""

    moved: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def refuse(self, table: str, row_id: int, reason: str) -> None:
        """Record and print a row that is not imported."""
        self.refused.append(f"{table} {row_id}: {reason}")
        print(f"  refused  {self.refused[-1]}", flush=True)

    def note(self, table: str, row_id: int, what: str) -> None:
        """Record and print a value that was changed for the import."""
        self.notes.append(f"{table} {row_id}: {what}")
        print(f"  changed  {self.notes[-1]}", flush=True)

    def summary(self) -> str:
        """Return the lines about all rows and the totals."""
        totals = [
            f"{table}: {self.moved[table]} moved, {self.known[table]} were here already"
            for table in sorted({*self.moved, *self.known})
        ]
        totals.append(f"{len(self.refused)} refused, {len(self.notes)} changed on the way")
        return "\n".join([*self.lines, *totals])


class Progress:
    """Prints every two seconds how many rows of a table are done, the rate, and the time left."""

    def __init__(self, table: str, total: int) -> None:
        self._table, self._total, self._done = table, total, 0
        self._began = self._said = time.monotonic()
        print(f"{table}: {total} rows", flush=True)

    def step(self) -> None:
        """Count one row as done."""
        self._done += 1
        now = time.monotonic()
        if now - self._said >= PROGRESS_SECONDS:
            self._said = now
            rate = self._done / (now - self._began)
            left = (self._total - self._done) / rate
            print(f"  {self._done} of {self._total}, {rate:.0f} a second, {left:.0f} s left", flush=True)
