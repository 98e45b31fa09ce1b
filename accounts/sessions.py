"""Sessions: a row for each login, which every token and signed link of that login names.

A session lives while its row is there, has not expired, and has the account's `token_version`: incrementing that ends
every session of the account, deleting the row ends one.
"""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import errors
from accounts import queries, tokens
from accounts.links import queries as link_queries
from audit.log import Action, record
from cache_manager import TTLCache
from database import reading, transaction
from keys import MAX_EXPIRY_DAYS
from models import GUEST, User, UserSession, utcnow
from settings import get_settings

log = logging.getLogger("reperio")
# `last_used_at` is written at most this often.
USE_NOTED_EVERY = timedelta(minutes=10)
# With a refresh token: the life of an access token, and the longest life of the session from its login.
ACCESS_LIFETIME = timedelta(minutes=15)
LONGEST_SESSION = timedelta(days=180)
# A guest's browser stays logged in for so long after the last event of the guest.
KEPT_AFTER_EVENTS = timedelta(days=30)
# Longer than any event can last: such a token ends with its session.
LONGEST_TOKEN = timedelta(days=2 * MAX_EXPIRY_DAYS)
# The same refresh token is accepted again for this long, from a client that lost the answer.
LOST_ANSWER = timedelta(seconds=30)
# Expired sessions that a login deletes at most, so that its time is bounded. It adds one.
CLEANED_AT_LOGIN = 50
MAX_LISTED = 200
# Sessions whose use this process wrote just now: requests that come together write it once.
_noted: TTLCache[bool] = TTLCache(size=4096, ttl=60)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a login gives: an access token, its lifetime in seconds, and a refresh token if one was asked for."""

    access_token: str
    expires_in: int
    refresh_token: str | None = None


def start(user: User, device: str | None, *, refresh: bool = False, browser: bool = False) -> Grant:
    """Start a session of an account that has proved who it is. `device` is shown in the list of sessions.

    `browser`: the token becomes a cookie. A guest's session then lasts until KEPT_AFTER_EVENTS after the guest's last
    event, and each use sets its end again.

    Raises:
        InvalidToken: since the account was read it was deleted, closed or given another password.
    """
    with transaction() as session:
        return start_in(session, user, device, refresh=refresh, browser=browser)


def start_in(
    session: Session, user: User, device: str | None, *, refresh: bool = False, browser: bool = False
) -> Grant:
    """Start a session in the open transaction, as `start`.

    Raises:
        InvalidToken: see `start`.
    """
    now, number = utcnow(), secrets.token_urlsafe(12)
    refresh_token = tokens.new_refresh(number) if refresh else None
    follows_events = browser and user.user_type == GUEST
    lifetime = timedelta(days=get_settings().refresh_days) if refresh else _access_lifetime(refresh=False)
    row = UserSession(
        id=number,
        user_id=user.id,
        token_version=user.token_version,
        created_at=now,
        last_used_at=now,
        expires_at=now + lifetime,
        device=device,
        follows_events=follows_events,
        refresh_hash=_hash(refresh_token) if refresh_token else None,
    )
    if not queries.is_still(session, user.id, user.token_version):
        raise errors.InvalidToken
    if follows_events:
        row.expires_at = _end_of_events(session, user.id, now)
    queries.delete_expired_sessions(session, now, CLEANED_AT_LOGIN)
    session.add(row)
    if user.user_type != GUEST:
        record(session, Action.STAFF_LOGGED_IN, actor=(user.id, user.user_type))
    return _grant(row, refresh_token)


def refresh(refresh_token: str) -> Grant:
    """Exchange a refresh token for a new access token and the next refresh token.

    A refresh token works once. The one exchanged last works again within LOST_ANSWER. An older one has been copied:
    the session ends.

    Raises:
        InvalidToken: the token is forged, was used before, or its session is over.
    """
    number = tokens.read_refresh(refresh_token)
    with transaction() as session:
        row = queries.lock_live_session(session, number, utcnow())
        granted = _exchange(session, row, refresh_token) if row is not None else None
    # Outside the transaction: an error would undo the end of the session.
    if granted is None:
        raise errors.InvalidToken
    return granted


def _exchange(session: Session, row: UserSession, given: str) -> Grant | None:
    """Store the next refresh token and return it, or end the session if `given` is an older one."""
    now, hashed = utcnow(), _hash(given)
    if hashed == row.refresh_hash:
        row.previous_refresh_hash, row.refreshed_at = hashed, now
    elif hashed != row.previous_refresh_hash or row.refreshed_at is None or now - row.refreshed_at > LOST_ANSWER:
        log.warning("a refresh token was used twice: session of account %d ended", row.user_id)
        session.delete(row)
        return None
    following = tokens.new_refresh(row.id)
    row.refresh_hash, row.last_used_at = _hash(following), now
    row.expires_at = min(now + timedelta(days=get_settings().refresh_days), row.created_at + LONGEST_SESSION)
    return _grant(row, following)


def _grant(row: UserSession, refresh_token: str | None) -> Grant:
    if row.follows_events:
        # The row alone decides how long it lasts, so that the end can be moved without another cookie.
        token = tokens.issue(row.user_id, row.token_version, LONGEST_TOKEN, row.id)
        return Grant(token, int((row.expires_at - row.created_at).total_seconds()))
    lifetime = _access_lifetime(refresh=refresh_token is not None)
    token = tokens.issue(row.user_id, row.token_version, lifetime, row.id)
    return Grant(token, int(lifetime.total_seconds()), refresh_token)


def _access_lifetime(*, refresh: bool) -> timedelta:
    return ACCESS_LIFETIME if refresh else timedelta(hours=get_settings().token_hours)


def _hash(token: str) -> str:
    # The token is random: no salt and no slow hash are needed.
    return hashlib.sha256(token.encode()).hexdigest()


def note_use(user: User, now: datetime) -> None:
    """Write the time at which the session of a request was used, at most once in USE_NOTED_EVERY."""
    number = user.session_id
    if number is not None and _is_due(user, now):
        _noted.get(number, lambda: _write_use(user, number, now))


def _is_due(user: User, now: datetime) -> bool:
    return user.session_used_at is not None and now - user.session_used_at >= USE_NOTED_EVERY


def _write_use(user: User, number: str, now: datetime) -> bool:
    try:
        with transaction() as session:
            until = _end_of_events(session, user.id, now) if user.session_follows_events else None
            queries.note_use(session, number, now, until)
    except SQLAlchemyError as error:
        # A call that only reads must not fail for this.
        log.warning("the use of a session was not noted: %s", type(error).__name__)
    return True


def renewed_for(user: User) -> int | None:
    """Return for how many seconds the browser must keep its cookie from now on; None if nothing is to change.

    It changes with the first page after a pause: the guest's events may last longer by now.
    """
    now = utcnow()
    if not user.session_follows_events or not _is_due(user, now):
        return None
    with reading() as session:
        return int((_end_of_events(session, user.id, now) - now).total_seconds())


def _end_of_events(session: Session, user_id: int, now: datetime) -> datetime:
    """Return when a guest's session in a browser ends: after the last event, and never before another login's."""
    last = queries.last_expiry(session, user_id)
    least = now + _access_lifetime(refresh=False)
    return max(least, last + KEPT_AFTER_EVENTS) if last is not None else least


# --- listing and ending ----------------------------------------------------------------------------


def sessions_of(user_id: int) -> Sequence[UserSession]:
    """Return the account's live sessions, the one used last first; at most MAX_LISTED."""
    with reading() as session:
        return queries.live_sessions(session, user_id, utcnow(), MAX_LISTED)


def end(user_id: int, session_id: str) -> None:
    """End one session of the account.

    Raises:
        NoSuchSession: the account has no such session.
    """
    with transaction() as session:
        if not queries.delete_session(session, user_id, session_id):
            raise errors.NoSuchSession


def end_current(user: User) -> None:
    """End the session of the request. Idempotent."""
    if user.session_id is not None:
        with transaction() as session:
            queries.delete_session(session, user.id, user.session_id)


def end_others(user: User) -> None:
    """End every session of the account but that of the request, and every link that logs in to the account."""
    with transaction() as session:
        queries.delete_sessions(session, user.id, but=user.session_id)
        link_queries.end_links(session, user.id)


def end_all(user_id: int) -> None:
    """End every session of an account, and revoke tokens that have no session.

    Raises:
        NoSuchUser: there is no such account.
    """
    with transaction() as session:
        user = queries.lock_user(session, user_id)
        if user is None:
            raise errors.NoSuchUser
        record(session, Action.SESSIONS_ENDED, subject_id=user_id)
        end_in(session, user)


def end_in(session: Session, account: User, *, but: str | None = None) -> None:
    """End every session of a locked account in the open transaction, except the session `but`.

    Revokes tokens that have no session, too.
    """
    account.token_version += 1
    queries.delete_sessions(session, account.id, but=but)
    if but is not None:
        queries.carry_over(session, but, account.token_version)
