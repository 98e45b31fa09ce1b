"""Access tokens (JWT, HS256), refresh tokens and signed links."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

import jwt

import errors
from keys import MAX_ID
from models import utcnow
from settings import get_settings
from signing import same, signature

ALGORITHM = "HS256"
# Seconds for which a ticket for choosing between accounts is valid.
CHOICE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """The account's id, its `token_version` when the token was issued, and the session of the token.

    Tickets, and tokens of releases without sessions, have no session.
    """

    user_id: int
    version: int
    session_id: str | None = None


def issue(user_id: int, version: int, lifetime: timedelta, session_id: str | None = None) -> str:
    """Return an access token of a session."""
    now = utcnow()
    claims = {"sub": str(user_id), "ver": version, "iat": now, "exp": now + lifetime}
    if session_id is not None:
        claims["sid"] = session_id
    return jwt.encode(claims, get_settings().secret_key, ALGORITHM)


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
            # Compared below by the clock of the database, which all machines share.
            options={"require": ["exp", "sub"], "verify_exp": False, "verify_iat": False},
        )
        is_over = float(claims["exp"]) <= utcnow().timestamp()
        user_id, version, session_id = int(claims["sub"]), int(claims["ver"]), claims.get("sid")
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise errors.InvalidToken from error
    if is_over or not 0 < user_id <= MAX_ID or not (session_id is None or isinstance(session_id, str)):
        raise errors.InvalidToken
    return TokenClaims(user_id, version, session_id)


def new_refresh(session_id: str) -> str:
    """Return a new refresh token of a session: its id, a secret, and a signature over both.

    The signature tells an old token, whose use ends the session, from a made-up one, which has no effect: links carry
    the session's id, so others may know it.
    """
    message = f"{session_id}.{secrets.token_urlsafe(24)}"
    return f"{message}.{signature(b'refresh', message)}"


def read_refresh(token: str) -> str:
    """Return the session that a refresh token names.

    Raises:
        InvalidToken: the token is forged.
    """
    message, _, given = token.rpartition(".")
    if not same(signature(b"refresh", message), given):
        raise errors.InvalidToken
    return message.partition(".")[0]


def is_monitoring(token: str | None) -> bool:
    """Tell, in constant time, whether `token` is `MONITORING_TOKEN`; never if that is not set."""
    secret = get_settings().monitoring_token
    return bool(secret) and token is not None and same(secret, token)


def sign(message: str) -> str:
    """Return a URL-safe signature of `message`."""
    return signature(b"signed link", message)


def signature_fits(message: str, given: str) -> bool:
    """Tell, in constant time, whether `given` is the signature of `message`."""
    return same(sign(message), given)


def csrf_of(seed: str) -> str:
    """Return the CSRF token that belongs to a secret cookie value."""
    return signature(b"form", seed)


def csrf_fits(seed: str, token: str) -> bool:
    """Tell, in constant time, whether `token` is the CSRF token of this cookie value."""
    return same(csrf_of(seed), token)


def issue_choice(user_id: int, version: int) -> str:
    """Return a ticket that logs in to this account for 5 minutes; given only after the right password."""
    message = f"{user_id}.{version}.{int(utcnow().timestamp()) + CHOICE_SECONDS}"
    return f"{message}.{signature(b'choice', message)}"


def read_choice(ticket: str) -> TokenClaims:
    """Return the account that a ticket names.

    Raises:
        InvalidToken: the ticket is forged or expired.
    """
    message, _, given = ticket.rpartition(".")
    if not same(signature(b"choice", message), given):
        raise errors.InvalidToken
    user_id, version, expires = (int(part) for part in message.split("."))
    if expires < utcnow().timestamp():
        raise errors.InvalidToken
    return TokenClaims(user_id, version)
