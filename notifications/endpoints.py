"""Checks what a browser says of its push subscription: the address comes from a client, and the service calls it."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

import errors
from keys import MAX_ENDPOINT
from settings import get_settings

# As the vendors document them: Chromium and what is made of it, Firefox, Edge on Windows, Safari ("any subdomain of
# push.apple.com"). A leading dot stands for any name below.
KNOWN_HOSTS = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    ".notify.windows.com",
    ".push.apple.com",
)
HTTPS_PORT = 443
POINT_BYTES, AUTH_BYTES = 65, 16
BASE64 = re.compile(r"[A-Za-z0-9_-]+")
PRINTABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that takes messages: the address to send them to, and the keys to encrypt them with, in base64url."""

    endpoint: str
    p256dh: str
    auth: str

    @property
    def hash(self) -> str:
        """The SHA-256 of the address, in hexadecimal: by it the device is known to its own page."""
        return hash_of(self.endpoint)

    @property
    def host(self) -> str:
        """The host and port of the push service."""
        return urlsplit(self.endpoint).netloc.lower()


def hash_of(endpoint: str) -> str:
    """Return the SHA-256 of an address, in hexadecimal."""
    return hashlib.sha256(endpoint.encode("utf-8", "replace")).hexdigest()


def checked(endpoint: str, p256dh: str, auth: str) -> Device:
    """Return the device, if messages can be sent to it.

    Raises:
        UnknownPushService: the address is not https, or not that of a known push service (`PUSH_HOSTS`).
        InvalidPushKeys: the keys are not a point of P-256 and 16 bytes.
    """
    if not is_known(endpoint):
        raise errors.UnknownPushService
    point, secret = _bytes(p256dh), _bytes(auth)
    if len(point) != POINT_BYTES or len(secret) != AUTH_BYTES:
        raise errors.InvalidPushKeys
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise errors.InvalidPushKeys from error
    return Device(endpoint, p256dh.rstrip("="), auth.rstrip("="))


def is_known(endpoint: str) -> bool:
    """Return whether this is the https address of a known push service, without a user, port or fragment."""
    if len(endpoint) > MAX_ENDPOINT or not PRINTABLE.fullmatch(endpoint):
        return False
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or "#" in endpoint or "\\" in endpoint:
        return False
    if f"https://{parts.netloc.lower()}" == get_settings().push_test_origin:
        return True
    host = parts.hostname.lower()
    return port in (None, HTTPS_PORT) and all(host.split(".")) and _is_listed(host)


def _is_listed(host: str) -> bool:
    names = (*KNOWN_HOSTS, *get_settings().push_host_names)
    return any(host == name or (name.startswith(".") and host.endswith(name)) for name in names)


def _bytes(value: str) -> bytes:
    bare = value.rstrip("=")
    if not BASE64.fullmatch(bare):
        return b""
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        return b""
