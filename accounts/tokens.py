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


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """Whose token it is, and the account's `token_version` when it was given."""

    user_id: int
    version: int


def issue(user_id: int, version: int) -> tuple[str, int]:
    """Return an access token and its lifetime in seconds."""
    lifetime = timedelta(hours=get_settings().token_hours)
    now = utcnow()
    claims = {"sub": str(user_id), "ver": version, "iat": now, "exp": now + lifetime}
    return jwt.encode(claims, get_settings().secret_key, ALGORITHM), int(lifetime.total_seconds())


def read(token: str) -> TokenClaims:
    """Return what a token claims, once its signature and its expiry are checked.

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
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
        raise errors.InvalidToken from error
    if not 0 < user_id <= MAX_ID:
        raise errors.InvalidToken
    return TokenClaims(user_id, version)


def sign(message: str) -> str:
    """Return a URL-safe signature of `message` (HMAC-SHA-256, first 144 bits)."""
    # A key of its own, so that a link's signature can never pass for a token's.
    key = hmac.digest(get_settings().secret_key.encode(), b"signed link", hashlib.sha256)
    return base64.urlsafe_b64encode(hmac.digest(key, message.encode(), hashlib.sha256)[:18]).decode()


def signature_fits(message: str, signature: str) -> bool:
    """Tell in constant time whether `signature` is that of `message`."""
    return hmac.compare_digest(sign(message).encode(), signature.encode("utf-8", "replace"))
