"""A guest holds profiles of children: consents for them, sends their portraits, sees their photos, erases them.

A child is an account of its own kind: a member of events, with consents, portraits and matches like a guest's, and
without a login. So the rules for guests apply to it: no template without a consent, the ends, the audit, receipts.
Only the wording for guardians counts as a consent for it, and its faces are matched more strictly
(`matching/similarity.py`). It is erased with the account of its guardian.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

import errors
from accounts import queries as account_queries
from accounts.service import NewAccount, add_account
from database import reading, transaction
from events import queries as event_queries
from events.queries import Joined
from guests import consent, erasure
from guests.children import queries
from guests.registration import NAMES_TRIED, made_up_username
from guests.wordings import Wording
from keys import MAX_CHILDREN
from matching.state import MatchingState, state_of
from models import DONE, GUEST, Selfie, User, UserEvent
from photos import queries as photo_queries
from photos import service as photos
from photos.queries import Page
from photos.service import PhotoList
from photos.withheld import service as withheld
from selfies import queries as selfie_queries
from selfies import service as selfies
from selfies.service import SelfieFile, StoredSelfie
from settings import get_settings


@dataclass(frozen=True, slots=True)
class Child:
    """A child's profile: its account, its events, the state of its portrait, and events whose photos are hidden."""

    account: User
    joined: Sequence[Joined]
    state: MatchingState
    hidden_in: set[int]


def children_of(guardian: User) -> list[Child]:
    """Return the profiles that a guest holds, oldest first."""
    with reading() as session:
        held = queries.children_of(session, guardian.id)
        joined = {each.id: event_queries.joined(session, each.id) for each in held}
    return [Child(each, joined[each.id], state_of(each.id), withheld.hides_in(each.id)) for each in held]


def add(guardian: User, name: str, event_id: int, wording: Wording) -> User:
    """Make a profile of a child in one of the guardian's events, with the guardian's consent for it; return it.

    Raises:
        NotInEvent: the guardian is not a member of the event. TooManyChildren: the guest holds ten profiles.
        TooBusy: no free name was found for the account.
    """
    for _ in range(NAMES_TRIED):
        try:
            with transaction() as session:
                return _add(session, guardian, name, event_id, wording)
        except errors.AccountTaken:
            continue
    raise errors.TooBusy


def _add(session: Session, guardian: User, name: str, event_id: int, wording: Wording) -> User:
    _check_member(session, guardian, event_id)
    if account_queries.lock_user(session, guardian.id) is None:
        raise errors.InvalidToken
    if queries.count(session, guardian.id) >= MAX_CHILDREN:
        raise errors.TooManyChildren
    child = add_account(
        session,
        NewAccount(made_up_username()),
        None,
        GUEST,
        event_id=event_id,
        locale=guardian.locale,
        has_made_up_username=True,
        display_name=name,
        guardian_id=guardian.id,
    )
    session.add(UserEvent(user_id=child.id, event_id=event_id, status=DONE))
    session.flush()
    consent.record(session, child.id, event_id, wording)
    return child


def _check_member(session: Session, guardian: User, event_id: int) -> None:
    # Kept, so that the event is not deleted meanwhile; before the accounts' rows, as everywhere.
    kept = event_queries.is_kept(session, event_id)
    if not kept or event_queries.membership(session, guardian.id, event_id) is None:
        raise errors.NotInEvent


def child_of(guardian: User, child_id: int) -> User:
    """Return one of the children whose profiles this guest holds.

    Raises:
        NoSuchChild: it is none.
    """
    with reading() as session:
        found = queries.child_of(session, guardian.id, child_id)
    if found is None:
        raise errors.NoSuchChild
    return found


def agree(guardian: User, child_id: int, event_id: int, wording: Wording) -> None:
    """Consent for a child in one of the guardian's events; the child becomes a member. Idempotent.

    Raises:
        NoSuchChild: see `child_of`. NotInEvent: the guardian is not a member of the event.
    """
    child = child_of(guardian, child_id)
    with transaction() as session:
        _check_member(session, guardian, event_id)
        if account_queries.lock_user(session, child.id) is None:
            raise errors.NoSuchChild
        if event_queries.membership(session, child.id, event_id) is None:
            session.add(UserEvent(user_id=child.id, event_id=event_id, status=DONE))
    consent.give(child.id, event_id, wording)


def withdraw(guardian: User, child_id: int, event_id: int) -> None:
    """Withdraw the consent for a child in an event, as guests do for themselves. Idempotent.

    Raises:
        NoSuchChild: see `child_of`. NotInEvent: the child is not a member of the event.
    """
    consent.withdraw(child_of(guardian, child_id).id, event_id)


def hide(guardian: User, child_id: int, event_id: int, *, hidden: bool) -> None:
    """Hide the photos of a child in an event from other guests, or show them again.

    Raises:
        NoSuchChild: see `child_of`. NotInEvent: the child is not a member of the event.
    """
    child = child_of(guardian, child_id)
    if hidden:
        withheld.hide_photos_of(child.id, event_id)
    else:
        withheld.show_photos_of(child.id, event_id)


def check_portrait(guardian: User, child_id: int) -> User:
    """Return the child if a portrait of it is accepted now, before its bytes are read.

    Raises:
        NoSuchChild: see `child_of`. ConsentRequired, ConsentWithdrawn: no consent for the child is in force.
        EventExpired: all events of the child are over.
    """
    child = child_of(guardian, child_id)
    selfies.check_accepted(child.id)
    return child


def send_portrait(child: User, file: SelfieFile, store: Callable[[SelfieFile], StoredSelfie]) -> Selfie:
    """Store a child's portrait, which replaces the one before; never a consent by itself.

    Raises:
        AppError: see `selfies.service.receive`.
    """
    return selfies.receive(child, file, store, strict=get_settings().selfie_validation_strict)


def portrait(guardian: User, child_id: int) -> bytes:
    """Return a child's portrait as a JPEG.

    Raises:
        NoSuchChild: see `child_of`. NoSelfie: there is none.
    """
    child = child_of(guardian, child_id)
    with reading() as session:
        current = selfie_queries.current(session, child.id)
    if current is None or current.storage_key is None:
        raise errors.NoSelfie
    try:
        return selfies.picture(current.storage_key)
    except errors.NoSuchSelfie as error:
        raise errors.NoSelfie from error


def photos_of(guardian: User, child_id: int, event_id: int, page: Page) -> PhotoList:
    """Return one page of the event's photos that show a child.

    Raises:
        NoSuchChild: see `child_of`. NotInEvent: the guardian is not a member of the event.
    """
    child = child_of(guardian, child_id)
    with reading() as session:
        if event_queries.membership(session, guardian.id, event_id) is None:
            raise errors.NotInEvent
        rows = photo_queries.with_child(session, guardian.id, child.id, event_id, page)
        return photos.listed(rows, page, photo_queries.count_with_child(session, guardian.id, child.id, event_id))


def erase(guardian: User, child_id: int) -> None:
    """Erase a child's profile with everything of it, as an account is erased.

    Raises:
        NoSuchChild: see `child_of`.
    """
    erasure.erase_child(child_of(guardian, child_id).id)
