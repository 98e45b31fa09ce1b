"""Access tokens (JWT, HS256) and signed links."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

import jwt

import errors
from keys import MAX_ID
from models import utcnow
from settings import get_settings

ALGORITHM = "HS256"
# Seconds for which a ticket for choosing between accounts is valid.
CHOICE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """The account's id, and its `token_version` when the token was issued."""

    user_id: int
    version: int


def issue(user_id: int, version: int) -> tuple[str, int]:
    """Return an access token and its lifetime in seconds."""
    lifetime = timedelta(hours=get_settings().token_hours)
    now = utcnow()
    claims = {"sub": str(user_id), "ver": version, "iat": now, "exp": now + lifetime}
    return jwt.encode(claims, get_settings().secret_key, ALGORITHM), int(lifetime.total_seconds())


def read(token: str) -> TokenClaims:
    """Return a token's claims after checking its signature and its expiry.

    Raises:
        InvalidToken: expired, forged, unsigned or malformed.
    """
    try:
        claims = jwt.decode(
            token,
            get_settings().secret_key,
            algorithms=[ALGORITHM],
            options={"require": ["exp", "sub"]},
        )
        user_id, version = int(claims["sub"]), int(claims["ver"])
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise errors.InvalidToken from error
    if not 0 < user_id <= MAX_ID:
        raise errors.InvalidToken
    return TokenClaims(user_id, version)


def _signature(purpose: bytes, message: str) -> str:
    # Each purpose has a key of its own, so that a signature made for one is never valid for another.
    key = hmac.digest(get_settings().secret_key.encode(), purpose, hashlib.sha256)
    digest = hmac.digest(key, message.encode("utf-8", "replace"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:18]).decode()


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def sign(message: str) -> str:
    """Return a URL-safe signature of `message` (HMAC-SHA-256, first 144 bits)."""
    return _signature(b"signed link", message)


def signature_fits(message: str, signature: str) -> bool:
    """Tell, in constant time, whether `signature` is the signature of `message`."""
    return _same(sign(message), signature)


def csrf_of(seed: str) -> str:
    """Return the CSRF token that belongs to a secret cookie value."""
    return _signature(b"form", seed)


def csrf_fits(seed: str, token: str) -> bool:
    """Tell, in constant time, whether `token` is the CSRF token of this cookie value."""
    return _same(csrf_of(seed), token)


def issue_choice(user_id: int, version: int) -> str:
    """Return a ticket that logs in to this account for 5 minutes; given only after the right password."""
    message = f"{user_id}.{version}.{int(utcnow().timestamp()) + CHOICE_SECONDS}"
    return f"{message}.{_signature(b'choice', message)}"


def read_choice(ticket: str) -> TokenClaims:
    """Return the account that a ticket names.

    Raises:
        InvalidToken: the ticket is forged or expired.
    """
    message, _, signature = ticket.rpartition(".")
    if not _same(_signature(b"choice", message), signature):
        raise errors.InvalidToken
    user_id, version, expires = (int(part) for part in message.split("."))
    if expires < utcnow().timestamp():
        raise errors.InvalidToken
    return TokenClaims(user_id, version)
