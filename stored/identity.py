"""The id of an installation, as the storage carries it."""

import storage

KEY = ".installation"


def of_storage() -> str | None:
    """Return the id of the installation that the storage belongs to, or None if it carries none.

    Raises:
        StorageError: the storage failed.
    """
    try:
        return storage.get(KEY).decode(errors="replace").strip()
    except storage.MissingObject:
        return None


def claim_storage(uuid: str) -> str:
    """Give the storage this id unless it carries one; return the one it carries. Of two that claim at once, one wins.

    Raises:
        StorageError: the storage failed.
    """
    try:
        if storage.create(KEY, uuid.encode()):
            return uuid
    except storage.StorageError:
        # Some servers refuse conditional writes. All processes of one database offer the same id.
        if of_storage() is None:
            take_storage(uuid)
    return of_storage() or ""


def take_storage(uuid: str) -> None:
    """Give the storage this id, whatever it carried before.

    Raises:
        StorageError: the storage failed.
    """
    storage.put(KEY, uuid.encode())
