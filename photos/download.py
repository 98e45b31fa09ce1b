"""A guest's photos in one ZIP, made while it is sent. Files are stored uncompressed, so the length is known before.

The entries are planned when the rows are read; no session is open while the archive is sent. A photo that is deleted
meanwhile is left out: zero bytes, which no ZIP reader looks at, take its place, so that Content-Length stays right.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zipstream import ZipStream

import errors
import storage
from audit.log import Action, record
from database import reading, transaction
from images import FORMATS
from models import User
from photos import queries
from photos.keys import storage_key
from photos.queries import Which
from photos.service import guest_event

# Bytes of UTF-8: file systems allow 255, which leaves room for " (12345)" and the extension.
MAX_NAME = 200
FORBIDDEN = frozenset('<>:"/\\|?*')
# File names that Windows reserves for devices, whatever the extension.
DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{number}" for kind in ("com", "lpt") for number in range(1, 10))}
ENDINGS = {extension for _, extension in FORMATS.values()} | {".jpeg", ".heif"}
# Bytes before each file (beside its name) and after it (APPNOTE.TXT 4.3.7 and 4.3.9).
HEADER, DESCRIPTOR = 30, 16
MAX_COMMENT = 0xFFFF
ZEROS = bytes(64 * 1024)


@dataclass(frozen=True, slots=True)
class Archive:
    """A ZIP to be sent: file name, length in bytes, and chunks."""

    name: str
    length: int
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    key: str
    size: int


def archive(user: User, event_id: int, which: Which) -> Archive:
    """Return a ZIP of the originals that a guest may download from an event.

    The audit log has an entry once its first chunk is taken: a page asks for the length alone.

    Raises:
        NotInEvent: the guest is not a member of the event.
        NoPhotosToDownload: the list is empty.
    """
    with reading() as session:
        event = guest_event(session, user, event_id)
        rows = queries.originals(session, user.id, event, which)
    if not rows:
        raise errors.NoPhotosToDownload
    names = unique_names([(row.original_filename, row.filename) for row in rows])
    entries = [
        _Entry(name, storage_key(event_id, row.filename, "original"), row.size)
        for name, row in zip(names, rows, strict=True)
    ]
    plan = ZipStream(sized=True)
    for entry in entries:
        plan.add(iter(()), entry.name, size=entry.size)
    return Archive(f"{_safe(event.name) or 'photos'}.zip", len(plan), _recorded(event_id, entries, len(plan)))


# --- names -----------------------------------------------------------------------------------------


def unique_names(names: Sequence[tuple[str, str]]) -> list[str]:
    """Return one file name for each (original name, stored name): readable, unique, safe on every file system.

    Names that differ only in case count as equal, as on Windows and macOS.
    """
    taken: set[str] = set()
    # The last number used for each name: a camera may give every photo the same name.
    numbers: dict[str, int] = {}
    result = []
    for own, stored in names:
        stem, ending = _split(own, stored)
        name = plain = stem + ending
        while name.casefold() in taken:
            number = numbers[plain.casefold()] = numbers.get(plain.casefold(), 1) + 1
            name = f"{stem} ({number}){ending}"
        taken.add(name.casefold())
        result.append(name)
    return result


def _split(own: str, stored: str) -> tuple[str, str]:
    clean = _safe(own)
    stem, dot, ending = clean.rpartition(".")
    if not dot or f".{ending}".lower() not in ENDINGS:
        stem, ending = clean, stored.rsplit(".", 1)[-1]
    stem = stem.encode()[:MAX_NAME].decode(errors="ignore").strip(". ")
    if not stem or stem.split(".")[0].strip().lower() in DEVICES:
        stem = f"photo {stem}".strip()
    return stem, f".{ending}"


def _safe(name: str) -> str:
    """Remove characters that a file system forbids, control characters and bidirectional marks."""
    kept = (each for each in unicodedata.normalize("NFC", name) if each not in FORBIDDEN)
    return "".join(each for each in kept if unicodedata.category(each)[0] not in "CZ" or each == " ").strip(". ")


# --- sending ---------------------------------------------------------------------------------------


def _recorded(event_id: int, entries: Sequence[_Entry], length: int) -> Iterator[bytes]:
    with transaction() as session:
        record(session, Action.PHOTOS_EXPORTED, event_id=event_id, number=len(entries))
    yield from _chunks(entries, length)


def _chunks(entries: Sequence[_Entry], length: int) -> Iterator[bytes]:
    sent, stream = 0, ZipStream(sized=True)
    for entry in entries:
        for chunk in _one(stream, entry):
            sent += len(chunk)
            yield chunk
    footer = b"".join(stream.footer())
    lacking = length - sent - len(footer)
    if not 0 <= lacking <= MAX_COMMENT:
        raise storage.StorageError("too many photos were deleted while they were sent")
    # The directory has no entry for the photos left out; the archive's comment, its last field, fills that space.
    yield footer[:-2] + lacking.to_bytes(2, "little") + b" " * lacking


def _one(stream: ZipStream, entry: _Entry) -> Iterator[bytes]:
    try:
        size, data = storage.stream(entry.key)
    except storage.MissingObject:
        size, data = -1, iter(())
    if size == entry.size:
        stream.add(data, entry.name, size=size)
        yield from stream.file()
        return
    room = HEADER + len(entry.name.encode()) + entry.size + DESCRIPTOR
    # The entries that follow keep their planned offsets.
    stream._pos += room
    for start in range(0, room, len(ZEROS)):
        yield ZEROS[: room - start]
