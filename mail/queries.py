"""SQL about mails to send.

A mail is claimed as other jobs are (`jobs/queue.py`), by one UPDATE that gives a lease and counts the attempt; but by
the mail thread, so that a mail server that does not answer delays no selfie.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, insert, literal_column, or_, select, update
from sqlalchemy.orm import Session

from models import FAILED, PENDING, PROCESSING, Consent, Ending, Event, EventPhotographer, Mail, User, UserEvent


def _unfinished() -> ColumnElement[bool]:
    # Must repeat the partial index's predicate literally, or SQLite does not use the index.
    return Mail.status.in_((literal_column(f"'{PENDING}'"), literal_column(f"'{PROCESSING}'")))


def _due(now: datetime) -> ColumnElement[bool]:
    """Return the condition for mails to send now: new ones, those whose pause or whose lease is over."""
    return and_(_unfinished(), or_(Mail.lease_until <= now, and_(Mail.status == PENDING, Mail.lease_until.is_(None))))


def any_due(session: Session, now: datetime) -> bool:
    """Tell whether there is a mail to send now."""
    return bool(session.scalar(select(exists().where(_due(now)))))


def claim(session: Session, now: datetime, lease_until: datetime) -> Mail | None:
    """Claim the next mail until `lease_until` and return it, or None if there is none."""
    first = (
        select(Mail.id)
        .where(_due(now))
        # From `reset_asked` and `password_reset` to `confirm_address`: those that somebody waits for come first.
        .order_by(Mail.kind.desc(), Mail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return session.scalars(
        update(Mail)
        .where(Mail.id == first, _due(now))
        .values(status=PROCESSING, attempts=Mail.attempts + 1, started_at=now, lease_until=lease_until)
        .returning(Mail)
        .execution_options(synchronize_session=False)
    ).one_or_none()


def change_claimed(session: Session, mail: Mail, columns: dict[str, Any]) -> None:
    """Set columns of a claimed mail; does nothing if another attempt has claimed it meanwhile."""
    session.execute(
        update(Mail).where(_is_claimed(mail)).values(**columns).execution_options(synchronize_session=False)
    )


def delete_claimed(session: Session, mail: Mail) -> None:
    """Delete a claimed mail: it is sent, or there is nobody to send it to."""
    session.execute(delete(Mail).where(_is_claimed(mail)).execution_options(synchronize_session=False))


def _is_claimed(mail: Mail) -> ColumnElement[bool]:
    return and_(Mail.id == mail.id, Mail.status == PROCESSING, Mail.attempts == mail.attempts)


def is_waiting(session: Session, kind: str, user_ids: Sequence[int]) -> bool:
    """Tell whether a mail of this kind to one of the accounts is not sent yet."""
    waiting = exists().where(_unfinished(), Mail.kind == kind, Mail.user_id.in_(user_ids))
    return bool(session.scalar(select(waiting)))


def add_to_people_of(session: Session, event_id: int, kind: str) -> int:
    """Insert a mail about the event to each of its guests and photographers who has an address; return how many."""
    guests = select(UserEvent.user_id).where(UserEvent.event_id == event_id)
    photographers = select(EventPhotographer.photographer_id).where(EventPhotographer.event_id == event_id)
    return _add(session, or_(User.id.in_(guests), User.id.in_(photographers)), event_id, kind)


def add_to(session: Session, user_ids: Collection[int], event_id: int, kind: str) -> int:
    """Insert a mail about the event to each of these accounts that has an address; return how many."""
    return _add(session, User.id.in_(user_ids), event_id, kind)


def _add(session: Session, concerned: ColumnElement[bool], event_id: int, kind: str) -> int:
    having_one = User.email.is_not(None), User.is_active, concerned
    people = session.execute(select(User.id, User.locale).where(*having_one)).all()
    rows = [
        {"kind": kind, "user_id": user_id, "event_id": event_id, "language": locale} for user_id, locale in people
    ]
    if rows:
        session.execute(insert(Mail), rows)
    return len(rows)


def consent_that_ends(session: Session, user_id: int, event_id: int) -> Row[str, datetime | None, str] | None:
    """Return the event's name, the announced end of the guest's consent there, and the event's zone."""
    return session.execute(
        select(Event.name, Consent.ends_at, Event.timezone)
        .join(Consent, Consent.event_id == Event.id)
        .where(
            *(Event.id == event_id, Consent.user_id == user_id),
            *(Consent.withdrawn_at.is_(None), Consent.ends_at.is_not(None)),
        )
    ).first()


def ending(session: Session, event_id: int, what: str) -> Row[str, datetime | None, datetime, str] | None:
    """Return the event's name, the time that its last notice named, the time it is about, and the event's zone."""
    return session.execute(
        select(Event.name, Ending.not_before, Ending.due_at, Event.timezone)
        .join(Ending, Ending.event_id == Event.id)
        .where(Event.id == event_id, Ending.what == what)
    ).one_or_none()


def delete_failed(session: Session, before: datetime) -> None:
    """Delete the failed mails that ended before a time."""
    session.execute(delete(Mail).where(Mail.status == literal_column(f"'{FAILED}'"), Mail.finished_at < before))


def counts(session: Session) -> dict[str, int]:
    """Return the number of mails by state; those that were sent are not there."""
    return dict(iter(session.execute(select(Mail.status, func.count()).group_by(Mail.status)).all()))


def waiting(session: Session) -> tuple[int, datetime | None]:
    """Return how many mails are not sent yet, and when the oldest of them was asked for."""
    number, oldest = session.execute(select(func.count(), func.min(Mail.created_at)).where(_unfinished())).one()
    return int(number), oldest


def failed(session: Session, limit: int) -> Sequence[Row[Mail, str]]:
    """Return the last failed mails, each with the name of the account it was for."""
    return session.execute(
        select(Mail, User.username)
        .join(User, User.id == Mail.user_id)
        .where(Mail.status == literal_column(f"'{FAILED}'"))
        .order_by(Mail.id.desc())
        .limit(limit)
    ).all()
