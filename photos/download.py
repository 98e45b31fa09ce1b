"""A guest's photos in one ZIP, made while it is sent: nothing is compressed, so its length is known before.

The archive's plan is made when its rows are read; no session is open while it is sent. What is deleted meanwhile is
left out: zeros, which no reader of the archive looks at, take its place, so that the length stays as told.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zipstream import ZipStream

import errors
import storage
from database import reading
from images import FORMATS
from models import User
from photos import queries
from photos.keys import storage_key
from photos.queries import Which
from photos.service import guest_event

# In bytes, as file systems count; room is left for " (12345)" and an ending.
MAX_NAME = 200
FORBIDDEN = frozenset('<>:"/\\|?*')
# What Windows takes for a device, whatever its ending.
DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{number}" for kind in ("com", "lpt") for number in range(1, 10))}
ENDINGS = {extension for _, extension in FORMATS.values()} | {".jpeg", ".heif"}
# Before and behind each file stand so many bytes beside its name (APPNOTE.TXT 4.3.7 and 4.3.9).
HEADER, DESCRIPTOR = 30, 16
MAX_COMMENT = 0xFFFF
ZEROS = bytes(64 * 1024)


@dataclass(frozen=True, slots=True)
class Archive:
    """A ZIP to be sent: its file name, its length in bytes, and its chunks."""

    name: str
    length: int
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    key: str
    size: int


def archive(user: User, event_id: int, which: Which) -> Archive:
    """Return the originals that a guest takes along from one of their events.

    Raises:
        NotInEvent: not one of the guest's events. PhotosArePrivate: `all`, where guests see only their own.
        NoPhotosToDownload: there are none.
    """
    with reading() as session:
        event = guest_event(session, user, event_id)
        if which == "all" and not event.guests_see_all_photos:
            raise errors.PhotosArePrivate
        rows = queries.originals(session, user.id, event.id, which)
    if not rows:
        raise errors.NoPhotosToDownload
    names = unique_names([(own, stored) for stored, own, _ in rows])
    entries = [
        _Entry(name, storage_key(event_id, stored, "original"), size)
        for name, (stored, _, size) in zip(names, rows, strict=True)
    ]
    plan = ZipStream(sized=True)
    for entry in entries:
        plan.add(iter(()), entry.name, size=entry.size)
    return Archive(f"{_safe(event.name) or 'photos'}.zip", len(plan), _chunks(entries, len(plan)))


# --- names -----------------------------------------------------------------------------------------


def unique_names(names: Sequence[tuple[str, str]]) -> list[str]:
    """Return a name for each photo's own and stored name: readable, safe to unpack anywhere, none twice.

    Case makes no difference, as on Windows and macOS.
    """
    taken: set[str] = set()
    # Where counting goes on for a name: a camera may call every photo the same.
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
    """Leave out what some file system forbids, control characters and marks that turn the reading direction."""
    kept = (each for each in unicodedata.normalize("NFC", name) if each not in FORBIDDEN)
    return "".join(each for each in kept if unicodedata.category(each)[0] not in "CZ" or each == " ").strip(". ")


# --- sending ---------------------------------------------------------------------------------------


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
    # The directory lacks those left out: the archive's comment, its last field, makes up for them.
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
    # What follows lies as far behind as planned.
    stream._pos += room
    for start in range(0, room, len(ZEROS)):
        yield ZEROS[: room - start]
