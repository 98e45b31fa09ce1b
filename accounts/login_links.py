"""Links that log a guest in: `PUBLIC_URL/enter#TOKEN`. Opening one changes nothing; a button there enters.

    login_links.issue(user_id, login_links.MAIL)   # the token; the database has only its hash
    login_links.enter(token, browser, device)      # the tokens of a session

A personal link works many times, until it is revoked or replaced, or 30 days after the guest's last event. The others
work once. Staff never log in by a link: they have a password and a second factor.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

import errors
from accounts import addresses, queries, sessions
from accounts.links import queries as link_queries
from audit.log import Action, record
from database import reading, transaction
from models import GUEST, LoginLink, User, utcnow
from settings import get_settings
from signing import same, signature

# Saved by the guest; asked for by mail; made by an admin; in the start address of a web app on a home screen; mailed
# to an address that a guest wants to keep the account with.
PERSONAL, MAIL, HELP, HOME, ADDRESS = "personal", "mail", "help", "home", "address"
# Of a personal link, the guest's events decide; this is its life for a guest without events.
LIFETIMES = {
    PERSONAL: timedelta(days=30),
    MAIL: timedelta(hours=1),
    HELP: timedelta(hours=24),
    HOME: timedelta(days=30),
    ADDRESS: timedelta(days=7),
}
# A button that was pressed twice, or an answer that was lost: in the same browser the link works again for so long.
LOST_ANSWER = timedelta(seconds=30)
# For so long an expired link is answered with the reason.
REASON_KEPT = timedelta(days=60)
# 256 bits.
TOKEN_BYTES = 32
# Links of one session of a browser for its web app: so many in a week, each made when the one before is used.
HOME_LINKS, HOME_PERIOD = 8, 7 * 86_400


def issue(user_id: int, purpose: str) -> str:
    """Make a link for a guest and return its token, which is nowhere else. A new personal one ends the one before.

    Raises:
        NoSuchUser: there is no account with this id. NoLinkForStaff: it is not a guest's.
        AccountClosed: it is closed.
    """
    with transaction() as session:
        user = queries.lock_user(session, user_id)
        if user is None:
            raise errors.NoSuchUser
        return issue_in(session, user, purpose)


def issue_in(
    session: Session,
    user: User,
    purpose: str,
    address: str | None = None,
    *,
    token: str | None = None,
    lifetime: timedelta | None = None,
) -> str:
    """Make a link in the open transaction, as `issue`. `address` is where it will be mailed to.

    `token` and `lifetime` take the place of a random token and of what LIFETIMES says.

    Raises:
        NoLinkForStaff, AccountClosed: see `issue`.
    """
    if user.user_type != GUEST:
        raise errors.NoLinkForStaff
    if not user.is_active:
        raise errors.AccountClosed
    now, token = utcnow(), token or secrets.token_urlsafe(TOKEN_BYTES)
    link_queries.delete_old(session, now - REASON_KEPT, but=PERSONAL)
    if purpose == PERSONAL:
        link_queries.end_links(session, user.id, PERSONAL)
    session.add(
        LoginLink(
            user_id=user.id,
            purpose=purpose,
            token_hash=_hash(token),
            token_version=user.token_version,
            address=address,
            expires_at=now + (lifetime or LIFETIMES[purpose]),
        )
    )
    return token


def issue_for_admin(user_id: int) -> str:
    """Make a one-time link that an admin hands to a guest, and return its token.

    Raises:
        NoSuchUser, NoLinkForStaff, AccountClosed: see `issue`.
    """
    with transaction() as session:
        user = queries.lock_user(session, user_id)
        # A child's account has no login: its guardian manages the profile.
        if user is None or user.guardian_id is not None:
            raise errors.NoSuchUser
        token = issue_in(session, user, HELP)
        record(session, Action.LOGIN_LINK_MADE, subject_id=user_id)
        return token


def helped_at(user_id: int) -> datetime | None:
    """Return when staff last made a link for the account, for two months at least; None if they did not."""
    with reading() as session:
        return link_queries.newest_at(session, user_id, HELP)


def issue_for_app(user: User) -> str | None:
    """Return the token of a link for a web app that this browser may put on a home screen; None after too many.

    Browsers ask often. The tokens are therefore derived from the session: until its link is used, it is the same one.

    Raises:
        NoSuchUser, NoLinkForStaff, AccountClosed: see `issue`.
    """
    period = int(utcnow().timestamp()) // HOME_PERIOD
    tokens = [signature(b"app on a home screen", f"{user.session_id} {period} {turn}") for turn in range(HOME_LINKS)]
    with reading() as session:
        token, is_new = _unused(session, tokens, user.token_version)
    if not is_new:
        return token
    with transaction() as session:
        owner = queries.lock_user(session, user.id)
        if owner is None:
            raise errors.NoSuchUser
        # Another call may have made it.
        token, is_new = _unused(session, tokens, owner.token_version)
        return issue_in(session, owner, HOME, token=token) if is_new else token


def _unused(session: Session, tokens: Sequence[str], token_version: int) -> tuple[str | None, bool]:
    """Return the first token whose link is good, or is not made yet, and whether it is to be made."""
    links = link_queries.links(session, [_hash(token) for token in tokens])
    for token in tokens:
        link = links.get(_hash(token))
        if link is None or (link.used_at is None and link.token_version == token_version):
            return token, link is None
    return None, False


def url_of(token: str) -> str:
    """Return the link with this token. Browsers send the part after "#" to no server: it is in no log."""
    return f"{get_settings().address}/enter#{token}"


def revoke(user_id: int) -> None:
    """End the guest's personal link. Idempotent."""
    with transaction() as session:
        link_queries.end_links(session, user_id, PERSONAL)


def has_personal(user_id: int) -> bool:
    """Tell whether the guest has a personal link."""
    with reading() as session:
        return link_queries.has_link(session, user_id, PERSONAL)


def is_kept(user: User) -> bool:
    """Tell whether the guest can come back from another browser: with a password, by mail or by a personal link."""
    return user.hashed_password is not None or user.email is not None or has_personal(user.id)


def owner_of(typed_token: str, browser: str = "") -> User:
    """Return the account that a link would log in to, with its event. `typed_token` is the token, or the whole link.

    `browser` is the secret of the browser, `api.sessions.browser_secret`.

    Raises:
        LoginLinkInvalid: see `enter`. Its `user_id` is the account's, if the link is known.
    """
    with reading() as session:
        link = link_queries.link(session, _hash_of(typed_token))
        return _owner(session, link, queries.user(session, link.user_id) if link else None, browser)


def enter(typed_token: str, browser: str, device: str | None) -> sessions.Grant:
    """Start a session by a link and return its tokens. An address that the link was mailed to is proved by it.

    Raises:
        LoginLinkUsed: it works once, and was used, in another browser or a while ago.
        LoginLinkExpired: it is too old, or the guest's events are over.
        LoginLinkRevoked: the guest has a new one, or has ended all sessions since. LoginLinkClosed: the account is
        closed. LoginLinkInvalid: it is no link of ours, or the account is deleted.
    """
    with transaction() as session:
        return sessions.start_in(session, _use(session, typed_token, browser), device, browser=True)


def use(typed_token: str, browser: str) -> User:
    """Use a link in a browser that is logged in to its account already, and return the account.

    The link counts as used, and proves its address.

    Raises:
        LoginLinkInvalid: see `enter`.
    """
    with transaction() as session:
        return _use(session, typed_token, browser)


def _use(session: Session, typed_token: str, browser: str) -> User:
    token_hash = _hash_of(typed_token)
    known = link_queries.link(session, token_hash)
    # The account is locked before the link is read again: two uses of one link wait for each other here.
    user = queries.lock_user(session, known.user_id) if known else None
    link = link_queries.link(session, token_hash)
    owner = _owner(session, link, user, browser)
    assert link is not None  # noqa: S101 - `_owner` has refused it
    if link.used_at is None:
        link.used_at, link.used_by = utcnow(), _mark(browser)
    if link.address is not None:
        addresses.adopt(session, owner, link.address)
    record(session, Action.LOGGED_IN_BY_LINK, actor=(owner.id, owner.user_type), purpose=link.purpose)
    return owner


def _owner(session: Session, link: LoginLink | None, user: User | None, browser: str) -> User:
    if link is None or user is None:
        raise errors.LoginLinkInvalid
    now = utcnow()
    if not user.is_active or user.user_type != GUEST:
        raise errors.LoginLinkClosed(user.id)
    if link.purpose != PERSONAL and link.used_at is not None and not _is_repeated(link, browser, now):
        raise errors.LoginLinkUsed(user.id)
    if link.token_version != user.token_version:
        raise errors.LoginLinkRevoked(user.id)
    if _end_of(session, link) <= now:
        raise errors.LoginLinkExpired(user.id)
    return user


def _is_repeated(link: LoginLink, browser: str, now: datetime) -> bool:
    """Return whether the browser that has used the link does so again, because it has not seen the answer."""
    used_at, used_by = link.used_at or now, link.used_by or ""
    return bool(used_by) and now - used_at <= LOST_ANSWER and same(used_by, _mark(browser))


def _mark(browser: str) -> str:
    # Keyed, so that the row tells nothing of the cookie.
    return signature(b"browser of a link", browser) if browser else ""


def _end_of(session: Session, link: LoginLink) -> datetime:
    if link.purpose == PERSONAL:
        last = queries.last_expiry(session, link.user_id)
        return last + sessions.KEPT_AFTER_EVENTS if last is not None else link.expires_at
    return link.expires_at


def _hash_of(typed_token: str) -> str:
    return _hash(typed_token.rpartition("#")[2].strip())


def _hash(token: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
