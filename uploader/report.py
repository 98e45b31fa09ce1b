"""The uploader's terminal output: a progress line while photos are sent, and a summary at the end."""

import sys
import threading
import time
from collections import defaultdict, deque
from pathlib import Path

from uploader.sender import Tally
from uploader.words import say

MEGABYTE = 1_000_000
RATE_SECONDS = 20.0
# Seconds between two progress lines: on a terminal, and in a log file.
TICKS = (0.5, 30.0)
NAMES_SHOWN = 20


def duration(seconds: float) -> str:
    """Return a duration as text, such as "1 h 05 min", "3 min 20 s" or "12 s"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


class Report:
    """Prints a progress line to stderr while its block runs: `with Report(tally):`."""

    def __init__(self, tally: Tally) -> None:
        self._tally, self._began = tally, time.monotonic()
        self._screen = sys.stderr.isatty()
        self._samples: deque[tuple[float, int]] = deque([(self._began, 0)])
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Report":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._show()
        if self._screen:
            sys.stderr.write("\n")

    def _run(self) -> None:
        while not self._ended.wait(TICKS[0] if self._screen else TICKS[1]):
            self._show()

    def line(self) -> str:
        """Return the progress line: photos and bytes sent, rate over the last 20 s, time left."""
        tally, now = self._tally, time.monotonic()
        self._samples.append((now, tally.sent_bytes))
        while len(self._samples) > 2 and now - self._samples[0][0] > RATE_SECONDS:
            self._samples.popleft()
        start, before = self._samples[0]
        rate = max(tally.sent_bytes - before, 0) / max(now - start, 0.001)
        done = tally.sent_bytes + tally.known_bytes
        text = say(
            "progress",
            there=tally.sent + tally.known,
            photos=tally.photos,
            bytes=f"{done / MEGABYTE:.1f}",
            all=f"{tally.bytes / MEGABYTE:.1f}",
            rate=f"{rate / MEGABYTE:.1f}",
        )
        if tally.waiting:
            return text + say("waiting")
        return text + (say("left", time=duration((tally.bytes - done) / rate)) if rate and tally.left else "")

    def _show(self) -> None:
        sys.stderr.write(f"\r\x1b[K{self.line()}" if self._screen else f"{self.line()}\n")
        sys.stderr.flush()

    def summary(self, folder: Path) -> str:
        """Return the refused files grouped by reason, then the counts."""
        tally, by_reason = self._tally, defaultdict(list)
        for found, reason in tally.refused:
            by_reason[say(reason)].append(str(found.path.relative_to(folder)))
        lines = []
        for reason, names in by_reason.items():
            lines += [f"{reason} ({len(names)})", *(f"  {name}" for name in names[:NAMES_SHOWN])]
            if len(names) > NAMES_SHOWN:
                lines.append("  " + say("more", count=len(names) - NAMES_SHOWN))
        counts = say(
            "summary",
            sent=tally.sent,
            known=tally.known,
            refused=len(tally.refused),
            left=tally.left,
            time=duration(time.monotonic() - self._began),
        )
        return "\n".join([*lines, counts])
