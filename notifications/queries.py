"""SQL about subscriptions, and about the matches that are news to them.

A subscription is claimed as mails are (`mail/queries.py`): one UPDATE gives a lease and counts the attempt.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, literal_column, select, update
from sqlalchemy.orm import Session

from events.consents.queries import has_consent
from models import (
    DONE,
    PENDING,
    PROCESSING,
    Confirmation,
    Event,
    FaceMatch,
    GivenPhoto,
    Photo,
    Subscription,
    User,
    UserEvent,
)
from photos.visible.queries import given_is_withheld_from, withheld_from

MAIL, PUSH = "mail", "push"


class Known(NamedTuple):
    """A photo of a guest in an event: the id of the match, or of the row that gives it, and when it was found."""

    row_id: int
    photo_id: int
    found_at: datetime


class Newest(NamedTuple):
    """The highest ids of a match, and of a photo given without a face."""

    match_id: int
    given_id: int


class Recipient(NamedTuple):
    """A subscription with what decides whether anything is sent."""

    subscription: Subscription
    user: User
    event: Event
    withdrawn: bool


# --- news -----------------------------------------------------------------------------------------


def newest(session: Session) -> Newest:
    """Return the highest ids: while they stay the same, no guest has a further photo."""
    ids = (select(func.max(table.id)).scalar_subquery() for table in (FaceMatch, GivenPhoto))
    match_id, given_id = session.execute(select(*ids)).one()
    return Newest(match_id or 0, given_id or 0)


def _found_by_search() -> ColumnElement[bool]:
    """Return the condition for matches that a search found, without what the guest said ("this is me")."""
    said = exists().where(Confirmation.user_id == FaceMatch.user_id, Confirmation.photo_id == FaceMatch.photo_id)
    return and_(FaceMatch.declared.is_(False), ~said.correlate(FaceMatch))


def with_unseen(session: Session, after: Newest, beyond: int, limit: int) -> Sequence[int]:
    """Return the first ids above `beyond` of subscriptions that wait for news and have a photo they have not seen.

    Only matches and given photos with ids above `after` count.
    """
    found = [
        _unseen(FaceMatch, beyond).where(
            FaceMatch.id > after.match_id,
            FaceMatch.id > Subscription.seen_match_id,
            _found_by_search(),
            ~withheld_from(Subscription.user_id),
        ),
        _unseen(GivenPhoto, beyond).where(
            GivenPhoto.id > after.given_id,
            GivenPhoto.id > Subscription.seen_given_id,
            GivenPhoto.shown,
            ~given_is_withheld_from(Subscription.user_id),
        ),
    ]
    ids = {each for one in found for each in session.scalars(one.order_by(Subscription.id).limit(limit))}
    return sorted(ids)[:limit]


def _unseen(table: type[FaceMatch | GivenPhoto], beyond: int) -> Select[int]:
    return (
        select(Subscription.id)
        .join(table, table.user_id == Subscription.user_id)
        .join(Photo, and_(Photo.id == table.photo_id, Photo.event_id == Subscription.event_id))
        .where(Subscription.status == DONE, Subscription.id > beyond)
        .distinct()
    )


def matches_of(session: Session, user_id: int, event_id: int) -> list[Known]:
    """Return the matches of a guest in an event that a search found, without what the guest said ("this is me")."""
    rows = session.execute(
        select(FaceMatch.id, FaceMatch.photo_id, FaceMatch.detected_at)
        .join(Photo, Photo.id == FaceMatch.photo_id)
        .where(FaceMatch.user_id == user_id, Photo.event_id == event_id, _found_by_search(), ~withheld_from(user_id))
    )
    return [Known(*row) for row in rows]


def given_to(session: Session, user_id: int, event_id: int) -> list[Known]:
    """Return the photos that are given to a guest in an event without a face."""
    rows = session.execute(
        select(GivenPhoto.id, GivenPhoto.photo_id, GivenPhoto.created_at)
        .join(Photo, Photo.id == GivenPhoto.photo_id)
        .where(
            GivenPhoto.user_id == user_id,
            Photo.event_id == event_id,
            GivenPhoto.shown,
            ~given_is_withheld_from(user_id),
        )
    )
    return [Known(*row) for row in rows]


# --- the job --------------------------------------------------------------------------------------


def _unfinished() -> ColumnElement[bool]:
    # Must repeat the partial index's predicate literally, or SQLite does not use the index.
    return Subscription.status.in_((literal_column(f"'{PENDING}'"), literal_column(f"'{PROCESSING}'")))


def _due(now: datetime) -> ColumnElement[bool]:
    """Return the condition for messages to send now: those whose time has come, and those whose lease is over."""
    return and_(_unfinished(), Subscription.lease_until <= now)


def any_due(session: Session, now: datetime) -> bool:
    """Tell whether there is a message to send now."""
    return bool(session.scalar(select(exists().where(_due(now)))))


def oldest_due(session: Session, now: datetime) -> datetime | None:
    """Return since when the message that waits longest could have been sent; None if none is due."""
    return session.scalar(select(func.min(Subscription.lease_until)).where(_due(now)))


def claim(session: Session, now: datetime, lease_until: datetime) -> Subscription | None:
    """Claim the message that is due longest until `lease_until`; return its subscription, or None."""
    first = (
        select(Subscription.id)
        .where(_due(now))
        .order_by(Subscription.lease_until, Subscription.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return session.scalars(
        update(Subscription)
        .where(Subscription.id == first, _due(now))
        .values(status=PROCESSING, attempts=Subscription.attempts + 1, started_at=now, lease_until=lease_until)
        .returning(Subscription)
        .execution_options(synchronize_session=False)
    ).one_or_none()


def _is_claimed(row: Subscription) -> ColumnElement[bool]:
    return and_(Subscription.id == row.id, Subscription.status == PROCESSING, Subscription.attempts == row.attempts)


def change_claimed(session: Session, row: Subscription, columns: dict[str, Any]) -> None:
    """Set columns of a claimed subscription; does nothing if another attempt has claimed it, or it was deleted."""
    session.execute(
        update(Subscription).where(_is_claimed(row)).values(**columns).execution_options(synchronize_session=False)
    )


def delete_claimed(session: Session, row: Subscription) -> None:
    """Delete a claimed subscription: nobody is to be told there any more."""
    session.execute(delete(Subscription).where(_is_claimed(row)).execution_options(synchronize_session=False))


def postpone(session: Session, now: datetime, until: datetime, host: str | None) -> None:
    """Let messages that are due wait: those to devices of a push service, or (None) the mails.

    What takes them does not answer.
    """
    session.execute(
        update(Subscription)
        .where(_due(now), Subscription.status == PENDING)
        .where(Subscription.host == host if host is not None else Subscription.channel == MAIL)
        .values(lease_until=until)
        .execution_options(synchronize_session=False)
    )


def lock_quiet(session: Session, subscription_id: int) -> Subscription | None:
    """Return a subscription that waits for news, locked; None if it does no more, or another process holds it."""
    return session.scalar(
        select(Subscription)
        .where(Subscription.id == subscription_id, Subscription.status == DONE)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )


def recipient(session: Session, subscription_id: int) -> Recipient | None:
    """Return a subscription with its guest, event, and whether no consent is in force there, and no badge is used."""
    row = session.execute(
        select(Subscription, User, Event, and_(~has_consent(), ~Event.badges))
        .join(User, User.id == Subscription.user_id)
        .join(Event, Event.id == Subscription.event_id)
        .join(UserEvent, and_(UserEvent.user_id == Subscription.user_id, UserEvent.event_id == Subscription.event_id))
        .where(Subscription.id == subscription_id)
    ).one_or_none()
    return Recipient(*row) if row is not None else None


def delete_over(session: Session, now: datetime) -> None:
    """Delete the subscriptions of events that have expired."""
    over = select(Event.id).where(Event.expires_at <= now)
    session.execute(
        delete(Subscription).where(Subscription.event_id.in_(over)).execution_options(synchronize_session=False)
    )


# --- what guests choose ---------------------------------------------------------------------------


def of_guest(session: Session, user_id: int, event_id: int) -> Sequence[Subscription]:
    """Return the guest's subscriptions in an event, oldest first."""
    return session.scalars(
        select(Subscription)
        .where(Subscription.user_id == user_id, Subscription.event_id == event_id)
        .order_by(Subscription.id)
    ).all()


def delete_of(
    session: Session, user_id: int, event_id: int, channel: str | None = None, endpoint_hash: str | None = None
) -> int:
    """Delete a guest's subscriptions in an event: all, those of a channel, or that of a device; return how many."""
    wanted = delete(Subscription).where(Subscription.user_id == user_id, Subscription.event_id == event_id)
    if channel is not None:
        wanted = wanted.where(Subscription.channel == channel)
    if endpoint_hash is not None:
        wanted = wanted.where(Subscription.endpoint_hash == endpoint_hash)
    return len(session.execute(wanted.returning(Subscription.id)).all())


def delete_one(session: Session, user_id: int, subscription_id: int) -> bool:
    """Delete one of a guest's subscriptions; return whether there was one."""
    wanted = delete(Subscription).where(Subscription.id == subscription_id, Subscription.user_id == user_id)
    return bool(session.execute(wanted.returning(Subscription.id)).all())


def delete_device_of_others(session: Session, endpoint_hash: str, user_id: int) -> None:
    """Delete what other accounts have subscribed on this device: another person uses it now."""
    session.execute(
        delete(Subscription).where(Subscription.endpoint_hash == endpoint_hash, Subscription.user_id != user_id)
    )


def delete_of_session(session: Session, user_id: int, session_id: str) -> None:
    """Delete the subscriptions of the device on which a guest had this login."""
    session.execute(
        delete(Subscription).where(Subscription.user_id == user_id, Subscription.session_id == session_id)
    )


def delete_of_other_sessions(session: Session, user_id: int, session_id: str) -> None:
    """Delete the subscriptions of the devices on which a guest had other logins than this one."""
    session.execute(
        delete(Subscription).where(
            Subscription.user_id == user_id,
            Subscription.channel == PUSH,
            func.coalesce(Subscription.session_id, "") != session_id,
        )
    )


def delete_ids(session: Session, ids: Sequence[int]) -> None:
    """Delete these subscriptions."""
    session.execute(delete(Subscription).where(Subscription.id.in_(ids)))


def lock_device(session: Session, endpoint_hash: str) -> Sequence[Subscription]:
    """Return the subscriptions of a device in all events, locked, in the order of their ids."""
    return session.scalars(
        select(Subscription)
        .where(Subscription.endpoint_hash == endpoint_hash)
        .order_by(Subscription.id)
        .with_for_update()
    ).all()
