"""Back up database and storage while the service runs: `python -m backup.take DIR`.

The database first, then every file that its rows name. The service stores a file before its row and erases it after
its row: each row of the snapshot has its files, or was deleted since.
"""

import argparse
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
from obstore.exceptions import BaseError
from sqlalchemy.exc import SQLAlchemyError

import storage
from backup import files, queries, snapshot
from backup.files import STORAGE, BackupProblem, Deleted, FileEntry, Manifest
from backup.queries import StoredObject
from database import get_engine
from models import utcnow
from settings import UnsafeSettings
from stored import quarantine

# A remote storage takes some 10 ms to answer; more threads than this do not copy faster from a local disk.
COPIES_AT_ONCE = 8


def take(folder: Path) -> Manifest:
    """Back up into a new or empty folder; return what the backup holds. On an error the folder is left empty.

    Raises:
        BackupProblem: the folder is not empty, or there is nothing this release can back up.
        SQLAlchemyError, psycopg.Error, sqlite3.Error, StorageError, OSError: database, storage or disk failed.
    """
    with files.private_files(), files.new_folder(folder):
        created_at = utcnow()
        taken = snapshot.dump(folder)
        copied = _copy(folder, taken.objects)
        _copy_renewed(folder, copied)
        deleted, lost = _explain(copied)
        _remove_deleted(folder, copied, deleted)
        manifest = Manifest(
            created_at=created_at,
            database="sqlite" if snapshot.kind() == "sqlite" else "postgresql",
            revision=taken.revision,
            rows=taken.rows,
            columns=taken.columns,
            sequences=taken.sequences,
            files=taken.files + [entry for entry in copied.values() if entry is not None],
            deleted=deleted,
            lost=lost,
        )
        files.complete(folder, manifest)
    return manifest


def _copy(folder: Path, objects: Sequence[StoredObject]) -> dict[StoredObject, FileEntry | None]:
    """Copy the objects; return the file of each, or None for those that are not in the storage."""

    def copy(wanted: StoredObject) -> FileEntry | None:
        try:
            size, chunks = storage.stream(wanted.key)
        except storage.MissingObject:
            # The next sweep would return it to its place.
            quarantined = quarantine.find(wanted.key)
            if quarantined is None:
                return None
            size, chunks = storage.stream(quarantined)
        return files.write(folder, f"{STORAGE}/{wanted.key}", _checked(chunks, size, wanted.key))

    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        return dict(zip(objects, pool.map(copy, objects), strict=True))


def _copy_renewed(folder: Path, copied: dict[StoredObject, FileEntry | None]) -> None:
    """Copy renditions that were replaced after the snapshot: the new ones, under the keys of the old ones."""
    missing = [each for each, entry in copied.items() if entry is None and each.required and each.size is not None]
    for each in missing:
        with get_engine().connect() as connection:
            key = queries.renewed(connection, each)
        with suppress(storage.MissingObject):
            if key is not None:
                size, chunks = storage.stream(key)
                copied[each] = files.write(folder, f"{STORAGE}/{each.key}", _checked(chunks, size, key))


def _checked(chunks: Iterator[bytes], size: int, key: str) -> Iterator[bytes]:
    got = 0
    try:
        for chunk in chunks:
            got += len(chunk)
            yield chunk
    except BaseError as error:
        raise storage.StorageError(f"{key}: {error}") from error
    if got != size:
        raise storage.StorageError(f"{key}: {got} of {size} bytes came")


def _explain(copied: dict[StoredObject, FileEntry | None]) -> tuple[Deleted, list[str]]:
    """Return which rows were deleted with their files since the snapshot, and the keys of files that are lost."""
    deleted, lost = Deleted(), []
    missing = [each for each, entry in copied.items() if entry is None and each.required]
    with get_engine().connect() as connection:
        for each in missing:
            if queries.is_named(connection, each):
                lost.append(each.key)
            else:
                deleted.of(each.table).add(each.row_id)
    return deleted, lost


def _remove_deleted(folder: Path, copied: dict[StoredObject, FileEntry | None], deleted: Deleted) -> None:
    """Remove the files of deleted rows that were copied before the service erased them."""
    for each, entry in copied.items():
        if entry is not None and each.row_id in deleted.of(each.table):
            (folder / entry.path).unlink()
            copied[each] = None


def main() -> None:
    """Back up and print what the backup holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    folder = parser.parse_args().folder
    try:
        manifest = take(folder)
    except (BackupProblem, UnsafeSettings, storage.StorageError) as problem:
        sys.exit(f"No backup was taken: {str(problem).splitlines()[0]}")
    except (SQLAlchemyError, psycopg.Error, sqlite3.Error, OSError) as problem:
        reason = str(getattr(problem, "orig", None) or problem).splitlines()[0]
        sys.exit(f"No backup was taken: {reason}")
    for key in manifest.lost:
        print(f"Warning: {key} is named by a row and not in the storage.", file=sys.stderr)
    objects, size = sum(1 for _ in manifest.objects()), sum(entry.size for entry in manifest.files)
    print(f"{folder}: {sum(manifest.rows.values())} rows, {objects} stored files, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
