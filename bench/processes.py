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


def _most_held(pid: int) -> int:
    """Return the largest resident set that a process has had, in MB; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


class Family:
    """Workers and the processes they start, while the context is open."""

    def __init__(self, workers: list[int]) -> None:
        self._workers = workers
        self._held: dict[int, int] = {}
        self._alive: set[int] = set()
        self._ended: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Family":
        self._look()
        self._before = {pid: self._held.get(pid, 0) for pid in self._workers}
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
            self._held[pid] = max(self._held.get(pid, 0), _most_held(pid))

    def said(self) -> str:
        """Return a sentence with the most that workers and children held, and how many children ended."""
        workers = ", ".join(f"{self._before[pid]} to {self._held[pid]} MB" for pid in self._workers)
        children = [held for pid, held in self._held.items() if pid not in self._workers]
        largest = (
            f"; {len(children)} children, the largest {max(children)} MB, {len(self._ended)} ended"
            if children
            else ""
        )
        return f"peak memory of the workers: {workers}{largest}"
