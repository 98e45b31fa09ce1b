"""Password hashing: argon2id, 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).

The predecessor's bcrypt hashes verify too; a login replaces them.
"""

import os
import re
import threading

import bcrypt
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

# Version, cost (2^15 rounds take seconds), then salt and digest in bcrypt's own base 64.
BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}")
BCRYPT_BYTES = 72

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
        if hashed is not None and is_bcrypt(hashed):
            # bcrypt has never looked further than 72 bytes; newer versions say so instead.
            return bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], hashed.encode())
        try:
            right = _hash.verify(password, hashed or _DECOY)
        except UnknownHashError:
            # Damaged: it fits no password, and takes as long to say so.
            _hash.verify(password, _DECOY)
            return False
    return right and hashed is not None


def is_bcrypt(hashed: str) -> bool:
    """Tell whether `hashed` is a well-formed bcrypt hash, in any of its three spellings."""
    return BCRYPT.fullmatch(hashed) is not None
