"""The files of selfies: encrypted, each with a key of its own, which is erased with it."""

import uuid

import storage
from encryption import keys
from encryption.cipher import FORMAT, Unreadable, decrypted, encrypted
from encryption.store import NoSuchKey


def put(jpeg: bytes) -> str:
    """Store a portrait and return its storage key, a random name: it does not tell whose face it is.

    Raises:
        KeysUnavailable: no key can be had now. StorageError: the storage failed.
    """
    key = f"selfies/{uuid.uuid4().hex}.jpg"
    write(key, jpeg)
    return key


def write(key: str, jpeg: bytes) -> None:
    """Store a portrait under a storage key, encrypted; the file that is there is replaced at once.

    Raises:
        KeysUnavailable, StorageError: see `put`.
    """
    storage.put(key, encrypted(keys.ensure(keys.of_portrait(key)), jpeg, key.encode()))


def read(key: str) -> bytes:
    """Return a portrait as a JPEG, also one that an earlier release has stored plain.

    Raises:
        MissingObject: the file is gone, or its key was destroyed.
        KeysUnavailable, StorageError: see `put`.
    """
    data = storage.get(key)
    if not is_encrypted(data):
        return data
    try:
        return decrypted(keys.key(keys.of_portrait(key)), data, key.encode())
    except NoSuchKey as error:
        raise storage.MissingObject(key) from error
    except Unreadable as error:
        raise storage.StorageError(f"{key} does not fit its key") from error


def is_encrypted(data: bytes) -> bool:
    """Return whether these are the bytes of an encrypted file."""
    return data.startswith(FORMAT)


def discard(key: str) -> None:
    """Erase a portrait that got no row, and its key.

    Raises:
        StorageError: the storage failed.
    """
    keys.destroy([keys.of_portrait(key)])
    storage.delete([key])
