"""Photos in a folder: which files count, their checksums, and when a file that is being written has come to rest."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

KINDS = {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".heic", ".heif", ".hif", ".avif", ".gif"}
# What systems leave in folders.
LITTER = {"thumbs.db", "desktop.ini"}
MAX_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A file, its size in bytes and its time of change in nanoseconds when it was seen."""

    path: Path
    size: int
    changed: int


def look(folder: Path) -> list[Found]:
    """Return every file in the folder and below, in the order of names; hidden ones and litter are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if any(part.startswith(".") for part in inside) or path.name.lower() in LITTER:
            continue
        try:
            if path.is_file():
                stat = path.stat()
                found.append(Found(path, stat.st_size, stat.st_mtime_ns))
        except OSError:
            # Gone between the two looks.
            continue
    return found


def problem(found: Found) -> str | None:
    """Return why a file need not be sent, as the name of a sentence; nothing where it may."""
    if found.path.suffix.lower() not in KINDS:
        return "kind"
    if found.size == 0:
        return "empty"
    return "large" if found.size > MAX_BYTES else None


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file in hex.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settled(
    folder: Path, still_seconds: float, wait: Callable[[float], bool], poll_seconds: float = 1.0
) -> Iterator[list[Found]]:
    """Give files as they come to rest: neither size nor time has changed for that long. Ends when `wait` says so.

    A file that changes later is given again.
    """
    given: dict[Path, Found] = {}
    seen: dict[Path, tuple[Found, float]] = {}
    while True:
        now, resting = time.monotonic(), []
        for found in look(folder):
            before = seen.get(found.path)
            if before is None or before[0] != found:
                seen[found.path] = found, now
            elif now - before[1] >= still_seconds and given.get(found.path) != found:
                given[found.path] = found
                resting.append(found)
        if resting:
            yield resting
        if wait(poll_seconds):
            return
