"""Passwords hashed at argon2id's lowest cost. In production a hash takes 20 ms and 19 MB, on purpose."""

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from accounts import passwords

CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
PRODUCTION = passwords._hash


def use_hashes(hashes: PasswordHash) -> None:
    """Hash and verify passwords of this process with `hashes`."""
    passwords._hash = hashes
    passwords._DECOY = hashes.hash("the password of nobody")
