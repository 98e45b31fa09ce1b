"""Keyed hashes and signatures, under keys derived from `SECRET_KEY` (HMAC-SHA-256)."""

import base64
import hashlib
import hmac

from settings import get_settings

# 144 bits: 24 characters of base64.
SIGNATURE_BYTES = 18


def keyed_hash(text: bytes) -> bytes:
    """Return the HMAC-SHA-256 of `text` under `SECRET_KEY`, 32 bytes; of a purpose, it is the key of this purpose."""
    return hmac.digest(get_settings().secret_key.encode(), text, hashlib.sha256)


def hash_for(purpose: bytes, message: str) -> bytes:
    """Return the HMAC-SHA-256 of `message` under the key of `purpose`, 32 bytes.

    Each purpose has a key of its own, so that a signature made for one is never valid for another.
    """
    return hmac.digest(keyed_hash(purpose), message.encode("utf-8", "replace"), hashlib.sha256)


def signature(purpose: bytes, message: str) -> str:
    """Return a URL-safe signature of `message`: the first 144 bits of its hash."""
    return base64.urlsafe_b64encode(hash_for(purpose, message)[:SIGNATURE_BYTES]).decode()


def same(expected: str, given: str) -> bool:
    """Tell, in constant time, whether two texts are equal."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
