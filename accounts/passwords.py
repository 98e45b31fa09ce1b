"""Password hashing: argon2id, 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).

The bcrypt hashes of the earlier system are accepted too; a login replaces them.

An app registers a guest and then logs in with the same password. `hash_new` keeps a keyed digest of it in this
process for two minutes, so that this login computes no second hash. The key is random and never leaves the process. A
wrong password always takes the time of a hash.
"""

import hashlib
import os
import re
import secrets
import threading
import unicodedata

import bcrypt
from cachetools import TTLCache
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
# In seconds, and passwords; a digest takes some 150 bytes.
NEW_SECONDS, MOST_NEW = 120.0, 4096
_digest_key = secrets.token_bytes(32)
_new: TTLCache[bytes, None] = TTLCache(MOST_NEW, NEW_SECONDS)
_new_lock = threading.Lock()


def hash_password(password: str) -> str:
    """Return the hash to store, of the password's NFKC form: keyboards write the same letter in different ways."""
    with _slots:
        return _hash.hash(unicodedata.normalize("NFKC", password))


def hash_new(password: str) -> str:
    """Return the hash to store of a guest's new password, who logs in with it next."""
    hashed = hash_password(password)
    with _new_lock:
        _new[_digest(unicodedata.normalize("NFKC", password), hashed)] = None
    return hashed


def _digest(password: str, hashed: str) -> bytes:
    return hashlib.blake2b(f"{hashed}\0{password}".encode(), key=_digest_key, digest_size=32).digest()


def _is_new(password: str, hashed: str | None) -> bool:
    if hashed is None:
        return False
    with _new_lock:
        return _digest(password, hashed) in _new


def verify_password(password: str, hashed: str | None) -> bool:
    """Tell whether `password` belongs to `hashed`; without a hash, return false after the same time.

    A password that is not in NFKC form is also tried as it was typed: older hashes were made of that.
    """
    forms = dict.fromkeys((unicodedata.normalize("NFKC", password), password))
    return _is_new(next(iter(forms)), hashed) or any(_verify(form, hashed) for form in forms)


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
