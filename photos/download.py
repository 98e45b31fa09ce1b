"""Photos in one ZIP, made while it is sent, from any byte on: a broken download resumes.

The entries are planned when the rows are read; no session is open while the archive is sent. The plan knows the place
of every byte, so a resumed download reads no file that lies before. A photo that is deleted meanwhile is left out:
zero bytes, which no ZIP reader looks at, take its place, so that Content-Length stays right.
"""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import errors
import storage
from audit.log import Action, record
from database import reading, transaction
from models import Event, GuestCopy, Photo, User
from photos import names, queries
from photos.copies import queries as copy_queries
from photos.copies.service import Given, given, planned_now
from photos.queries import Original, Which
from photos.rows import queries as row_queries
from photos.service import guest_event
from photos.zip_layout import Entry, Layout, header
from stripping.plan import Plan

ZEROS = bytes(64 * 1024)
# Changes with the way in which the bytes are laid out: a download that an earlier release began starts over.
FORMAT = "2"


class Bytes(Protocol):
    """Where the bytes of a file are: in storage (`photos.copies.service.Source`), or made for the archive."""

    @property
    def key(self) -> str:
        """What the bytes are known by: others have another key or plan."""

    @property
    def plan(self) -> Plan | None:
        """Which of the stored bytes; None for all."""

    @property
    def size(self) -> int:
        """How many bytes."""

    def opened(self, start: int, end: int) -> Iterator[bytes]:
        """Return the chunks from `start` up to before `end`."""


@dataclass(frozen=True, slots=True)
class File:
    """A file in the archive, where its bytes are, and its CRC-32; None until it is known.

    `copy` is the row in which the checksum is recorded; None for a rendition. `photo_id` is the photo it belongs to:
    the file of one that is deleted meanwhile may stay, in the trash, and nothing of it is sent.
    """

    source: Bytes
    entry: Entry
    crc32: int | None = None
    copy: GuestCopy | None = None
    photo_id: int | None = None


class Archive:
    """A ZIP to be sent: its file name, its length in bytes, and a tag that is another one for other bytes."""

    def __init__(
        self,
        event_id: int | None,
        name: str,
        files: list[File],
        action: Action = Action.PHOTOS_EXPORTED,
        subject_id: int | None = None,
    ) -> None:
        """`files` are in the order of the archive; `action` is what the audit log tells of its sending.

        `subject_id` is the account that everything in it is about, for the same entry.
        """
        self._event_id, self._action, self._subject_id = event_id, action, subject_id
        self.name = name
        self._files = files
        self._layout = Layout([each.entry for each in self._files])
        self.length = self._layout.length
        # The stored name and the plan stand for the bytes, which never change.
        content = [
            (each.source.key, each.source.plan, each.entry.name, each.entry.size, each.entry.made_at.isoformat())
            for each in self._files
        ]
        self.tag = hashlib.sha256(repr((FORMAT, content)).encode()).hexdigest()[:32]

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to before `end`. The audit log has an entry once the first is taken."""
        with transaction() as session:
            number = len(self._files)
            record(session, self._action, subject_id=self._subject_id, event_id=self._event_id, number=number)
        yield from _Sending(self._files, self._layout, start, self.length if end is None else end).chunks()


def archive(user: User, event_id: int, which: Which) -> Archive:
    """Return a ZIP of what a guest gets of the originals of an event: see `photos.copies`.

    Raises:
        NotInEvent: the guest is not a member of the event.
        NoPhotosToDownload: the list is empty.
    """
    with reading() as session:
        event = guest_event(session, user, event_id)
        rows = queries.originals(session, user.id, event, which)
    return of_originals(event, rows)


def of_originals(event: Event, rows: Sequence[Original]) -> Archive:
    """Return a ZIP of what guests get of these originals of an event. No session may be open.

    What is not there, or not made yet, is left out.

    Raises:
        NoPhotosToDownload: there are none.
    """
    files = files_of(event, rows)
    if not files:
        raise errors.NoPhotosToDownload
    return Archive(event.id, name_for(event), files)


def name_for(event: Event) -> str:
    """Return the file name of a ZIP of an event's photos."""
    return f"{names.safe(event.name) or 'photos'}.zip"


def files_of(event: Event, rows: Sequence[Original], folder: str = "") -> list[File]:
    """Return the files of what guests get of these originals, in a folder of the archive. No session may be open.

    What is not there, or not made yet, is left out.
    """
    found = [(row.photo, *_given(event, row)) for row in rows]
    there = [(photo, copy, got) for photo, copy, got in found if got is not None]
    own = names.unique([(photo.original_filename, got.stored_name) for photo, _, got in there])
    return [
        File(got.source, Entry(f"{folder}{name}", got.source.size, made_at(photo, event)), got.crc32, copy, photo.id)
        for (photo, copy, got), name in zip(there, own, strict=True)
    ]


def _given(event: Event, row: Original) -> tuple[GuestCopy | None, Given | None]:
    try:
        copy = row.copy or planned_now(row.photo, detailed=event.keep_capture_details)
    except storage.MissingObject:
        return None, None
    return copy if copy is not None and copy.parts is not None else None, given(row.photo, copy)


def made_at(photo: Photo, event: Event) -> datetime:
    """Return when a photo was taken, else when it came, by the clock of its event."""
    return local_time(photo.taken_at or photo.uploaded_at, event.timezone)


def local_time(at: datetime, timezone: str) -> datetime:
    """Return a time by the clock of a time zone; as it is where that clock has no such time."""
    try:
        return at.astimezone(ZoneInfo(timezone))
    except OverflowError:
        return at


class _Sending:
    """One answer: the bytes of an archive from `start` up to before `end`."""

    def __init__(self, files: list[File], layout: Layout, start: int, end: int) -> None:
        self._files, self._layout = files, layout
        self._start, self._end = start, end
        # Checksums of the files that are whole in the archive; None for those that are not.
        self._crc32s: dict[int, int | None] = {}

    def chunks(self) -> Iterator[bytes]:
        for number, (file, at) in enumerate(zip(self._files, self._layout.offsets, strict=True)):
            if at >= self._end:
                return
            if at + file.entry.header_size + file.entry.size > self._start:
                yield from self._one(number, file, at)
        if self._layout.directory_at < self._end:
            every = [self._checksum(number, file) for number, file in enumerate(self._files)]
            yield from self._cut(self._layout.directory(every), self._layout.directory_at)

    def _one(self, number: int, file: File, at: int) -> Iterator[bytes]:
        """Yield the part that is asked for of one file and its header; zeros if the file is gone."""
        begin, size = at + file.entry.header_size, file.entry.size
        is_there = file.photo_id is None or _is_there(file.photo_id)
        start, end = max(self._start - begin, 0), min(self._end - begin, size)
        try:
            if not is_there:
                raise storage.MissingObject(file.source.key)
            # Its size is asked of the store where the checksum is known: another one would be another file.
            checksum = self._checksum(number, file) if self._start < begin else 0
            data = file.source.opened(start, end) if end > start and checksum is not None else iter(())
        except storage.MissingObject:
            checksum = self._crc32s[number] = None
        if checksum is None:
            yield from _zeros(min(self._end, begin + size) - max(self._start, at))
            return
        yield from self._cut(header(file.entry, checksum), at)
        yield from data

    def _cut(self, data: bytes, at: int) -> Iterator[bytes]:
        """Yield the part that is asked for of bytes that begin at `at`."""
        part = data[max(self._start - at, 0) : max(self._end - at, 0)]
        if part:
            yield part

    def _checksum(self, number: int, file: File) -> int | None:
        """Return the CRC-32 of a file, read and recorded if no one has needed it yet; None if the file is gone."""
        if number not in self._crc32s:
            self._crc32s[number] = file.crc32 if file.crc32 is not None else _computed(file)
        return self._crc32s[number]


def _is_there(photo_id: int) -> bool:
    """Return whether a photo is not deleted: its file may be in the trash, and then must not be sent.

    Asked for each photo just before its bytes: an answer about the next photos would be old when a slow reader gets
    to them. To read one row by its key costs less than to read and send the file.
    """
    with reading() as session:
        return row_queries.is_there(session, photo_id)


def _computed(file: File) -> int | None:
    try:
        crc32 = 0
        for chunk in file.source.opened(0, file.entry.size):
            crc32 = zlib.crc32(chunk, crc32)
    except storage.MissingObject:
        return None
    if file.copy is not None:
        about = file.copy.photo_id, file.copy.filename
        with transaction() as session:
            copy_queries.record_crc32(session, *about, detailed=file.copy.detailed, crc32=crc32)
    return crc32


def _zeros(number: int) -> Iterator[bytes]:
    for start in range(0, number, len(ZEROS)):
        yield ZEROS[: number - start]
