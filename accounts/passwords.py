"""Password hashing: argon2id, 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet)."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

import errors

_hash = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))
# Hashes at once in this process: more would only share the same cores, 19 MiB each.
_places = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))
PATIENCE_SECONDS = 5.0
_DECOY = _hash.hash("the password of nobody")


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(timeout=PATIENCE_SECONDS):
        raise errors.TooBusy
    try:
        yield
    finally:
        _places.release()


def hash_password(password: str) -> str:
    """Return the hash to store.

    Raises:
        TooBusy: too many are waiting to be hashed.
    """
    with _place():
        return _hash.hash(password)


def verify_password(password: str, hashed: str | None) -> bool:
    """Tell whether `password` belongs to `hashed`; without a hash, take as long and answer no.

    Raises:
        TooBusy: too many are waiting to be hashed.
    """
    with _place():
        right = _hash.verify(password, hashed or _DECOY)
    return right and hashed is not None
