"""The key by which push services know this installation (VAPID, RFC 8292), and the header that proves it.

The key is derived from `SECRET_KEY`: it exists from the first start on, is the same in all processes and on all
machines, and comes back with a backup.
"""

import base64
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mail.letters import sender
from settings import get_settings
from signing import keyed_hash

# RFC 8292, 2: at most 24 hours; the clocks of machines differ.
VALID_FOR = timedelta(hours=12)
# The order of the group of P-256 (SEC 2, 2.4.2).
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@lru_cache(maxsize=4)
def _key(secret: str) -> ec.EllipticCurvePrivateKey:
    # 64 bytes, so that no remainder is more likely than another (FIPS 186-5, A.2.1). `secret` is for the cache.
    derived = int.from_bytes(keyed_hash(b"vapid key 1") + keyed_hash(b"vapid key 2"))
    return ec.derive_private_key(derived % (ORDER - 1) + 1, ec.SECP256R1())


def _private_key() -> ec.EllipticCurvePrivateKey:
    return _key(get_settings().secret_key)


def public_key() -> str:
    """Return the public key as browsers take it (`applicationServerKey`): the point, in base64url."""
    point = _private_key().public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def authorization(endpoint: str, now: datetime) -> str:
    """Return the `Authorization` header for a message to this address."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now + VALID_FOR).timestamp()),
        "sub": _contact(),
    }
    return f"vapid t={jwt.encode(claims, _private_key(), 'ES256')}, k={public_key()}"


def _contact() -> str:
    """Return whom a push service may ask: the site, else the address that mails come from."""
    site = get_settings().public_url
    return site if site.startswith("https://") else f"mailto:{sender().addr_spec}"
