"""Groups of guests: each member sees the photos that show all members of the group.

A guest joins by opening the group's invitation link and agreeing. The link has the group's id and a signature; any
guest of the event who has the link may join. A group shows its members no photo that they do not see without it; it
tells them that the others are in it too. Any member can leave. While there is only one member, no photo is listed;
when the last one leaves, the group is deleted.
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
    """A group with its event, and its members in the order in which they joined."""

    id: int
    event: Event
    members: Sequence[GroupMember]

    @property
    def token(self) -> str:
        """The token of the invitation link."""
        return f"{self.id}.{signature(PURPOSE, str(self.id))}"

    @property
    def link(self) -> str:
        """The invitation link: `PUBLIC_URL/together/…`."""
        return f"{get_settings().address}/together/{quote(self.token)}"

    def others(self, user: User) -> list[GroupMember]:
        """Return the members besides this guest."""
        return [each for each in self.members if each.user_id != user.id]


def _group_id(token: str) -> int:
    number, _, signed = token.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) <= 19 and 1 <= int(number) <= MAX_ID):
        raise errors.NoSuchInvitation
    if not same(signature(PURPOSE, str(int(number))), signed):
        raise errors.NoSuchInvitation
    return int(number)


def _groups(session: Session, user_id: int, group_id: int | None = None) -> list[Group]:
    found = queries.groups_of(session, user_id, group_id)
    members = queries.group_members(session, [each for each, _ in found])
    # A guest who leaves between the two queries may be missing from the second one.
    return [Group(each, event, members[each]) for each, event in found if each in members]


def _group(session: Session, user_id: int, group_id: int) -> Group:
    for each in _groups(session, user_id, group_id):
        return each
    raise errors.NoSuchGroup


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
        return _group(session, user.id, group.id)


def invitation(user: User, token: str) -> Group:
    """Return the group that an invitation link is for, to a guest who decides whether to agree.

    Raises:
        NoSuchInvitation: the link is wrong, the group is gone, or the guest is not a member of its event.
    """
    with reading() as session:
        return _invited(session, user.id, _group_id(token))


def accept(user: User, token: str) -> Group:
    """Make the guest a member of the group that an invitation link is for. Idempotent.

    Raises:
        NoSuchInvitation: see `invitation`. GroupFull: it has ten members.
        TooManyGroups: the guest is in twenty groups of the event.
    """
    group_id = _group_id(token)
    with transaction() as session:
        account_queries.lock_user(session, user.id)
        queries.lock_group(session, group_id)
        group = _invited(session, user.id, group_id)
        others = group.others(user)
        if len(others) < len(group.members):
            return group
        if len(others) >= MAX_TOGETHER:
            raise errors.GroupFull
        _check_room(session, user.id, group.event.id)
        session.add(TogetherMember(group_id=group.id, user_id=user.id))
        session.flush()
        return _group(session, user.id, group.id)


def leave(user: User, group_id: int) -> None:
    """End the guest's membership of the group; the last one's deletes it.

    Raises:
        NoSuchGroup: there is no such group, or the guest is not in it.
    """
    with transaction() as session:
        queries.lock_group(session, group_id)
        member = session.get(TogetherMember, (group_id, user.id))
        if member is None:
            raise errors.NoSuchGroup
        session.delete(member)
        session.flush()
        queries.delete_empty_group(session, group_id)


def groups_of(user: User) -> list[Group]:
    """Return the groups the guest is in, newest first."""
    with reading() as session:
        return _groups(session, user.id)


def group_of(user: User, group_id: int) -> Group:
    """Return a group the guest is in.

    Raises:
        NoSuchGroup: there is no such group, or the guest is not in it.
    """
    with reading() as session:
        return _group(session, user.id, group_id)


def count_photos(user: User, groups: Sequence[Group]) -> list[int]:
    """Return how many photos `photos_of` lists for each of these groups of the guest."""
    with reading() as session:
        return [_count(session, user, each) for each in groups]


def _count(session: Session, user: User, group: Group) -> int:
    others = [each.user_id for each in group.others(user)]
    return photo_queries.count_with_all(session, user.id, others, group.event.id) if others else 0


def photos_of(user: User, group_id: int, page: Page) -> PhotoList:
    """Return one page of the photos that show all members of the group; none while there is only one.

    Raises:
        NoSuchGroup: there is no such group, or the guest is not in it.
    """
    with reading() as session:
        group = _group(session, user.id, group_id)
        others = [each.user_id for each in group.others(user)]
        if not others:
            return PhotoList([], 0, None)
        rows = photo_queries.with_all(session, user.id, others, group.event.id, page)
        return photos.listed(rows, page, _count(session, user, group))


def _invited(session: Session, user_id: int, group_id: int) -> Group:
    group = session.get(TogetherGroup, group_id)
    event = event_queries.joined_event(session, user_id, group.event_id) if group is not None else None
    members = queries.group_members(session, [group_id]).get(group_id)
    if event is None or not members:
        raise errors.NoSuchInvitation
    return Group(group_id, event, members)
