"""SQL about an event's guests: their list, their groups, and what is deleted with the event."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from events.consents.queries import has_consent
from models import (
    DONE,
    GUEST,
    REJECTED,
    Event,
    FaceMatch,
    Photo,
    Selfie,
    TogetherGroup,
    TogetherMember,
    User,
    UserEvent,
)


class MemberRow(NamedTuple):
    """A guest in an event's guest list, as `guests.members.Member`, with the membership's id for the next page."""

    membership_id: int
    user_id: int
    username: str
    has_made_up_username: bool
    display_name: str | None
    email: str | None
    user_type: str
    created_at: datetime
    joined_at: datetime
    has_selfie: bool
    selfie_status: str | None
    matched: int
    is_child: bool


class GroupMember(NamedTuple):
    """A guest in a group of guests. If the account's name is an address, the names are the part before the @.

    `name` is the one to show; None for a guest who gave none.
    """

    user_id: int
    username: str
    name: str | None


def lock_guests_of(session: Session, event_id: int) -> Sequence[User]:
    """Return the accounts made in that event, with their rows locked."""
    return session.scalars(
        select(User).where(User.event_id == event_id, User.user_type == GUEST).with_for_update()
    ).all()


def other_homes(session: Session, user_id: int, event_id: int) -> Sequence[int]:
    """Return the other events a guest has joined, oldest membership first."""
    return session.scalars(
        select(UserEvent.event_id)
        .where(UserEvent.user_id == user_id, UserEvent.event_id != event_id)
        .order_by(UserEvent.joined_at, UserEvent.id)
    ).all()


def has_namesake(session: Session, user: User, event_id: int | None) -> bool:
    """Tell whether another account of that event (or of none) has the user's name or address."""
    scope = User.event_id.is_(None) if event_id is None else User.event_id == event_id
    same = (User.username_key == user.username_key) | (User.email_key == user.email_key)
    return bool(session.scalar(select(exists().where(scope, same, User.id != user.id))))


def lock_looked_for_only_in(session: Session, event_id: int) -> Sequence[int]:
    """Return the members of other events too, with a selfie and no consent in force there, with their rows locked."""
    elsewhere = exists().where(UserEvent.user_id == User.id, UserEvent.event_id != event_id, has_consent())
    member = exists().where(UserEvent.user_id == User.id, UserEvent.event_id == event_id)
    stays = or_(User.event_id.is_(None), User.event_id != event_id)
    own = exists().where(Selfie.user_id == User.id)
    found = select(User.id).where(stays, member, own, ~elsewhere).order_by(User.id).with_for_update()
    return session.scalars(found).all()


def selfie_keys_of_home(session: Session, event_id: int) -> Sequence[str]:
    """Return the storage keys of the selfies of the accounts whose home event is this one."""
    return [
        key
        for key in session.scalars(
            select(Selfie.storage_key)
            .join(User, User.id == Selfie.user_id)
            .where(User.event_id == event_id, User.user_type == GUEST)
        )
        if key is not None
    ]


def _named(statement: Select[*tuple[Any, ...]], prefix: str) -> Select[*tuple[Any, ...]]:
    """Restrict memberships to guests whose name or address begins with `prefix`, unless it is empty."""
    if not prefix:
        return statement
    keys = (User.username_key, User.email_key, User.typed_email_key, func.lower(User.display_name))
    begins = or_(*(key.startswith(prefix, autoescape=True) for key in keys))
    # A subquery per guest, by index: for a join a planner may choose to read the accounts of all events.
    found = select(User.id).where(User.id == UserEvent.user_id, begins).correlate(UserEvent).scalar_subquery()
    return statement.where(found.is_not(None))


def members(
    session: Session, event_id: int, prefix: str, limit: int | None, after: int | None
) -> Sequence[MemberRow]:
    """Return a page of the event's guests, those who joined last first.

    At most `limit` memberships with an id below `after`; `prefix` is the beginning of a normalised name or address.
    """
    statement = _members(event_id).order_by(UserEvent.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(UserEvent.id < after)
    return [MemberRow(*row) for row in session.execute(_named(statement, prefix))]


def member(session: Session, event_id: int, user_id: int) -> MemberRow | None:
    """Return one guest of the event."""
    row = session.execute(_members(event_id).where(UserEvent.user_id == user_id)).one_or_none()
    return MemberRow(*row) if row is not None else None


def count_portraits(session: Session, user_id: int) -> int:
    """Return the number of the guest's portraits that are in use."""
    statement = select(func.count()).select_from(Selfie).where(Selfie.user_id == user_id, Selfie.status == DONE)
    return session.scalar(statement) or 0


def _members(event_id: int) -> Select[*tuple[Any, ...]]:
    own = select(Selfie.status).where(Selfie.user_id == UserEvent.user_id).correlate(UserEvent)
    matched = (
        select(func.count())
        .select_from(FaceMatch)
        .join(Photo, Photo.id == FaceMatch.photo_id)
        .where(FaceMatch.user_id == UserEvent.user_id, FaceMatch.declared.is_(False), Photo.event_id == event_id)
        .correlate(UserEvent)
    )
    return (
        select(
            UserEvent.id,
            User.id,
            User.username,
            User.has_made_up_username,
            User.display_name,
            User.email,
            User.user_type,
            User.created_at,
            UserEvent.joined_at,
            own.where(Selfie.status != REJECTED).limit(1).scalar_subquery().is_not(None),
            own.order_by(Selfie.id.desc()).limit(1).scalar_subquery(),
            matched.scalar_subquery(),
            User.guardian_id.is_not(None),
        )
        .join(User, User.id == UserEvent.user_id)
        .where(UserEvent.event_id == event_id)
    )


def count_members(session: Session, event_id: int, prefix: str) -> int:
    """Return the number of the event's guests whose name or address begins with `prefix`."""
    statement = select(func.count()).select_from(UserEvent).where(UserEvent.event_id == event_id)
    return session.scalar(_named(statement, prefix)) or 0


# --- groups of guests --------------------------------------------------------------------------------


def lock_group(session: Session, group_id: int) -> None:
    """Lock the group's row, if there is such a group."""
    session.execute(select(TogetherGroup.id).where(TogetherGroup.id == group_id).with_for_update())


def group_members(session: Session, group_ids: Sequence[int]) -> dict[int, list[GroupMember]]:
    """Return the members of each group who are members of its event, in the order in which they joined."""
    rows = session.execute(
        select(TogetherMember.group_id, User)
        .join(TogetherMember, TogetherMember.user_id == User.id)
        .join(TogetherGroup, TogetherGroup.id == TogetherMember.group_id)
        .join(UserEvent, (UserEvent.user_id == User.id) & (UserEvent.event_id == TogetherGroup.event_id))
        .where(TogetherMember.group_id.in_(group_ids))
        .order_by(TogetherMember.joined_at, User.id)
    )
    found = dict[int, list[GroupMember]]()
    for group_id, user in rows:
        name = user.shown_name.partition("@")[0] if user.shown_name else None
        found.setdefault(group_id, []).append(GroupMember(user.id, user.username.partition("@")[0], name))
    return found


def groups_of(session: Session, user_id: int, group_id: int | None = None) -> list[tuple[int, Event]]:
    """Return the ids of the groups the guest is in, with their events, newest first; of `group_id` alone if given."""
    statement = (
        select(TogetherGroup.id, Event)
        .join(TogetherMember, TogetherMember.group_id == TogetherGroup.id)
        .join(Event, Event.id == TogetherGroup.event_id)
        .join(UserEvent, (UserEvent.user_id == user_id) & (UserEvent.event_id == Event.id))
        .where(TogetherMember.user_id == user_id)
        .order_by(TogetherGroup.id.desc())
    )
    if group_id is not None:
        statement = statement.where(TogetherGroup.id == group_id)
    return [(found, event) for found, event in session.execute(statement)]


def count_groups(session: Session, user_id: int, event_id: int) -> int:
    """Return how many groups of the event the guest is in."""
    return (
        session.scalar(
            select(func.count())
            .select_from(TogetherMember)
            .join(TogetherGroup, TogetherGroup.id == TogetherMember.group_id)
            .where(TogetherMember.user_id == user_id, TogetherGroup.event_id == event_id)
        )
        or 0
    )


def groups_with(session: Session, user_id: int) -> Sequence[int]:
    """Return the ids of the groups the guest is in."""
    return session.scalars(select(TogetherMember.group_id).where(TogetherMember.user_id == user_id)).all()


def delete_empty_group(session: Session, group_id: int) -> None:
    """Delete the group if it has no member."""
    member = exists().where(TogetherMember.group_id == TogetherGroup.id)
    session.execute(delete(TogetherGroup).where(TogetherGroup.id == group_id, ~member))
