"""Puts an export together: the rows as JSON and CSV, the selfies, and the photos as a guest downloads them."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import errors
import storage
from accounts import queries as account_queries
from audit.log import Action
from database import reading
from events import queries as event_queries
from guests.export import queries
from guests.export.tables import EXPORTED
from guests.export.tabular import as_csv, as_json
from models import GUEST, Event, Selfie, utcnow
from photos import names
from photos import queries as photo_queries
from photos.download import Archive, File, files_of
from photos.queries import Original
from photos.zip_layout import Entry
from selfies import files
from selfies import queries as selfie_queries
from stripping.plan import Plan

NAME = "reperio"
TEXTS = Path(__file__).with_name("texts")


@dataclass(frozen=True, slots=True)
class Held:
    """A file of the archive that is made here and held in memory; read like `photos.copies.service.Source`."""

    key: str
    data: bytes
    plan: Plan | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    def opened(self, start: int, end: int) -> Iterator[bytes]:
        """Return the bytes from `start` up to before `end`."""
        return iter((self.data[start:end],))


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read in one session."""

    tables: dict[str, list[dict[str, Any]]]
    selfies: list[Selfie]
    photos: list[tuple[Event, list[Original]]]


def archive(user_id: int, language: str) -> Archive:
    """Return everything held about an account as a ZIP. No session may be open.

    What an account of a photographer or an admin gets has no pictures: the photos they sent are named.

    Raises:
        NoSuchUser: there is no such account, or no longer.
    """
    with reading() as session:
        owner = account_queries.user(session, user_id)
        if owner is None:
            raise errors.NoSuchUser
        tables = dict(queries.rows_of(session, user_id))
        # A selfie that was sent since the table was read is in the next export.
        known = {each["id"] for each in tables["selfies"]}
        found = _Found(
            tables,
            [each for each in selfie_queries.not_rejected(session, user_id) if each.id in known],
            [
                (event, list(photo_queries.originals(session, user_id, event, "mine")))
                for event in (each.event for each in event_queries.joined(session, user_id))
            ]
            if owner.user_type == GUEST
            else [],
        )
    files = [*_texts(found.tables, language), *_portraits(found.selfies), *_photos(found.photos)]
    return Archive(None, f"{NAME}-{user_id}.zip", files, Action.ACCOUNT_EXPORTED, subject_id=user_id)


def _texts(tables: dict[str, list[dict[str, Any]]], language: str) -> Iterator[File]:
    # Their times are those of the account: an export that has not changed is the same file, and resumes.
    at = tables["users"][0]["created_at"] if tables["users"] else utcnow()
    readme = TEXTS / f"{language if language in ('fr', 'en') else 'fr'}.txt"
    yield _held("README.txt", readme.read_bytes(), at)
    yield _held("data.json", as_json(tables), at)
    for table, rows in tables.items():
        if rows:
            yield _held(f"csv/{table}.csv", as_csv(EXPORTED[table], rows), at)


def _held(name: str, data: bytes, at: datetime) -> File:
    # The bytes are part of what the archive's tag stands for.
    crc32 = zlib.crc32(data)
    return File(Held(f"{name}:{crc32}", data), Entry(name, len(data), at.astimezone(UTC)), crc32)


def _portraits(selfies: list[Selfie]) -> Iterator[File]:
    for selfie in selfies:
        if selfie.storage_key is None:
            continue
        try:
            jpeg = files.read(selfie.storage_key)
        except storage.MissingObject:
            continue
        yield _held(f"selfies/{selfie.id}.jpg", jpeg, selfie.created_at)


def _photos(found: list[tuple[Event, list[Original]]]) -> Iterator[File]:
    for event, rows in found:
        yield from files_of(event, rows, f"photos/{event.id} {names.safe(event.name)}".strip() + "/")
