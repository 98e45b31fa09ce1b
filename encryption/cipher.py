"""AES-256-GCM with a random nonce (NIST SP 800-38D): at most 2^32 messages under one key, far more than there are."""

import os
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 12, 16
# The first byte of what is encrypted. No picture begins so.
FORMAT = b"\x01"
OVERHEAD = len(FORMAT) + NONCE_BYTES + TAG_BYTES


class Unreadable(Exception):
    """The key does not fit, or the bytes were changed."""


def new_key() -> bytes:
    """Return a random key."""
    return os.urandom(KEY_BYTES)


def encrypted(key: bytes, plain: bytes, place: bytes) -> bytes:
    """Return `plain` encrypted, `OVERHEAD` bytes longer; it can be read with the same `place` only."""
    nonce = os.urandom(NONCE_BYTES)
    return FORMAT + nonce + AESGCM(key).encrypt(nonce, plain, place)


def decrypted(key: bytes, data: bytes, place: bytes) -> bytes:
    """Return what was encrypted.

    Raises:
        Unreadable: with another key, or for another place, or the bytes were changed.
    """
    try:
        return AESGCM(key).decrypt(data[1 : 1 + NONCE_BYTES], data[1 + NONCE_BYTES :], place)
    except (InvalidTag, ValueError) as error:
        raise Unreadable from error


def all_decrypted(key: bytes, items: Iterable[tuple[bytes, bytes]]) -> list[bytes | None]:
    """Return each of the items (data, place) decrypted, None for those that cannot be; one by one takes longer."""
    decrypt, found = AESGCM(key).decrypt, list[bytes | None]()
    for data, place in items:
        try:
            found.append(decrypt(data[1:13], data[13:], place))
        except (InvalidTag, ValueError):
            found.append(None)
    return found
