"""Photos that a guest has chosen: downloaded in one ZIP, made favourites all at once.

A choice is kept for a day under a number, so that the address of its ZIP is short however many photos it has, and the
download can resume. What the guest may not see, or not any more, is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import IntegrityError

import errors
from database import reading, transaction
from models import PhotoChoice, User, utcnow
from photos import queries as photo_queries
from photos.chosen import queries
from photos.download import Archive, of_originals
from photos.service import guest_event

KEPT = timedelta(days=1)
# Of one guest; an older choice is deleted.
MAX_CHOICES = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice that is kept: its number, how many photos it has, the bytes of its ZIP, and how many were left out."""

    id: int
    photos: int
    bytes: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Marked:
    """How many photos are, or are no longer, favourites now, and how many were left out."""

    photos: int
    left_out: int


def keep(user: User, event_id: int, photo_ids: Sequence[int]) -> Choice:
    """Keep a choice of photos of an event for a day.

    Raises:
        NotInEvent: the guest is not a member of the event. NoneOfThesePhotos: the guest may see none of them.
    """
    wanted = set(photo_ids)
    with transaction() as session:
        event = guest_event(session, user, event_id)
        found = photo_queries.originals_among(session, user.id, event, sorted(wanted))
        if not found:
            raise errors.NoneOfThesePhotos
        queries.delete_choices_before(session, utcnow() - KEPT)
        queries.delete_older_choices(session, user.id, MAX_CHOICES - 1)
        row = PhotoChoice(user_id=user.id, event_id=event.id, photo_ids=[each.photo.id for each in found])
        session.add(row)
        session.flush()
    return Choice(row.id, len(found), of_originals(event, found).length, len(wanted) - len(found))


def archive(user: User, event_id: int, choice_id: int) -> Archive:
    """Return a ZIP of the originals of a choice, without those that the guest may no longer see.

    Raises:
        NotInEvent: the guest is not a member of the event. NoSuchChoice: it is not kept, or another guest's.
        NoPhotosToDownload: nothing of it is left.
    """
    with reading() as session:
        event = guest_event(session, user, event_id)
        kept = queries.choice(session, user.id, event.id, choice_id)
        if kept is None:
            raise errors.NoSuchChoice
        rows = photo_queries.originals_among(session, user.id, event, kept.photo_ids)
    return of_originals(event, rows)


def mark_favourites(user: User, event_id: int, photo_ids: Sequence[int], *, favourite: bool) -> Marked:
    """Make photos of an event favourites of the guest's, or take the mark away. Idempotent.

    Raises:
        NotInEvent: the guest is not a member of the event. NoneOfThesePhotos: the guest may see none of them.
    """
    wanted = sorted(set(photo_ids))
    try:
        return _mark(user, event_id, wanted, favourite=favourite)
    except IntegrityError:
        # A photo was deleted between the look at it and the row about it.
        return _mark(user, event_id, wanted, favourite=favourite)


def _mark(user: User, event_id: int, wanted: Sequence[int], *, favourite: bool) -> Marked:
    with transaction() as session:
        event = guest_event(session, user, event_id)
        seen = queries.seen_of_event(session, user.id, event.id, wanted)
        if not seen:
            raise errors.NoneOfThesePhotos
        if favourite:
            queries.add_favourites(session, user.id, seen, utcnow())
        else:
            queries.delete_favourites(session, user.id, seen)
        return Marked(len(seen), len(wanted) - len(seen))


def erase_old() -> None:
    """Delete the choices that are older than a day."""
    with transaction() as session:
        queries.delete_choices_before(session, utcnow() - KEPT)
