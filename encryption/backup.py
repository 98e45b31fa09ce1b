"""Copy the key store, or bring keys back: `python -m encryption.backup take FOLDER`, `… restore FOLDER`, `… claim`.

A backup holds the data keys as they are stored, encrypted with the master key, which it does not hold. Keep it apart
from the backups of database and storage, and for a shorter time: what was erased can be read in these only as long as
its key is in a backup of the key store. A restore adds the keys that are missing and that the database names: a key
that was destroyed with its event or portrait stays destroyed. `claim` makes the key store this installation's own,
where it replaces the one that the store was made for: only its own installation destroys keys. Exit status: 0 done, 2
not.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

import storage
from database import reading
from encryption import keys, store
from encryption.master import KeysUnavailable
from encryption.store import CHECK, EVENTS, PORTRAITS
from settings import UnsafeSettings


def take(folder: Path) -> int:
    """Copy all keys into a new folder and return how many.

    Raises:
        OSError: the folder is there, or cannot be written.
        KeysUnavailable, StorageError: the key store does not answer.
    """
    keys.check()
    folder.mkdir(parents=True, mode=0o700)
    number = 0
    for batch in store.names():
        for name, _ in batch:
            content = store.stored(name)
            if content is not None:
                _write(folder / name, content)
                number += 1
    # Last: a copy without it is incomplete.
    _write(folder / CHECK, store.stored(CHECK) or b"")
    return number


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def restore(folder: Path) -> int:
    """Store the keys of a backup that are missing and that a row names; return how many.

    Raises:
        OSError: there is no complete backup.
        KeysUnavailable, StorageError: the key store cannot be used. SQLAlchemyError: the database does not answer.
    """
    check = (folder / CHECK).read_bytes()
    if not store.has_check():
        store.put(CHECK, check)
    keys.check()
    number = 0
    for name in _needed(folder):
        if store.stored(name) is None:
            store.put(name, (folder / name).read_bytes())
            number += 1
    return number


def _needed(folder: Path) -> Iterator[str]:
    for prefix in (EVENTS, PORTRAITS):
        names = sorted(f"{prefix}{each.name}" for each in (folder / prefix).glob("*"))
        for begin in range(0, len(names), store.BATCH):
            with reading() as session:
                yield from keys.named(session, names[begin : begin + store.BATCH])


def main() -> int:
    """Do what the arguments ask for, say what was done, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m encryption.backup", description=(__doc__ or "").partition(": `")[0]
    )
    parser.add_argument("what", choices=("take", "restore", "claim"))
    parser.add_argument("folder", type=Path, nargs="?")
    asked = parser.parse_args()
    if (asked.folder is None) != (asked.what == "claim"):
        parser.error("take and restore need a folder, claim needs none")
    try:
        if asked.what == "claim":
            keys.claim()
            print("The key store is this installation's own.")
            return 0
        number = take(asked.folder) if asked.what == "take" else restore(asked.folder)
    except (KeysUnavailable, storage.StorageError, UnsafeSettings, SQLAlchemyError, OSError) as problem:
        said = f"{problem.filename}: {problem.strerror}" if isinstance(problem, OSError) else str(problem)
        print(f"Not done: {said.splitlines()[0]}", file=sys.stderr)
        return 2
    print(f"{number} keys {'copied' if asked.what == 'take' else 'brought back'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
