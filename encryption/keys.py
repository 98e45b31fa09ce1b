"""The data keys: made, read, held in memory, and forgotten."""

import logging
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from cachetools import LRUCache
from sqlalchemy.orm import Session

from database import reading
from encryption import master, queries, store
from encryption.cipher import new_key
from encryption.master import KeysUnavailable, MasterKey
from encryption.store import NoSuchKey

log = logging.getLogger("reperio.keys")
# Keys held in memory by each process: of 32 bytes.
MAX_KEYS = 50_000
# Keys read at the same time.
READERS = 16
_held: LRUCache[str, bytes] = LRUCache(MAX_KEYS)
_lock = threading.Lock()
_masters: list[MasterKey] = []
_store_url = ""
_problem: str | None = None


def check() -> None:
    """Return if keys can be used in this process. Asks again only while they cannot.

    The first call of an installation makes the master key's file, if there is none, and the key store.

    Raises:
        KeysUnavailable: the master key is missing or another one, or the key store is.
        StorageError: the key store cannot be written, at the first call of an installation.
    """
    global _store_url
    url = store.url()
    if _masters and _store_url == url:
        return
    try:
        found = _prepared()
    except KeysUnavailable as error:
        note(error)
        raise
    if _store_url != url:
        forget()
    with _lock:
        _masters[:], _store_url = found, url
    note(None)


def _prepared() -> list[MasterKey]:
    if not store.has_check():
        with reading() as session:
            needed = queries.needs_keys(session)
        if needed:
            raise KeysUnavailable(f"the key store {store.url()} is empty, and the database needs its keys")
        master.ensure()
        store.add(store.CHECK, new_key(), master.configured()[0])
    found = master.configured()
    store.unwrapped(store.CHECK, store.read(store.CHECK), found)
    return found


def note(error: KeysUnavailable | None) -> None:
    """Write one line to the log when keys become unavailable, and one when they can be used again.

    After the former, the next call of `check` asks again.
    """
    global _problem
    if error is not None:
        with _lock:
            _masters.clear()
    problem = str(error) if error is not None else None
    if problem != _problem:
        if problem is not None:
            log.error(
                "Keys are not available, so no portrait is received or shown and no face compared: %s.", problem
            )
        else:
            log.info("Keys are available again.")
        _problem = problem


def key(name: str) -> bytes:
    """Return the data key of this name.

    Raises:
        NoSuchKey: it was destroyed. KeysUnavailable: it cannot be had now.
    """
    with _lock:
        held = _held.get(name)
    if held is not None:
        return held
    check()
    content = store.read(name)
    try:
        found = store.unwrapped(name, content, _masters)
    except KeysUnavailable:
        # The master key may have been changed meanwhile.
        masters = master.configured()
        found = store.unwrapped(name, content, masters)
        with _lock:
            _masters[:] = masters
    with _lock:
        _held[name] = found
    return found


def load(names: Iterable[str]) -> None:
    """Read keys that are not in memory, several at a time: one by one, those of a bucket take seconds.

    Raises:
        KeysUnavailable: they cannot be had now.
    """
    missing = [name for name in dict.fromkeys(names) if name not in _held]
    if len(missing) > 1:
        check()
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(_read_if_there, missing))


def _read_if_there(name: str) -> None:
    with suppress(NoSuchKey):
        key(name)


def ensure(name: str) -> bytes:
    """Return the data key of this name, which is made if there is none; when this returns, it is durable.

    Raises:
        KeysUnavailable: it cannot be had now. StorageError: the key store cannot be written.
    """
    try:
        return key(name)
    except NoSuchKey:
        made = new_key()
        # Read anew: a key that is made while `encryption.rotate` runs must not need the old master key.
        if not store.add(name, made, master.configured()[0]):
            return key(name)
        with _lock:
            _held[name] = made
        return made


def of_portrait(storage_key: str) -> str:
    """Return the name of the key of a selfie, given its storage key: without the ending."""
    return storage_key.rsplit(".", 1)[0]


def of_event(session: Session, event_id: int) -> str | None:
    """Return the name of the event's key; None if it has none."""
    return queries.event_key(session, event_id)


def may_destroy() -> bool:
    """Return whether the key store is this installation's own; one that nobody has claimed becomes its own.

    A copy of the database may share the key store of its original, which still needs what the copy erases.

    Raises:
        KeysUnavailable: the key store does not answer. StorageError: it cannot be written.
    """
    with reading() as session:
        own = queries.installation_id(session)
    found = store.owner()
    if found is None:
        claim()
    return found in (None, own)


def claim() -> None:
    """Make the key store this installation's own, whoever it belonged to.

    Raises:
        StorageError: the key store cannot be written.
    """
    with reading() as session:
        own = queries.installation_id(session)
    if own is not None:
        store.put(store.OWNER, own.encode())


def destroy(names: Iterable[str]) -> None:
    """Destroy keys for good, and drop them from the memory of this process. Missing ones are skipped.

    Raises:
        StorageError: the key store failed; keys before the failure are destroyed.
    """
    wanted = list(names)
    store.destroy(wanted)
    forget(wanted)


def named(session: Session, names: Sequence[str]) -> set[str]:
    """Return those of `names` that a row needs: the key of an event, or of a portrait."""
    events = queries.known_events(session, [each for each in names if each.startswith(store.EVENTS)])
    return events | {of_portrait(each) for each in queries.storage_keys_named(session, names)}


def forget(names: Iterable[str] | None = None) -> None:
    """Drop these keys from the memory of this process; without names, all of them."""
    with _lock:
        if names is None:
            _held.clear()
        for name in names or ():
            _held.pop(name, None)


def start_anew() -> None:
    """Forget the master keys too, as in a fresh process."""
    global _problem
    forget()
    with _lock:
        _masters.clear()
    _problem = None
    master.derived.cache_clear()


def held() -> int:
    """Return how many keys are in memory."""
    return len(_held)
