"""The folder of a backup: files that only their owner reads, and the manifest that completes them.

`manifest.json` lists every file with its SHA-256. `manifest.sha256` is written last: a backup without it is
incomplete.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

FORMAT = 1
MANIFEST, SEAL = "manifest.json", "manifest.sha256"
DATABASE, STORAGE = "database", "storage"
OWNER_ONLY = 0o077
CHUNK_BYTES = 1024 * 1024


class BackupProblem(Exception):
    """The backup cannot be taken or restored; the message says why in one line."""


class FileEntry(BaseModel):
    """A file of the backup: its path below the folder, its size in bytes and its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


class Deleted(BaseModel):
    """Ids of rows in the snapshot that were deleted, with their files, before these files could be copied."""

    photos: set[int] = set()
    selfies: set[int] = set()

    def of(self, table: str) -> set[int]:
        """Return the ids of a table's rows."""
        return self.photos if table == "photos" else self.selfies


class Manifest(BaseModel):
    """What a backup holds."""

    format: int = FORMAT
    created_at: datetime
    database: Literal["sqlite", "postgresql"]
    revision: str
    rows: dict[str, int] = Field(description="Number of rows of each table.")
    columns: dict[str, list[str]] = Field(default={}, description="PostgreSQL: the columns of each table's file.")
    sequences: dict[str, int] = Field(default={}, description="PostgreSQL: the last number each sequence gave.")
    files: list[FileEntry]
    deleted: Deleted = Deleted()
    lost: list[str] = Field(default=[], description="Keys that a row names and the storage did not have.")

    def objects(self) -> Iterator[tuple[str, FileEntry]]:
        """Return the storage key and the file of each stored object."""
        for entry in self.files:
            if entry.path.startswith(f"{STORAGE}/"):
                yield entry.path.removeprefix(f"{STORAGE}/"), entry


@contextmanager
def private_files() -> Iterator[None]:
    """Make new files 0600 and new folders 0700 within the block: a backup shows faces."""
    before = os.umask(OWNER_ONLY)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make the folder of a backup, which must not exist or must be empty; remove what is in it on any error.

    Raises:
        BackupProblem: it holds something, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BackupProblem(f"{folder} is not empty; name a new folder.")
        folder.chmod(0o700)
    except OSError as error:
        raise BackupProblem(f"{folder} cannot be used: {error.strerror}.") from error
    try:
        yield
    except BaseException:
        for each in folder.iterdir():
            shutil.rmtree(each, ignore_errors=True) if each.is_dir() else each.unlink()
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(folder: Path, path: str, chunks: Iterable[bytes]) -> FileEntry:
    """Write a file of the backup to disk and return its entry."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        file.flush()
        os.fsync(file.fileno())
    return FileEntry(path=path, size=size, sha256=digest.hexdigest())


def entry_of(folder: Path, path: str) -> FileEntry:
    """Return the entry of a file that is there, once it is on disk."""
    _sync(folder / path)
    size, sha256 = _measure(folder / path)
    return FileEntry(path=path, size=size, sha256=sha256)


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()


def complete(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, and then the checksum that makes the backup complete."""
    written = write(folder, MANIFEST, [manifest.model_dump_json(indent=1).encode()])
    for each in folder.rglob("*"):
        if each.is_dir():
            _sync(each)
    write(folder, SEAL, [f"{written.sha256}  {MANIFEST}\n".encode()])
    _sync(folder)


def read_manifest(folder: Path, known_revisions: set[str]) -> Manifest:
    """Return the manifest of a complete backup that this release can restore.

    Raises:
        BackupProblem: there is no backup, it is incomplete or damaged, or a newer release took it.
    """
    try:
        sealed, content = (folder / SEAL).read_text().split(), (folder / MANIFEST).read_bytes()
    except OSError as error:
        present = folder.is_dir() and any(folder.iterdir())
        reason = "the backup is incomplete: it was interrupted" if present else "there is no backup"
        raise BackupProblem(f"{folder}: {reason}.") from error
    if [hashlib.sha256(content).hexdigest(), MANIFEST] != sealed:
        raise BackupProblem(f"{folder}: {MANIFEST} is damaged: its checksum does not fit.")
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise BackupProblem(f"{folder}: {MANIFEST} cannot be read; use the release that took the backup.") from error
    if manifest.format != FORMAT or manifest.revision not in known_revisions:
        raise BackupProblem(f"{folder}: a newer release took this backup; restore it with that one.")
    return manifest


def verify(folder: Path, manifest: Manifest) -> None:
    """Compare every file of the backup with its checksum.

    Raises:
        BackupProblem: a file is missing or changed.
    """
    for entry in manifest.files:
        if ".." in PurePosixPath(entry.path).parts or PurePosixPath(entry.path).is_absolute():
            raise BackupProblem(f"{folder}: {entry.path} is not a path within the backup.")
        try:
            found = _measure(folder / entry.path)
        except OSError as error:
            raise BackupProblem(f"{folder}: {entry.path} is missing.") from error
        if found != (entry.size, entry.sha256):
            raise BackupProblem(f"{folder}: {entry.path} is damaged: its checksum does not fit.")
