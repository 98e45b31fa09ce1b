"""The photos in a folder: which files count, their checksums, and when a file is completely written."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

# RAW files of cameras, which may be larger. Sent last: the JPEG of the same name is then there before.
RAW_KINDS = {".cr2", ".cr3", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".raf", ".dng", ".orf", ".rw2", ".pef", ".srw"}
KINDS = RAW_KINDS | {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".heic", ".heif", ".hif", ".avif", ".gif", ".tif",
    ".tiff", ".jxl",
}  # fmt: skip
# Files that operating systems leave in folders.
SYSTEM_FILES = {"thumbs.db", "desktop.ini"}
MAX_BYTES = 50 * 1024 * 1024
MAX_RAW_BYTES = 120 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A file with the size in bytes and the modification time in nanoseconds it had when it was listed."""

    path: Path
    size: int
    changed: int


def list_files(folder: Path) -> list[Found]:
    """Return every file in the folder and below, without hidden and system files: by path, RAW files last."""
    found = []
    for path in sorted(folder.rglob("*"), key=lambda each: (is_raw(each), each)):
        inside = path.relative_to(folder).parts
        if any(part.startswith(".") for part in inside) or path.name.lower() in SYSTEM_FILES:
            continue
        try:
            if path.is_file():
                stat = path.stat()
                found.append(Found(path, stat.st_size, stat.st_mtime_ns))
        except OSError:
            # Deleted between listing and reading its size.
            continue
    return found


def problem(found: Found) -> str | None:
    """Return the key of the sentence that says why the file is not sent, or None if it may be sent."""
    if found.path.suffix.lower() not in KINDS:
        return "kind"
    if found.size == 0:
        return "empty"
    if is_raw(found.path):
        return "large_raw" if found.size > MAX_RAW_BYTES else None
    return "large" if found.size > MAX_BYTES else None


def is_raw(path: Path) -> bool:
    """Return whether a file's name ends like that of a camera's RAW file."""
    return path.suffix.lower() in RAW_KINDS


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file in hex.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stable_files(
    folder: Path, still_seconds: float, wait: Callable[[float], bool], poll_seconds: float = 1.0
) -> Iterator[list[Found]]:
    """Yield files whose size and modification time have not changed for `still_seconds`.

    A file that changes later is yielded again. Ends when `wait`, called with `poll_seconds`, returns true.
    """
    given: dict[Path, Found] = {}
    seen: dict[Path, tuple[Found, float]] = {}
    while True:
        now, stable = time.monotonic(), []
        for found in list_files(folder):
            before = seen.get(found.path)
            if before is None or before[0] != found:
                seen[found.path] = found, now
            elif now - before[1] >= still_seconds and given.get(found.path) != found:
                given[found.path] = found
                stable.append(found)
        if stable:
            yield stable
        if wait(poll_seconds):
            return
