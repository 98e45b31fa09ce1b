"""Password hashing: argon2id, 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).

The bcrypt hashes of the earlier system are accepted too; a login replaces them.
"""

import os
import re
import threading
import unicodedata

import bcrypt
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

# Version, cost (2^15 rounds take seconds), then salt and digest in bcrypt's own base64 alphabet.
BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}")
BCRYPT_BYTES = 72

_hash = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))
# Hashes computed at once in this process: more would share the same cores and take 19 MiB each.
_slots = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))
_DECOY = _hash.hash("the password of nobody")


def hash_password(password: str) -> str:
    """Return the hash to store, of the password's NFKC form: keyboards write the same letter in different ways."""
    with _slots:
        return _hash.hash(unicodedata.normalize("NFKC", password))


def verify_password(password: str, hashed: str | None) -> bool:
    """Tell whether `password` belongs to `hashed`; without a hash, return false after the same time.

    A password that is not in NFKC form is also tried as it was typed: older hashes were made of that.
    """
    forms = dict.fromkeys((unicodedata.normalize("NFKC", password), password))
    return any(_verify(form, hashed) for form in forms)


def _verify(password: str, hashed: str | None) -> bool:
    with _slots:
        if hashed is not None and is_bcrypt(hashed):
            # bcrypt uses only the first 72 bytes; its newer versions raise an error for longer input.
            return bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], hashed.encode())
        try:
            right = _hash.verify(password, hashed or _DECOY)
        except UnknownHashError:
            # The stored hash is damaged: no password fits it. Take the same time as for any other.
            _hash.verify(password, _DECOY)
            return False
    return right and hashed is not None


def is_bcrypt(hashed: str) -> bool:
    """Tell whether `hashed` is a well-formed bcrypt hash (prefix 2a, 2b or 2y)."""
    return BCRYPT.fullmatch(hashed) is not None
