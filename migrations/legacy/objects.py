"""The bucket with the predecessor's photos, as `--objects` names it. It is only read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

import errors
from migrations.legacy.pictures import Folder, Place
from migrations.legacy.report import CannotMove, Refused
from settings import get_settings
from storage import local_root

# Variables with this prefix are for this bucket alone: the service's own may be at another provider.
PREFIX = "OBJECTS_"
# A bucket that does not answer ends the import within seconds; the next run goes on.
RETRY: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}


def open_objects(url: str) -> Place:
    """Return the bucket or, for a `file:` URL, the folder in which the objects are.

    Raises:
        CannotMove: the URL cannot be used, there is no such folder, or the bucket cannot be listed.
    """
    folder = local_root(url)
    if folder is None:
        return Bucket(url)
    if not folder.is_dir():
        raise CannotMove(f"there is no folder {folder}")
    return Folder(folder)


class Bucket:
    """A bucket of objects. Every folder of it is listed once, when the first of its objects is asked for."""

    def __init__(self, url: str) -> None:
        """Open the bucket and look whether it can be listed.

        Raises:
            CannotMove: the URL cannot be used, or the bucket does not answer, does not exist or may not be listed.
        """
        try:
            with _own_variables():
                self._store: Any = obstore.store.from_url(url, retry_config=RETRY)
        except (BaseError, ValueError) as error:
            raise CannotMove(f"--objects cannot be used: {_first_line(error)}") from error
        self._listed: dict[str, set[str]] = {}
        try:
            next(iter(obstore.list(self._store, chunk_size=1)), None)
        except (BaseError, OSError) as error:
            raise _no_answer(error) from error

    def has(self, named: object) -> bool:
        """Return whether there is an object with this key.

        Raises:
            CannotMove: the bucket does not answer.
        """
        key = _key(named)
        folder = key.rpartition("/")[0]
        if key and folder not in self._listed:
            try:
                found = obstore.list_with_delimiter(self._store, folder or None)["objects"]
            except ValueError:
                found = []
            except (BaseError, OSError) as error:
                raise _no_answer(error) from error
            self._listed[folder] = {str(each["path"]) for each in found}
        return bool(key) and key in self._listed[folder]

    def content(self, named: object) -> bytes:
        """Return the bytes of the object with this key; empty if there is none.

        Raises:
            Refused: the bucket denies it. PhotoTooLarge: it is larger than a photo may be.
            CannotMove: the bucket does not answer.
        """
        key = _key(named)
        if not key:
            return b""
        try:
            found = obstore.get(self._store, key)
            if int(found.meta["size"]) > get_settings().max_photo_bytes:
                raise errors.PhotoTooLarge
            return bytes(found.bytes())
        except (FileNotFoundError, ValueError):
            return b""
        except (PermissionDeniedError, UnauthenticatedError) as error:
            # It can be listed, so this is about the object: in an archive, or under another policy.
            raise Refused(f"the bucket denies the object {key!r}", "the bucket denies the object") from error
        except (BaseError, OSError) as error:
            raise _no_answer(error) from error


@contextmanager
def _own_variables() -> Iterator[None]:
    """Give the variables that begin with `OBJECTS_` their names without it, while a store reads them."""
    own = {name.removeprefix(PREFIX): each for name, each in os.environ.items() if name.startswith(PREFIX)}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, each in before.items():
            if each is None:
                del os.environ[name]
            else:
                os.environ[name] = each


def _key(named: object) -> str:
    """Return an object's key as it is below the root of the bucket; also of a whole URL."""
    text = str(named or "").strip()
    return (urlsplit(text).path if "://" in text else text).strip("/")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _no_answer(error: Exception) -> CannotMove:
    return CannotMove(f"the bucket of --objects cannot be read; run the command again to go on. {_first_line(error)}")
