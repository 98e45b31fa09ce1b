"""Erase a guest's account with everything that was computed from it."""

from sqlalchemy.orm import Session

import errors
from accounts import queries
from accounts.passwords import verify_password
from audit.log import Action, record
from database import transaction
from events import queries as event_queries
from events.rematching import queries as rematch_queries
from guests import queries as guest_queries
from guests.children import queries as child_queries
from matching.erased.service import erase_faces_of
from models import GUEST, User
from photos.badges import service as badges
from photos.reports.queries import forget_reporter
from photos.withheld.service import hide_in
from selfies import queries as selfie_queries
from stored import receipts
from stored.erasure import erase as erase_files


def erase(user: User, password: str | None, *, confirmed: bool = False, hide_photos: bool = False) -> None:
    """Erase the account, its selfies, embeddings, matches, favourites and consents, and its faces in photos.

    The profiles of children that the account holds are erased with it. An account without a password needs none:
    `confirmed` says that its owner was asked and wants it; apps of before send a password, which may be any. With
    `hide_photos`, no guest sees the photos of the account's owner any more.

    Raises:
        BadCredentials: the password is wrong, or missing.
        ErasureUnconfirmed: the account has no password, and nothing says that its owner was asked.
        InvalidToken: the account has just been deleted.
    """
    if user.hashed_password is None:
        if not confirmed and password is None:
            raise errors.ErasureUnconfirmed
    elif password is None or not verify_password(password, user.hashed_password):
        raise errors.BadCredentials
    with transaction() as session:
        owner = _lock_with_events(session, user.id)
        if owner is None:
            raise errors.InvalidToken
        _erase(session, owner, hide_photos=hide_photos)


def erase_guest(user_id: int, *, hide_photos: bool = False, first_account: int | None = None) -> None:
    """Erase a guest's account as the guest could, without the password: for admins.

    With `first_account`, it is the second account of that guest, who keeps its badges and the photos given to it.

    Raises:
        NoSuchUser: there is no guest with this id; staff are not erased here.
    """
    with transaction() as session:
        guest = _lock_with_events(session, user_id)
        if guest is None or guest.user_type != GUEST:
            raise errors.NoSuchUser
        if first_account is not None:
            badges.hand_over(session, guest.id, first_account)
        _erase(session, guest, hide_photos=hide_photos)


def erase_child(child_id: int) -> None:
    """Erase a child's profile; the caller has checked whose it is.

    Raises:
        NoSuchChild: it has just been erased.
    """
    with transaction() as session:
        child = _lock_with_events(session, child_id)
        if child is None or child.guardian_id is None:
            raise errors.NoSuchChild
        _erase(session, child, hide_photos=False)


def _lock_with_events(session: Session, user_id: int) -> User | None:
    """Return the account, locked; None if there is none.

    The events' rows are locked first: a running match ends before, and the next one finds no guest.
    """
    event_queries.lock_joined_events(session, user_id)
    return queries.lock_user(session, user_id)


def _erase(session: Session, owner: User, *, hide_photos: bool) -> None:
    # Children are in events of their guardian only, whose rows are locked.
    for child in child_queries.lock_children(session, owner.id):
        _erase_one(session, child, hide_photos=hide_photos)
    _erase_one(session, owner, hide_photos=hide_photos)


def _erase_one(session: Session, owner: User, *, hide_photos: bool) -> None:
    if hide_photos:
        for each in event_queries.joined(session, owner.id):
            hide_in(session, owner.id, each.event.id)
    forget_reporter(session, owner.id)
    rematch_queries.request_rematch_of_rivals(session, owner.id)
    faces = erase_faces_of(session, owner.id)
    keys = selfie_queries.all_keys(session, owner.id)
    photos = "hide" if hide_photos else "leave"
    record(session, Action.ACCOUNT_ERASED, subject_id=owner.id, faces=faces, photos=photos)
    kind = receipts.ACCOUNT_HIDING if hide_photos else receipts.ACCOUNT
    receipts.leave(session, kind, [receipts.subject_of(owner)], selfies=len(keys))
    groups = guest_queries.groups_with(session, owner.id)
    queries.remove(session, owner.id)
    for group_id in groups:
        guest_queries.delete_empty_group(session, group_id)
    erase_files(session, keys)
