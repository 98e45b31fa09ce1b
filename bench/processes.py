"""Watches worker processes and their children from outside: the most memory each held, and which children ended."""

import threading
from pathlib import Path

PERIOD = 0.2


def _children(pid: int) -> list[int]:
    try:
        found = [
            int(each) for path in Path(f"/proc/{pid}/task").glob("*/children") for each in path.read_text().split()
        ]
    except OSError:
        return []
    return found + [each for child in found for each in _children(child)]


def memory_mb(pid: int, field: str = "VmRSS") -> float:
    """Return the resident memory of a process in MB, or the most it has had (`VmHWM`); 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:")), 0.0)


def pss_mb(pid: int) -> float:
    """Return a process's memory in MB, of pages that several share its part of each; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


class Family:
    """Workers and the processes they start, while the context is open."""

    def __init__(self, workers: list[int]) -> None:
        self._workers = workers
        self._held: dict[int, float] = {}
        self._alive: set[int] = set()
        self._ended: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Family":
        self._look()
        self._before = {pid: self._held.get(pid, 0.0) for pid in self._workers}
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(PERIOD):
            self._look()

    def _look(self) -> None:
        alive = {child for pid in self._workers for child in _children(pid)}
        self._ended |= self._alive - alive
        self._alive = alive
        for pid in (*self._workers, *alive):
            self._held[pid] = max(self._held.get(pid, 0.0), memory_mb(pid, "VmHWM"))

    @property
    def largest_worker(self) -> float:
        """The most that a worker held, in MB."""
        return max(self._held[pid] for pid in self._workers)

    @property
    def largest_child(self) -> float:
        """The most that a child held, in MB; 0 without children."""
        return max((held for pid, held in self._held.items() if pid not in self._workers), default=0.0)

    def said(self) -> str:
        """Return a sentence with the most that workers and children held, and how many children ended."""
        workers = ", ".join(f"{self._before[pid]:.0f} to {self._held[pid]:.0f} MB" for pid in self._workers)
        count = len(self._held) - len(self._workers)
        children = f"; {count} children, the largest {self.largest_child:.0f} MB, {len(self._ended)} ended"
        return f"peak memory of the workers: {workers}{children if count else ''}"
