"""SQL about accounts."""

from collections.abc import Sequence

from sqlalchemy import Row, bindparam, delete, exists, false, func, select, update
from sqlalchemy.orm import Session, joinedload

from models import (
    ADMIN,
    GUEST,
    PHOTOGRAPHER,
    Consent,
    Event,
    EventPhotographer,
    RecoveryCode,
    SecondFactor,
    User,
    UserEvent,
    utcnow,
)

# Run at every authenticated call, so the statement is built once.
_USER = select(User).where(User.id == bindparam("user_id")).options(joinedload(User.event))


def user(session: Session, user_id: int) -> User | None:
    """Return the account with its home event."""
    return session.scalar(_USER, {"user_id": user_id})


def taken(
    session: Session, *, username_key: str | None, email_key: str | None, event_id: int | None
) -> Row[bool, bool]:
    """Tell, in one statement, whether the name and the address are taken in that event."""
    scope = User.event_id.is_(None) if event_id is None else User.event_id == event_id
    name = exists().where(scope, User.username_key == username_key) if username_key else false()
    address = exists().where(scope, User.email_key == email_key) if email_key else false()
    return session.execute(select(name.label("username"), address.label("email"))).one()


def named(session: Session, key: str, limit: int) -> Sequence[User]:
    """Return at most `limit` accounts whose name or address is `key`, with their home events."""
    # A name with an "@" is always the account's own address, so one of two indexes answers the query.
    column = User.email_key if "@" in key else User.username_key
    return session.scalars(
        select(User).where(column == key).options(joinedload(User.event)).order_by(User.id).limit(limit)
    ).all()


def named_in_event(session: Session, key: str, event_id: int, limit: int) -> Sequence[User]:
    """Return at most `limit` accounts with that name or address that were made in the event or joined it."""
    column = User.email_key if "@" in key else User.username_key
    joined = exists().where(UserEvent.user_id == User.id, UserEvent.event_id == event_id)
    return session.scalars(
        select(User)
        .where(column == key, (User.event_id == event_id) | joined)
        .options(joinedload(User.event))
        .order_by(User.id)
        .limit(limit)
    ).all()


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
    return session.scalar(
        select(User).where(User.id == user_id, User.user_type == PHOTOGRAPHER).options(joinedload(User.event))
    )


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


def consents(session: Session, user_id: int, event_id: int, version: str | None = None) -> Sequence[Consent]:
    """Return the guest's consents in force in the event, only those to `version` if it is given."""
    wanted = select(Consent).where(
        Consent.user_id == user_id, Consent.event_id == event_id, Consent.withdrawn_at.is_(None)
    )
    return session.scalars(wanted.where(Consent.version == version) if version is not None else wanted).all()


def all_consents(session: Session, user_id: int) -> Sequence[Row[Consent, str]]:
    """Return every consent the guest gave, withdrawn ones included, with the event's name, newest first."""
    return session.execute(
        select(Consent, Event.name)
        .join(Event, Event.id == Consent.event_id)
        .where(Consent.user_id == user_id)
        .order_by(Consent.id.desc())
    ).all()


def remove(session: Session, user_id: int) -> None:
    """Delete the account; foreign keys delete everything that refers to it."""
    session.execute(delete(User).where(User.id == user_id))


def count_guests(session: Session) -> int:
    """Return the number of guests' accounts."""
    return session.scalar(select(func.count()).select_from(User).where(User.user_type == GUEST)) or 0


def count(session: Session) -> int:
    """Return the number of accounts."""
    return session.scalar(select(func.count()).select_from(User)) or 0


def second_factor(session: Session, user_id: int) -> SecondFactor | None:
    """Return the account's second factor, confirmed or not."""
    return session.get(SecondFactor, user_id)


def use_step(session: Session, user_id: int, step: int) -> bool:
    """Record a time step whose code was accepted; return false if that one or a later one was before."""
    newer = update(SecondFactor).where(SecondFactor.user_id == user_id, SecondFactor.last_step < step)
    return session.scalar(newer.values(last_step=step).returning(SecondFactor.user_id)) is not None


def recovery_codes_left(session: Session, user_id: int) -> int:
    """Return how many recovery codes of the account are unused."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def use_recovery_code(session: Session, user_id: int, code_hash: str) -> bool:
    """Mark an unused recovery code as used; return whether there was one."""
    unused = update(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.code_hash == code_hash, RecoveryCode.used_at.is_(None)
    )
    return session.scalar(unused.values(used_at=utcnow()).returning(RecoveryCode.id)) is not None


def remove_recovery_codes(session: Session, user_id: int) -> None:
    """Delete the account's recovery codes."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def remove_second_factor(session: Session, user_id: int) -> None:
    """Delete the account's second factor and its recovery codes."""
    remove_recovery_codes(session, user_id)
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))


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
