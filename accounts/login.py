"""Log in with a name and a password, or with the ticket of one of several accounts."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import errors
from accounts import queries, sessions, tokens
from accounts.passwords import hash_password, is_bcrypt, verify_password
from accounts.second_factor import service as second_factor
from accounts.service import user_of
from database import reading, transaction
from events.service import by_typed_code
from keys import lookup_key
from models import GUEST, User

# Each account that fits a name costs one password hash, two if the password is not in NFKC form. Beyond this many
# guests, the app must give the event's code.
MAX_ACCOUNTS_TRIED = 8
# Gets the ids of the accounts that a name fits, and encloses every check of the password and the second factor.
PasswordGuard = Callable[[Sequence[int]], AbstractContextManager[None]]


def _unguarded(_: Sequence[int]) -> AbstractContextManager[None]:
    return nullcontext()


def log_in(
    username: str,
    password: str,
    event_code: str | None,
    device: str | None = None,
    *,
    refresh: bool = False,
    browser: bool = False,
    otp: str | None = None,
    user_id: int | None = None,
    guard: PasswordGuard = _unguarded,
) -> sessions.Grant:
    """Start a session with the right password, and return its tokens. `otp` is the code of a second factor.

    `user_id` says which of several accounts that the password fits is meant. `browser`: see `sessions.start`.

    Raises:
        BadCredentials: there is no such account, or the password is wrong or was changed meanwhile.
        SecondFactorRequired, WrongSecondFactor, SeveralAccounts: see `authenticate`.
    """
    user = authenticate(username, password, event_code, otp=otp, user_id=user_id, guard=guard)
    try:
        return sessions.start(user, device, refresh=refresh, browser=browser)
    except errors.InvalidToken as error:
        raise errors.BadCredentials from error


def authenticate(
    username: str,
    password: str,
    event_code: str | None,
    *,
    otp: str | None = None,
    user_id: int | None = None,
    guard: PasswordGuard = _unguarded,
) -> User:
    """Return the account that the name and the password mean.

    A staff account goes first, whatever the code says: no number of guests of the same name keeps it out. With
    `user_id` only that account is logged in. The id is compared after the password, so that without the password the
    answer reveals nothing about an id.

    Raises:
        BadCredentials: there is no such account, or the password is wrong, or it fits only accounts of other ids.
        SecondFactorRequired: the account has a second factor, and no code was given.
        WrongSecondFactor: the code is wrong or was used before.
        SeveralAccounts: the password fits several accounts, or the name fits more than MAX_ACCOUNTS_TRIED guests.
    """
    staff, guests, event_id = _candidates(lookup_key(username), event_code)
    with guard([user.id for user in (*staff, *guests)]):
        user = _fitting(password, staff, guests, event_id, user_id)
        second_factor.check_login(user, otp)
    return _rehashed(user, password)


def _fitting(
    password: str, staff: Sequence[User], guests: Sequence[User], event_id: int | None, user_id: int | None
) -> User:
    for user in staff:
        if verify_password(password, user.hashed_password) and user_id in (None, user.id):
            return user
    if len(guests) > MAX_ACCOUNTS_TRIED:
        raise errors.SeveralAccounts(accounts=[])
    if not staff and not guests:
        # Takes the time of a check.
        verify_password(password, None)
    fitting = [user for user in guests if verify_password(password, user.hashed_password)]
    fitting = _preferred(fitting, event_id, user_id)
    if not fitting:
        raise errors.BadCredentials
    if len(fitting) > 1:
        tickets = [tokens.issue_choice(user.id, user.token_version) for user in fitting]
        raise errors.SeveralAccounts(tickets, accounts=[_choice(user) for user in fitting])
    return fitting[0]


def guest_at(event_id: int, address: str, password: str) -> User | None:
    """Return the guest of an event who registered with this address and password, or None.

    It takes the time of one password check, whether no, one or several accounts have the address: the time must not
    tell which addresses are registered. Only the account that owns the address is tried, else the newest that typed
    it. The caller limits the tries.
    """
    key = lookup_key(address)
    with reading() as session:
        found = queries.registered_with(session, event_id, key) if key else None
    return found if verify_password(password, found.hashed_password if found else None) else None


def log_in_again(user: User, device: str | None) -> sessions.Grant:
    """Start a session of an account that has just proved who it is, whatever was changed since it was loaded."""
    with reading() as session:
        now = queries.user(session, user.id)
    if now is None:
        raise errors.InvalidToken
    return sessions.start(now, device, browser=True)


def log_in_to(
    ticket: str, device: str | None = None, otp: str | None = None, *, browser: bool = False
) -> sessions.Grant:
    """Start a session of the account that the ticket names, and return its token.

    Raises:
        SecondFactorRequired, WrongSecondFactor: see `log_in`.
        InvalidToken: the ticket is forged or expired, or the account is closed.
    """
    user = user_of(tokens.read_choice(ticket))
    second_factor.check_login(user, otp)
    return sessions.start(user, device, browser=browser)


def _candidates(key: str | None, event_code: str | None) -> tuple[list[User], list[User], int | None]:
    """Return the open staff accounts (one at most) and guest accounts with that name or address.

    With a code only guests of that event, whose id is returned too; with an unknown code none.
    """
    if key is None:
        return [], [], None
    most, event_id = MAX_ACCOUNTS_TRIED + 1, None
    with reading() as session:
        if event_code:
            # Expired events count too: their guests still see their photos.
            event = by_typed_code(session, event_code)
            event_id, most = (event.id, most) if event else (None, 0)
        found = queries.named(session, key, most, event_id)
    guests = [user for user in found if user.user_type == GUEST][:most]
    if len(guests) > MAX_ACCOUNTS_TRIED and guests[-1].email is None:
        # However often others type an address as theirs, its owner gets in.
        guests = guests[:MAX_ACCOUNTS_TRIED]
    if len(guests) <= MAX_ACCOUNTS_TRIED:
        guests = [user for user in guests if user.is_active]
    return [user for user in found if user.user_type != GUEST and user.is_active], guests, event_id


def _preferred(fitting: list[User], event_id: int | None, user_id: int | None) -> list[User]:
    """Return only the account with that id; without one, prefer who registered in that event to who joined it."""
    if user_id is not None:
        return [user for user in fitting if user.id == user_id]
    first = [user for user in fitting if user.event_id == event_id]
    return first if len(first) == 1 else fitting


def _rehashed(user: User, password: str) -> User:
    """Return the account after replacing a bcrypt hash by an argon2id hash, unless the password changed meanwhile."""
    before = user.hashed_password
    if before is not None and is_bcrypt(before):
        hashed = hash_password(password)
        with transaction() as session:
            queries.replace_hash(session, user.id, before, hashed)
    return user


def _choice(user: User) -> dict[str, str | int | None]:
    event = user.event
    return {
        "event_name": event.name if event else None,
        "event_code": event.event_code if event else None,
        "event_id": user.event_id,
        "user_id": user.id,
        "username": user.username,
    }
