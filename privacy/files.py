"""Checks of files: each has a row, each row has its files, and what was to be erased is erased."""

from collections.abc import Iterator
from datetime import timedelta

import storage
from database import reading
from jobs import pairing, sweep
from models import DONE, Photo, utcnow
from photos.keys import FULL, MEDIUM, RENDITIONS, key_of, storage_key
from privacy import queries
from privacy.findings import Check, Finding, Scope
from privacy.reading import all_rows
from stored import quarantine
from stored.erasure import LATE_WRITERS

STORAGE = "storage"
# An erasure is repeated after `LATE_WRITERS`; a running service looks every half minute.
OVERDUE = LATE_WRITERS + timedelta(minutes=5)


def orphans(scope: Scope) -> Iterator[Finding]:
    """Yield files that no row names, and those that have lain in the quarantine for too long."""
    found = sweep.sweep(scope.grace, dry_run=True)
    for key in found.orphans:
        yield Finding(STORAGE, key)
    for label, key in found.expired:
        yield Finding(STORAGE, f"{quarantine.PREFIX}{label}/{key}")


def unpaired(_: Scope) -> Iterator[Finding]:
    """Yield why nothing can be erased: the storage is not this database's own."""
    reason = pairing.problem(change=False)
    if reason is not None:
        yield Finding(STORAGE, reason.partition(". ")[0])


def overdue(_: Scope) -> Iterator[Finding]:
    """Yield files that were to be erased, and are recorded as such for too long."""
    with reading() as session:
        keys = queries.overdue_erasures(session, utcnow() - OVERDUE)
    for key in keys:
        still = storage.exists(key) or quarantine.find(key) is not None
        yield Finding(STORAGE if still else "erasures", key)


def missing(_: Scope) -> Iterator[Finding]:
    """Yield the files that a row names and that are nowhere."""
    for table, key in _named():
        if not storage.exists(key) and quarantine.find(key) is None:
            yield Finding(table, key)


def _named() -> Iterator[tuple[str, str]]:
    """Yield each file that must be there, with the table of the row that names it."""
    for _, photo in all_rows(queries.photos_after):
        yield from (("photos", key) for key in (key_of(photo, "original"), *rendition_keys_of(photo)))
    for _, key in all_rows(queries.selfie_files_after):
        yield "selfies", str(key)
    for _, event_id, name in all_rows(queries.raw_files_after):
        yield "photo_raws", storage_key(event_id, name, "original")
    # Renditions of photos in the trash may be missing: see `photos/trash/files.py`.
    for _, event_id, *names in all_rows(queries.trashed_files_after):
        yield from (("trashed_photos", storage_key(event_id, name, "original")) for name in names if name)


def rendition_keys_of(photo: Photo) -> list[str]:
    """Return the storage keys of the renditions that a processed photo has; none of one that is not processed."""
    if photo.status != DONE:
        return []
    made = [*RENDITIONS, *([FULL] if photo.full_size is not None else [])]
    return [key_of(photo, size) for size in made if size != MEDIUM or photo.has_medium]


CHECKS = (
    Check("unpaired-storage", "The storage belongs to this database.", unpaired),
    Check("orphan-file", "Each file in storage has a row.", orphans),
    Check("erasure-overdue", "Each file that was to be erased is gone.", overdue),
    Check("missing-file", "Each file that a row names is there.", missing),
)
