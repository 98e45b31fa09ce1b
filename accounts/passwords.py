"""Password hashing: argon2id, 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet)."""

import os
import threading

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

_hash = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))
# Hashes at once in this process: more would only share the same cores, 19 MiB each.
_places = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))
_DECOY = _hash.hash("the password of nobody")


def hash_password(password: str) -> str:
    """Return the hash to store."""
    with _places:
        return _hash.hash(password)


def verify_password(password: str, hashed: str | None) -> bool:
    """Tell whether `password` belongs to `hashed`; without a hash, take as long and answer no."""
    with _places:
        right = _hash.verify(password, hashed or _DECOY)
    return right and hashed is not None
