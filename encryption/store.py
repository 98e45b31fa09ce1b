"""The key store: a folder, or a bucket, in which each data key lies under its name, encrypted with a master key.

Apart from database and storage, so that no backup of these holds a key. `.check` shows whether the master key fits,
and that the store is the one that was there before: an empty one is never taken for keys that were destroyed.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import datetime

import storage
from encryption.cipher import Unreadable, decrypted, encrypted
from encryption.master import KeysUnavailable, MasterKey
from settings import UnsafeSettings, get_settings

CHECK, OWNER = ".check", ".installation"
EVENTS, PORTRAITS = "events/", "selfies/"
# Keys that no row named. They lie here for some days before they are destroyed.
SET_ASIDE = "orphans/"
BATCH = 500


class NoSuchKey(Exception):
    """The store is there and has no key of this name: it was destroyed."""


def url() -> str:
    """Return the address of the key store: `KEY_STORE_URL`, else beside the folder of the storage, or in its bucket.

    Raises:
        UnsafeSettings: the settings are malformed.
    """
    settings = get_settings()
    if settings.key_store_url:
        return settings.key_store_url
    folder = storage.local_root(settings.storage_url)
    if folder is None:
        # The names of keys are no photo's and no selfie's; no backup of the storage takes them.
        return f"{settings.storage_url.rstrip('/')}/keys"
    return folder.with_name(f"{folder.name}.keys").as_uri()


def _wrapped(name: str, key: bytes, master: MasterKey) -> bytes:
    data = base64.b64encode(encrypted(master.key, key, name.encode())).decode()
    return json.dumps({"master": master.name, "key": data}).encode()


def unwrapped(name: str, content: bytes, masters: Iterable[MasterKey]) -> bytes:
    """Return the data key that an object of the store holds.

    Raises:
        KeysUnavailable: it was encrypted with another master key, or is damaged.
    """
    try:
        told = json.loads(content)
        named, data = str(told["master"]), base64.b64decode(told["key"], validate=True)
    except (ValueError, KeyError, TypeError) as error:
        raise KeysUnavailable(f"{name} in the key store is damaged") from error
    for each in masters:
        if each.name == named:
            try:
                return decrypted(each.key, data, name.encode())
            except Unreadable as error:
                raise KeysUnavailable(f"{name} in the key store is damaged") from error
    raise KeysUnavailable(f"the master key is another one than {named}, with which {name} was encrypted")


def read(name: str) -> bytes:
    """Return the object of a key, also of one that was set aside.

    Raises:
        NoSuchKey: there is none. KeysUnavailable: the store does not answer, or is another, empty one.
    """
    for place in (name, SET_ASIDE + name):
        content = _get(place)
        if content is not None:
            return content
    if _get(CHECK) is None:
        raise KeysUnavailable(f"the key store {url()} is empty")
    raise NoSuchKey(name)


def _get(place: str) -> bytes | None:
    try:
        return storage.get(place, url=url())
    except storage.MissingObject:
        return None
    except (storage.StorageError, UnsafeSettings) as error:
        raise KeysUnavailable(f"the key store cannot be read: {str(error).splitlines()[0]}") from error


def owner() -> str | None:
    """Return the id of the installation that may destroy keys here; None if no one has claimed the store.

    Raises:
        KeysUnavailable: the store does not answer.
    """
    found = _get(OWNER)
    return found.decode(errors="replace").strip() if found is not None else None


def stored(name: str) -> bytes | None:
    """Return the object of a key as it is stored; None if there is none.

    Raises:
        KeysUnavailable: the store does not answer.
    """
    return _get(name)


def has(name: str) -> bool:
    """Return whether there is a key of this name, also one that was set aside.

    Raises:
        KeysUnavailable: the store does not answer.
    """
    return any(_get(place) is not None for place in (name, SET_ASIDE + name)) if name else False


def has_check() -> bool:
    """Return whether the store was set up.

    Raises:
        KeysUnavailable: it does not answer.
    """
    return _get(CHECK) is not None


def add(name: str, key: bytes, master: MasterKey) -> bool:
    """Store a new key durably; return False if there is one of this name.

    Raises:
        StorageError: the store cannot be written.
    """
    return storage.create(name, _wrapped(name, key, master), url=url())


def change_master(name: str, masters: list[MasterKey]) -> bool:
    """Encrypt a key anew with the first of these master keys; return False if it was already, or is gone.

    Raises:
        KeysUnavailable: none of these fits, or the store does not answer. StorageError: it cannot be written.
    """
    content = _get(name)
    if content is None or json.loads(content).get("master") == masters[0].name:
        return False
    own = name.removeprefix(SET_ASIDE)
    put(name, _wrapped(own, unwrapped(own, content, masters), masters[0]))
    return True


def put(name: str, content: bytes) -> None:
    """Replace the object of a key.

    Raises:
        StorageError: the store cannot be written.
    """
    storage.put(name, content, url=url())


def set_aside(name: str) -> bool:
    """Move a key that no row names; return False if it is gone.

    Raises:
        KeysUnavailable, StorageError: the store failed.
    """
    content = _get(name)
    if content is None:
        return False
    put(SET_ASIDE + name, content)
    storage.delete([name], url=url())
    return True


def destroy(names: Iterable[str]) -> None:
    """Delete keys, also where they are set aside. Missing ones are skipped.

    Raises:
        StorageError: the store failed; keys before the failure are deleted.
    """
    storage.delete([place for name in names for place in (name, SET_ASIDE + name)], url=url())


def names(prefixes: Iterable[str] = (EVENTS, PORTRAITS)) -> Iterator[list[tuple[str, datetime]]]:
    """Yield the names and times of change of all keys but those set aside, in batches.

    Raises:
        StorageError: the store failed.
    """
    yield from storage.objects(BATCH, prefixes, url=url())
