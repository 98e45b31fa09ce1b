"""Groups of guests: each member sees the photos that show all members of the group.

A guest joins by opening the group's invitation link and agreeing. The link carries the group's id and a signature;
any guest of the event who has it may join. Members see only photos that show themselves anyway; they learn that the
others are in them too. Any member can leave. While there is only one member, no photo is listed; when the last one
leaves, the group is deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy.orm import Session

import errors
from accounts import queries as account_queries
from database import reading, transaction
from events import queries as event_queries
from guests import queries
from guests.queries import GroupMember
from keys import MAX_GROUPS, MAX_ID, MAX_TOGETHER
from models import Event, TogetherGroup, TogetherMember, User
from photos import queries as photo_queries
from photos import service as photos
from photos.queries import Page
from photos.service import PhotoList
from settings import get_settings
from signing import same, signature

PURPOSE = b"together"


@dataclass(frozen=True, slots=True)
class Group:
    """A group: its event, its members in the order in which they joined, and the token of its invitation link."""

    id: int
    event: Event
    members: Sequence[GroupMember]
    token: str


def token_of(group_id: int) -> str:
    """Return the token of the group's invitation link."""
    return f"{group_id}.{signature(PURPOSE, str(group_id))}"


def link_of(token: str) -> str:
    """Return the invitation link: `PUBLIC_URL/together/…`."""
    return f"{get_settings().address}/together/{quote(token)}"


def _group_id(token: str) -> int:
    number, _, signed = token.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) <= 19 and 1 <= int(number) <= MAX_ID):
        raise errors.NoSuchGroup
    if not same(signature(PURPOSE, str(int(number))), signed):
        raise errors.NoSuchGroup
    return int(number)


def _group(session: Session, group: TogetherGroup, event: Event) -> Group:
    return Group(group.id, event, queries.group_members(session, group.id), token_of(group.id))


def _check_room(session: Session, user_id: int, event_id: int) -> None:
    if queries.count_groups(session, user_id, event_id) >= MAX_GROUPS:
        raise errors.TooManyGroups


def start(user: User, event_id: int | None) -> Group:
    """Make a group of this guest in one of their events, by default the first, and return it.

    Raises:
        NotInEvent: the guest is not a member of the event. NoSuchEvent: the guest is a member of no event.
        TooManyGroups: the guest is in twenty groups there.
    """
    event = photos.event_of_guest(user, event_id)
    with transaction() as session:
        # Locked, so that the limit also holds when a guest starts two groups at once.
        account_queries.lock_user(session, user.id)
        if event_queries.membership(session, user.id, event.id) is None:
            raise errors.NotInEvent
        _check_room(session, user.id, event.id)
        group = TogetherGroup(event_id=event.id)
        session.add(group)
        session.flush()
        session.add(TogetherMember(group_id=group.id, user_id=user.id))
        session.flush()
        return _group(session, group, event)


def invitation(user: User, token: str) -> Group:
    """Return the group that an invitation link is for, to a guest who decides whether to agree.

    Raises:
        NoSuchGroup: the link is wrong, the group is gone, or the guest is not a member of its event.
    """
    with reading() as session:
        group, event = _invited(session, user.id, _group_id(token))
        return _group(session, group, event)


def accept(user: User, token: str) -> Group:
    """Make the guest a member of the group that an invitation link is for. Idempotent.

    Raises:
        NoSuchGroup: see `invitation`. GroupFull: it has ten members.
        TooManyGroups: the guest is in twenty groups of the event.
    """
    group_id = _group_id(token)
    with transaction() as session:
        account_queries.lock_user(session, user.id)
        queries.lock_group(session, group_id)
        group, event = _invited(session, user.id, group_id)
        members = queries.group_members(session, group.id)
        if all(each.user_id != user.id for each in members):
            if len(members) >= MAX_TOGETHER:
                raise errors.GroupFull
            _check_room(session, user.id, event.id)
            session.add(TogetherMember(group_id=group.id, user_id=user.id))
            session.flush()
        return _group(session, group, event)


def leave(user: User, group_id: int) -> None:
    """End the guest's membership of the group; the last one's deletes it.

    Raises:
        NoSuchGroup: the guest is not in such a group.
    """
    with transaction() as session:
        queries.lock_group(session, group_id)
        member = queries.group_member(session, group_id, user.id)
        if member is None:
            raise errors.NoSuchGroup
        session.delete(member)
        session.flush()
        queries.delete_empty_group(session, group_id)


def groups_of(user: User) -> list[Group]:
    """Return the groups the guest is in, newest first."""
    with reading() as session:
        return [_group(session, group, event) for group, event in queries.groups_of(session, user.id)]


def group_of(user: User, group_id: int) -> Group:
    """Return a group the guest is in.

    Raises:
        NoSuchGroup: the guest is not in such a group.
    """
    for each in groups_of(user):
        if each.id == group_id:
            return each
    raise errors.NoSuchGroup


def others_in(group: Group, user: User) -> list[str]:
    """Return the names of the group's members besides this guest."""
    return [each.username for each in group.members if each.user_id != user.id]


def photos_of(user: User, group_id: int, page: Page) -> PhotoList:
    """Return one page of the photos that show all members of the group; none while there is only one.

    Raises:
        NoSuchGroup: the guest is not in such a group.
    """
    with reading() as session:
        if queries.group_member(session, group_id, user.id) is None:
            raise errors.NoSuchGroup
        group = session.get_one(TogetherGroup, group_id)
        others = [each.user_id for each in queries.group_members(session, group_id) if each.user_id != user.id]
        if not others:
            return PhotoList([], 0, None)
        rows = photo_queries.with_all(session, user.id, others, group.event_id, page)
        return photos.listed(rows, page, photo_queries.count_with_all(session, user.id, others, group.event_id))


def _invited(session: Session, user_id: int, group_id: int) -> tuple[TogetherGroup, Event]:
    group = session.get(TogetherGroup, group_id)
    if group is None or not queries.group_members(session, group_id):
        raise errors.NoSuchGroup
    event = event_queries.joined_event(session, user_id, group.event_id)
    if event is None:
        raise errors.NoSuchGroup
    return group, event
