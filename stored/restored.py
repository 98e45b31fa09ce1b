"""Whether a backup was restored, and what was erased after it was taken is not erased again yet.

The mark is an object in the storage, so that a backup of any release can be restored with it.
"""

import logging

import storage

log = logging.getLogger("reperio.storage")
KEY = ".restored"


def mark(taken_at: str) -> None:
    """Note that a backup of this time was restored.

    Raises:
        StorageError: the storage failed.
    """
    storage.put(KEY, taken_at.encode())


def waits() -> str | None:
    """Return when the restored backup was taken, as long as erasures have not been repeated; else None.

    Raises:
        StorageError: the storage failed.
    """
    try:
        return storage.get(KEY).decode(errors="replace")
    except storage.MissingObject:
        return None


def warn() -> None:
    """Write a line to the log as long as erasures have not been repeated.

    Raises:
        StorageError: the storage failed.
    """
    if (taken_at := waits()) is not None:
        log.error(
            "A backup of %s UTC was restored, and what people had erased since is there again. "
            "Run python -m privacy.reapply.",
            taken_at,
        )


def done() -> None:
    """Note that the erasures since the backup are repeated.

    Raises:
        StorageError: the storage failed.
    """
    storage.delete([KEY])
