"""SQL about accounts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, delete, exists, false, func, select, update
from sqlalchemy.orm import Session, joinedload, with_expression

from models import ADMIN, GUEST, PHOTOGRAPHER, Event, EventPhotographer, User, UserEvent, UserSession

# Run at every authenticated call, so the statement is built once.
_USER = select(User).where(User.id == bindparam("user_id")).options(joinedload(User.event))
_LIVE = (
    UserSession.user_id == User.id,
    UserSession.token_version == User.token_version,
    UserSession.expires_at > bindparam("now"),
)
_USER_IN_SESSION = (
    select(User)
    .join(UserSession, and_(*_LIVE))
    .where(User.id == bindparam("user_id"), UserSession.id == bindparam("session_id"))
    .options(
        joinedload(User.event),
        with_expression(User.session_id, UserSession.id),
        with_expression(User.session_used_at, UserSession.last_used_at),
        with_expression(User.session_follows_events, UserSession.follows_events),
    )
)


def user(session: Session, user_id: int) -> User | None:
    """Return the account with its home event."""
    return session.scalar(_USER, {"user_id": user_id})


def user_in_session(session: Session, user_id: int, session_id: str, now: datetime) -> User | None:
    """Return the account with its home event and `session_…`, or None if it has no such live session."""
    return session.scalar(_USER_IN_SESSION, {"user_id": user_id, "session_id": session_id, "now": now})


def taken(
    session: Session, *, username_key: str | None, email_key: str | None, event_id: int | None
) -> Row[bool, bool]:
    """Tell, in one statement, whether the name and the address are taken in that event."""
    scope = User.event_id.is_(None) if event_id is None else User.event_id == event_id
    name = exists().where(scope, User.username_key == username_key) if username_key else false()
    address = exists().where(scope, User.email_key == email_key) if email_key else false()
    return session.execute(select(name.label("username"), address.label("email"))).one()


def named(session: Session, key: str, guests: int, event_id: int | None = None) -> Sequence[User]:
    """Return the accounts whose name or address is `key`, with their home events, staff first.

    At most `guests` + 1 in all. With `event_id`, only guests that registered in that event or joined it, and staff.
    Guests whose address is not confirmed come last, the oldest first. Accounts without a password are left out.
    """
    # A name with an "@" is always the account's own address.
    is_called = (User.email_key == key) | (User.typed_email_key == key) if "@" in key else User.username_key == key
    wanted = select(User).where(is_called, User.hashed_password.is_not(None))
    if event_id is not None:
        joined = exists().where(UserEvent.user_id == User.id, UserEvent.event_id == event_id)
        wanted = wanted.where((User.user_type != GUEST) | (User.event_id == event_id) | joined)
    # Names and addresses of accounts without an event are unique, and staff have none: one of them is staff at most.
    return session.scalars(
        wanted.options(joinedload(User.event))
        .order_by(User.user_type == GUEST, User.email_key.is_(None), User.id)
        .limit(guests + 1)
    ).all()


def registered_with(session: Session, event_id: int, email_key: str) -> User | None:
    """Return the open guest of this home event who has the address and a password, the one that owns it first."""
    has_it = (User.email_key == email_key) | (User.typed_email_key == email_key)
    wanted = select(User).where(User.event_id == event_id, has_it, User.user_type == GUEST, User.is_active)
    newest = wanted.where(User.hashed_password.is_not(None)).order_by(User.email_key.is_(None), User.id.desc())
    return session.scalar(newest.options(joinedload(User.event)).limit(1))


def replace_hash(session: Session, user_id: int, old: str, new: str) -> None:
    """Store another hash of the same password, unless the hash was changed meanwhile."""
    session.execute(update(User).where(User.id == user_id, User.hashed_password == old).values(hashed_password=new))


def has_admin(session: Session) -> bool:
    """Tell whether there is an admin."""
    return bool(session.scalar(select(exists().where(User.user_type == ADMIN))))


def photographers(session: Session) -> Sequence[User]:
    """Return every photographer, by id."""
    return session.scalars(
        select(User).where(User.user_type == PHOTOGRAPHER).options(joinedload(User.event)).order_by(User.id)
    ).all()


def photographer(session: Session, user_id: int) -> User | None:
    """Return a photographer's account."""
    return session.scalar(_photographer(user_id))


def lock_photographer(session: Session, user_id: int) -> User | None:
    """Return a photographer's account and lock its row."""
    return session.scalar(_photographer(user_id).with_for_update(of=User))


def _photographer(user_id: int) -> Select[User]:
    return select(User).where(User.id == user_id, User.user_type == PHOTOGRAPHER).options(joinedload(User.event))


def lock_user(session: Session, user_id: int) -> User | None:
    """Return the account and lock its row, so that other changes of its selfies and memberships wait."""
    return session.scalar(select(User).where(User.id == user_id).with_for_update())


def assigned(session: Session, photographer_id: int, event_id: int) -> bool:
    """Tell whether the photographer is assigned to the event."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    EventPhotographer.photographer_id == photographer_id,
                    EventPhotographer.event_id == event_id,
                )
            )
        )
    )


def remove(session: Session, user_id: int) -> None:
    """Delete the account; foreign keys delete everything that refers to it."""
    session.execute(delete(User).where(User.id == user_id))


def count_guests(session: Session) -> int:
    """Return the number of guests' accounts."""
    return session.scalar(select(func.count()).select_from(User).where(User.user_type == GUEST)) or 0


def count(session: Session) -> int:
    """Return the number of accounts."""
    return session.scalar(select(func.count()).select_from(User)) or 0


# --- staff ---------------------------------------------------------------------------------------


def staff(session: Session) -> Sequence[User]:
    """Return every photographer and admin, by name."""
    return session.scalars(
        select(User).where(User.user_type.in_((ADMIN, PHOTOGRAPHER))).order_by(User.username_key)
    ).all()


def lock_staff_named(session: Session, key: str) -> User | None:
    """Return the photographer or admin with this normalised name or address, and lock the row."""
    column = User.email_key if "@" in key else User.username_key
    return session.scalar(
        select(User).where(User.user_type.in_((ADMIN, PHOTOGRAPHER)), column == key).with_for_update()
    )


# --- sessions ------------------------------------------------------------------------------------


def is_still(session: Session, user_id: int, token_version: int) -> bool:
    """Tell whether the account is open and has this version; neither changes before the transaction ends."""
    # FOR SHARE: other logins and the matching of the guest's photos go on, a change of password waits.
    wanted = select(User.id).where(User.id == user_id, User.token_version == token_version, User.is_active)
    return session.scalar(wanted.with_for_update(read=True)) is not None


def _signed_in(user: User, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which the account of a request may still go on with it."""
    alive: ColumnElement[bool] = User.token_version == user.token_version
    if user.session_id is not None:
        row = (UserSession.id == user.session_id, UserSession.expires_at > now)
        alive = exists().where(*row, UserSession.user_id == User.id, UserSession.token_version == User.token_version)
    return User.id == user.id, User.is_active.is_(True), alive


def lock_signed_in(session: Session, user: User, now: datetime) -> bool:
    """Lock the account of a request; tell whether it is open and the session of the request still lives."""
    wanted = select(User.id).where(*_signed_in(user, now)).with_for_update()
    return session.scalar(wanted) is not None


def still_assigned(session: Session, user: User, event_id: int, now: datetime) -> bool | None:
    """Tell whether the photographer of a request is still assigned to the event; None if no longer logged in."""
    assignment = exists().where(EventPhotographer.photographer_id == user.id, EventPhotographer.event_id == event_id)
    return session.scalar(select(assignment).select_from(User).where(*_signed_in(user, now)))


def lock_live_session(session: Session, session_id: str, now: datetime) -> UserSession | None:
    """Return a live session of an open account and lock its row."""
    wanted = select(UserSession).join(User, and_(*_LIVE)).where(UserSession.id == session_id, User.is_active)
    return session.scalar(wanted.with_for_update(of=UserSession), {"now": now})


def live_sessions(session: Session, user_id: int, now: datetime, limit: int) -> Sequence[UserSession]:
    """Return at most `limit` live sessions of the account, the one used last first."""
    wanted = select(UserSession).join(User, and_(*_LIVE)).where(UserSession.user_id == user_id)
    newest = wanted.order_by(UserSession.last_used_at.desc(), UserSession.id).limit(limit)
    return session.scalars(newest, {"now": now}).all()


def note_use(session: Session, session_id: str, now: datetime, expires_at: datetime | None) -> None:
    """Set the time of the session's last use, and its end if one is given."""
    values = {"last_used_at": now, **({"expires_at": expires_at} if expires_at is not None else {})}
    session.execute(update(UserSession).where(UserSession.id == session_id).values(values))


def last_expiry(session: Session, user_id: int) -> datetime | None:
    """Return when the last of the guest's events expires; None without events."""
    latest = select(func.max(Event.expires_at)).join(UserEvent, UserEvent.event_id == Event.id)
    return session.scalar(latest.where(UserEvent.user_id == user_id))


def started(session: Session, start_mark: str, since: datetime) -> User | None:
    """Return the open account with this mark, with its home event, if it was made after a time.

    An account whose sessions were all ended is not returned: the cookie of the browser must not open it again.
    """
    wanted = select(User).where(
        User.start_mark == start_mark, User.created_at > since, User.is_active, User.token_version == 0
    )
    return session.scalar(wanted.options(joinedload(User.event)))


def clear_start_mark(session: Session, start_mark: str, before: datetime) -> None:
    """Take a mark from the account that has it, if `started` does not return that account."""
    old = (User.created_at <= before) | ~User.is_active | (User.token_version != 0)
    session.execute(update(User).where(User.start_mark == start_mark, old).values(start_mark=None))


def carry_over(session: Session, session_id: str, token_version: int) -> None:
    """Let a session live on under the account's new version."""
    session.execute(update(UserSession).where(UserSession.id == session_id).values(token_version=token_version))


def delete_session(session: Session, user_id: int, session_id: str) -> bool:
    """Delete one session of the account; tell whether there was one."""
    wanted = delete(UserSession).where(UserSession.id == session_id, UserSession.user_id == user_id)
    return session.scalar(wanted.returning(UserSession.id)) is not None


def delete_sessions(session: Session, user_id: int, but: str | None = None) -> None:
    """Delete the sessions of the account, but one if it is given."""
    wanted = delete(UserSession).where(UserSession.user_id == user_id)
    session.execute(wanted.where(UserSession.id != but) if but is not None else wanted)


def delete_expired_sessions(session: Session, now: datetime, limit: int) -> None:
    """Delete at most `limit` expired sessions of all accounts; rows that another login deletes are skipped."""
    expired = (
        select(UserSession.id)
        .where(UserSession.expires_at <= now)
        .order_by(UserSession.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(UserSession).where(UserSession.id.in_(expired)))
