"""Files without a row, on their way out: they lie under `quarantine/LABEL/KEY` before they are erased.

A label begins with the day of the sweep, as `2026-11-25`. Files that an operator forced into it have the label
`2026-11-25-forced`.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

import storage

PREFIX = "quarantine/"
FORCED = "-forced"


def label_of(now: datetime, *, forced: bool) -> str:
    """Return the label of what is quarantined at that time."""
    return f"{now.date().isoformat()}{FORCED if forced else ''}"


def age_in_days(label: str, now: datetime) -> int:
    """Return the whole days since the day of a label; 0 for any other label, so that its files stay."""
    try:
        return (now.date() - date.fromisoformat(label.removesuffix(FORCED))).days
    except ValueError:
        return 0


def put_in(key: str, label: str) -> bool:
    """Move a file into the quarantine; return False if it is gone.

    Raises:
        StorageError: the storage failed.
    """
    return storage.move(key, f"{PREFIX}{label}/{key}")


def take_out(label: str, key: str) -> bool:
    """Move a file back to where it was, unless there is one again; return False if it is gone.

    Raises:
        StorageError: the storage failed.
    """
    copy = f"{PREFIX}{label}/{key}"
    if storage.exists(key):
        storage.delete([copy])
        return True
    return storage.move(copy, key)


def find(key: str) -> str | None:
    """Return the key under which a file lies in the quarantine, or None.

    Raises:
        StorageError: the storage failed.
    """
    copies = (f"{PREFIX}{label}/{key}" for label in storage.folders(PREFIX))
    return next((copy for copy in copies if storage.exists(copy)), None)


def contents(size: int) -> Iterator[list[tuple[str, str]]]:
    """Yield label and former key of every file in the quarantine, in batches of at most `size`.

    Raises:
        StorageError: the storage failed.
    """
    for batch in storage.objects(size, [PREFIX]):
        parts = [path.split("/", 2) for path, _ in batch]
        yield [(each[1], each[2]) for each in parts if len(each) > 2]


def discard(label: str, key: str) -> None:
    """Erase a file of the quarantine.

    Raises:
        StorageError: the storage failed.
    """
    storage.delete([f"{PREFIX}{label}/{key}"])


def erase(keys: Sequence[str]) -> None:
    """Erase files and their copies in the quarantine; missing ones are skipped.

    Raises:
        StorageError: the storage failed. Files before the failure are erased.
    """
    storage.delete(keys)
    for label in storage.folders(PREFIX):
        storage.delete(f"{PREFIX}{label}/{key}" for key in keys)
