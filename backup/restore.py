"""Restore a backup into an empty database and an empty storage: `python -m backup.restore DIR`.

Everything is verified before anything is written. The service must not run.
"""

import argparse
import sqlite3
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psycopg
from sqlalchemy.exc import SQLAlchemyError

import storage
from backup import files, loading
from backup.files import BackupProblem, FileEntry, Manifest
from database import forget_engine
from migrations.upgrade import MigrationProblem, known_revisions
from models import utcnow
from settings import UnsafeSettings
from stored import identity, quarantine, restored

WRITES_AT_ONCE = 8


def restore(folder: Path) -> Manifest:
    """Restore the backup; return what it holds. On an error the files already stored are erased again.

    Raises:
        BackupProblem: the backup is incomplete, damaged or too new, or the target is not empty.
        SQLAlchemyError, psycopg.Error, sqlite3.Error, StorageError, OSError: database, storage or disk failed.
    """
    manifest = files.read_manifest(folder, known_revisions())
    files.verify(folder, manifest)
    loading.check_empty(manifest)
    _check_storage_empty()
    objects = list(manifest.objects())
    # Of its own, not that of the original: where one of the two is connected to the other's storage, it shows.
    installation_id = str(uuid.uuid4())
    try:
        # A backup from before ids gets one at the first start.
        if "installation" in manifest.rows:
            identity.take_storage(installation_id)
        else:
            storage.delete([identity.KEY])
        restored.mark(f"{manifest.created_at:%Y-%m-%d %H:%M}")
        # As in the service, files come before the rows that name them.
        with ThreadPoolExecutor(WRITES_AT_ONCE) as pool:
            list(pool.map(lambda each: _put(folder, *each), objects))
        loading.load(folder, manifest, installation_id)
    except BaseException:
        # The error that is on its way says more than one of this cleaning up.
        with suppress(storage.StorageError):
            storage.delete([*(key for key, _ in objects), identity.KEY, restored.KEY])
        raise
    finally:
        forget_engine()
    return manifest


def _put(folder: Path, key: str, entry: FileEntry) -> None:
    storage.put(key, (folder / entry.path).read_bytes())


def _check_storage_empty() -> None:
    # Clocks of storages differ; no object is from tomorrow.
    for batch in storage.listed(utcnow() + timedelta(days=1), 1):
        if batch:
            raise BackupProblem(f"the storage is not empty: it holds {batch[0]}.")
    for contents in quarantine.contents(1):
        raise BackupProblem(f"the storage is not empty: {contents[0][1]} is in its quarantine.")


def main() -> None:
    """Restore and print what was restored."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of a backup")
    folder = parser.parse_args().folder
    try:
        manifest = restore(folder)
    except (BackupProblem, MigrationProblem, UnsafeSettings, storage.StorageError) as problem:
        sys.exit(f"Nothing was restored: {str(problem).splitlines()[0]}")
    except (SQLAlchemyError, psycopg.Error, sqlite3.Error, OSError) as problem:
        reason = str(getattr(problem, "orig", None) or problem).splitlines()[0]
        sys.exit(f"Nothing was restored: {reason}")
    rows, objects = sum(manifest.rows.values()), sum(1 for _ in manifest.objects())
    print(f"Restored the backup of {manifest.created_at:%Y-%m-%d %H:%M} UTC: {rows} rows, {objects} stored files")
    print("Before the first start, erase what was erased since the backup: python -m privacy.reapply")


if __name__ == "__main__":
    main()
