"""The log of erasures: a file outside the database and its backups, one JSON object a line, only ever appended to.

It does not tell who was erased. Digests are HMAC-SHA-256, cut to 128 bits, under a key derived from
`ERASURE_LOG_KEY`, else from `SECRET_KEY`: without the key, ids cannot be tried one by one. `key` in each line tells
which key that was.
"""

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import storage
from settings import ROOT, get_settings

DIGEST_BYTES, KEY_BYTES = 16, 4


@dataclass(frozen=True, slots=True)
class Line:
    """One erasure: its random number, kind, time, counts, and the digests of what was erased."""

    number: str
    kind: str
    at: datetime
    counts: dict[str, int]
    digests: list[str]
    key: str | None = None


def place() -> Path:
    """Return the path of the log: `ERASURE_LOG`, else beside the folder of the storage, or `var/` for a remote one.

    Raises:
        UnsafeSettings: the settings are malformed.
    """
    settings = get_settings()
    if settings.erasure_log:
        return (ROOT / settings.erasure_log).resolve()
    folder = storage.local_root(settings.storage_url)
    return folder.with_name(f"{folder.name}.erasures.log") if folder is not None else ROOT / "var" / "erasures.log"


def _key() -> bytes:
    settings = get_settings()
    return hmac.digest((settings.erasure_log_key or settings.secret_key).encode(), b"erasure log", hashlib.sha256)


def key_name() -> str:
    """Return the short name of the key in use, which each line holds."""
    return hmac.digest(_key(), b"name", hashlib.sha256)[:KEY_BYTES].hex()


def digest_of(kind: str, subject: str) -> str:
    """Return the digest of what was erased."""
    return hmac.digest(_key(), f"{kind}\0{subject}".encode(), hashlib.sha256)[:DIGEST_BYTES].hex()


def append(lines: Sequence[Line]) -> None:
    """Append the lines; when this returns, they are on disk.

    Raises:
        OSError: they may not be.
    """
    target, name = place(), key_name()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    is_new = not target.exists()
    descriptor = os.open(target, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        # A process that was killed, or a full disk, may have left half a line.
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        data = ("\n" if torn else "").encode() + b"".join(_as_json(each, name) for each in lines)
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _as_json(line: Line, key: str) -> bytes:
    told = {
        "number": line.number,
        "kind": line.kind,
        "at": line.at.isoformat(timespec="microseconds"),
        "counts": line.counts,
        "key": key,
        "digests": line.digests,
    }
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def read(path: Path) -> Iterator[Line | None]:
    """Yield the lines of a log; None for half a line, which is followed by the whole one.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        for each in file:
            try:
                told = json.loads(each)
                at = datetime.fromisoformat(told["at"])
                line = Line(told["number"], told["kind"], at, told["counts"], told["digests"], told["key"])
            except (ValueError, KeyError, TypeError):
                line = None
            yield line
