"""Stores image files: in a local folder, or in S3, GCS or Azure Blob, as `STORAGE_URL` says."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError

from settings import ROOT, UnsafeSettings, get_settings
from telemetry.storage_calls import measured

READY_KEY = ".ready"
# Prefixes of the service's keys. Other objects in the same storage are left alone.
PREFIXES = ("photos/", "selfies/")
# Memory that each streamed answer holds, about.
CHUNK_BYTES = 1024 * 1024
# By the ending of a key: what browsers show. Other objects have the store's own default, which they save.
CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}

_failures = 0


class StorageError(Exception):
    """The storage failed to store, return or delete an object."""


class MissingObject(StorageError):
    """There is no object with this key."""


class StorageFullError(StorageError):
    """The storage has no room left."""


def local_root(url: str) -> Path | None:
    """Return the folder of a `file:` URL (a relative one counts from the project), or None for a remote store."""
    if not url.startswith("file:"):
        return None
    path = unquote(url.removeprefix("file://")) if url.startswith("file://.") else unquote(urlsplit(url).path)
    return (ROOT / path).resolve()


@lru_cache(maxsize=8)
def _open(url: str) -> tuple[Any, Path | None]:
    # Opened at first use, which is after the fork: a store used before it hangs the child.
    folder = local_root(url)
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return obstore.store.LocalStore(str(folder)), folder
        return obstore.store.from_url(url), None
    except (BaseError, OSError, ValueError) as error:
        name = "STORAGE_URL" if url == get_settings().storage_url else "KEY_STORE_URL"
        raise UnsafeSettings(
            f"{name} cannot be used: {(str(error).splitlines() or [type(error).__name__])[0]}"
        ) from error


def _store(url: str = "") -> tuple[Any, Path | None]:
    return _open(url or get_settings().storage_url)


def remote() -> Any:
    """Return the opened object store of `STORAGE_URL`; None for a local folder.

    Raises:
        UnsafeSettings: `STORAGE_URL` cannot be used.
    """
    store, folder = _store()
    return store if folder is None else None


def prepare() -> None:
    """Check `STORAGE_URL` before the fork. Creates a local folder and does no other input or output.

    Raises:
        UnsafeSettings: `STORAGE_URL` is malformed, or its folder cannot be created.
    """
    _store()
    _open.cache_clear()


def _sync(path: Path, root: Path) -> None:
    """Flush the file and every folder above it, up to `root`: a new folder's name lies in the one above."""
    for place in (path, *path.parents):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if place == root:
            return


@measured("put")
def put(key: str, data: bytes, *, url: str = "") -> None:
    """Store `data` under `key`; when this returns, the bytes are on disk. `url`: of another store than `STORAGE_URL`.

    Raises:
        StorageFullError: the disk is full. StorageError: the store failed in another way.
    """
    _write(key, data, obstore.put, url)


@measured("create")
def create(key: str, data: bytes, *, url: str = "") -> bool:
    """Store `data` under `key` unless there is an object; return whether it was stored. Of two at once, one wins.

    `url` as in `put`.

    Raises:
        StorageError: the store failed.
    """
    try:
        _write(key, data, partial(obstore.put, mode="create"), url)
    except AlreadyExistsError:
        return False
    return True


def _write(key: str, data: bytes, write: Callable[..., Any], url: str) -> None:
    global _failures
    try:
        store, folder = _store(url)
        if folder is None and (kind := CONTENT_TYPES.get(key.rpartition(".")[2])):
            # For browsers that load the object from the store itself. A local folder keeps no attributes.
            write = partial(write, attributes={"Content-Type": kind})
        write(store, key, data)
        if folder is not None:
            try:
                _sync(folder / key, folder)
            except OSError:
                (folder / key).unlink(missing_ok=True)
                raise
    except AlreadyExistsError:
        raise
    except (BaseError, OSError, UnsafeSettings) as error:
        _failures += 1
        if "No space left" in str(error) or "os error 28" in str(error):
            raise StorageFullError(str(error)) from error
        raise StorageError(str(error)) from error


@measured("get")
def get(key: str, *, url: str = "") -> bytes:
    """Return the bytes of the object `key`. `url` as in `put`.

    Raises:
        MissingObject: there is no such object. StorageError: the store failed.
    """
    try:
        return bytes(obstore.get(_store(url)[0], key).bytes())
    except FileNotFoundError as error:
        raise MissingObject(key) from error
    except (BaseError, OSError, UnsafeSettings) as error:
        raise StorageError(str(error)) from error


@measured("stream")
def stream(key: str) -> tuple[int, Iterator[bytes]]:
    """Return the size in bytes of the object `key`, and an iterator over its chunks.

    Raises:
        MissingObject: there is no such object. StorageError: the store failed.
    """
    try:
        found = obstore.get(_store()[0], key)
        return int(found.meta["size"]), (bytes(chunk) for chunk in found.stream(min_chunk_size=CHUNK_BYTES))
    except FileNotFoundError as error:
        raise MissingObject(key) from error
    except (BaseError, OSError, UnsafeSettings) as error:
        raise StorageError(str(error)) from error


@measured("size")
def size(key: str) -> int:
    """Return the size in bytes of the object `key`.

    Raises:
        MissingObject: there is no such object. StorageError: the store failed.
    """
    try:
        return int(obstore.head(_store()[0], key)["size"])
    except FileNotFoundError as error:
        raise MissingObject(key) from error
    except (BaseError, OSError, UnsafeSettings) as error:
        raise StorageError(str(error)) from error


@measured("stream")
def stream_part(key: str, start: int, end: int, of: int | None = None) -> Iterator[bytes]:
    """Return an iterator over the bytes of the object `key` from `start` up to before `end`, which is more.

    `of` is the size that the object must have, if given.

    Raises:
        MissingObject: there is no such object, or it is not `of` that size.
        StorageError: the store failed, or the object is shorter.
    """
    try:
        found = obstore.get(_store()[0], key, options={"range": (start, end)})
        if of is not None and found.meta["size"] != of:
            raise MissingObject(key)
        if tuple(found.range) != (start, end):
            raise StorageError(f"{key} has fewer bytes than {end}")
        return (bytes(chunk) for chunk in found.stream(min_chunk_size=CHUNK_BYTES))
    except FileNotFoundError as error:
        raise MissingObject(key) from error
    except (BaseError, OSError, UnsafeSettings) as error:
        # Stores refuse a part behind the end of an object.
        if of is not None and size(key) != of:
            raise MissingObject(key) from error
        raise StorageError(str(error)) from error


@measured("delete")
def delete(keys: Iterable[str], *, url: str = "") -> None:
    """Delete the objects `keys`. Missing ones are skipped. `url` as in `put`.

    Raises:
        StorageError: the store failed. Objects before the failure are deleted.
    """
    store, _ = _store(url)
    for key in keys:
        try:
            obstore.delete(store, key)
        except FileNotFoundError:
            continue
        except (BaseError, OSError) as error:
            raise StorageError(str(error)) from error


def objects(size: int, prefixes: Iterable[str] = PREFIXES, *, url: str = "") -> Iterator[list[tuple[str, datetime]]]:
    """Yield key and time of change of all images, or of what begins with `prefixes`, in batches of at most `size`.

    `url` as in `put`.

    Raises:
        StorageError: the store failed.
    """
    try:
        store, _ = _store(url)
        for prefix in prefixes:
            for batch in obstore.list(store, prefix, chunk_size=size):
                yield [(str(each["path"]), each["last_modified"]) for each in batch]
    except (BaseError, OSError, UnsafeSettings) as error:
        raise StorageError(str(error)) from error


def listed(before: datetime, size: int) -> Iterator[list[str]]:
    """Yield the keys of all images last modified before a time (aware), in batches of at most `size`.

    Raises:
        StorageError: the store failed.
    """
    for batch in objects(size):
        yield [key for key, modified in batch if modified < before]


def folders(prefix: str) -> list[str]:
    """Return the names of the folders right below a prefix that ends in a slash.

    Raises:
        StorageError: the store failed.
    """
    try:
        found = obstore.list_with_delimiter(_store()[0], prefix)["common_prefixes"]
    except (BaseError, OSError, UnsafeSettings) as error:
        raise StorageError(str(error)) from error
    return [str(each).rstrip("/").rsplit("/", 1)[-1] for each in found]


def remove_empty_folders(prefix: str) -> None:
    """Remove the folders at and below a prefix that are empty; a store without folders has none."""
    _, folder = _store()
    if folder is not None:
        top = folder / prefix
        for place in (*sorted((each for each in top.rglob("*") if each.is_dir()), reverse=True), top):
            with suppress(OSError):
                place.rmdir()


@measured("move")
def move(source: str, target: str) -> bool:
    """Move an object, over another one if need be; return False if there is none.

    Raises:
        StorageError: the store failed.
    """
    try:
        obstore.rename(_store()[0], source, target)
    except FileNotFoundError:
        return False
    except (BaseError, OSError, UnsafeSettings) as error:
        raise StorageError(str(error)) from error
    return True


@measured("copy")
def copy(source: str, target: str) -> None:
    """Copy an object, over another one if need be; in a remote store without its bytes passing through this process.

    Raises:
        MissingObject: there is no object `source`. StorageError: the store failed.
    """
    try:
        store, folder = _store()
        obstore.copy(store, source, target)
        if folder is not None:
            _sync(folder / target, folder)
    except FileNotFoundError as error:
        raise MissingObject(source) from error
    except (BaseError, OSError, UnsafeSettings) as error:
        raise StorageError(str(error)) from error


@measured("exists")
def exists(key: str) -> bool:
    """Tell whether there is an object `key`.

    Raises:
        StorageError: the store failed.
    """
    try:
        obstore.head(_store()[0], key)
    except FileNotFoundError:
        return False
    except (BaseError, OSError, UnsafeSettings) as error:
        raise StorageError(str(error)) from error
    return True


def failures() -> int:
    """Return how many writes have failed in this process: after one, an earlier check says nothing any more."""
    return _failures


def check() -> None:
    """Write, read and delete a small object.

    Raises:
        StorageError: one of these failed.
    """
    key = f"{READY_KEY}.{os.getpid()}"
    put(key, b"ok")
    if get(key) != b"ok":
        raise StorageError("the storage gave back other bytes")
    delete([key])
