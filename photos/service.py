"""Photos: listed, shown and deleted."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

import errors
import storage
from accounts.second_factor import service as second_factor
from audit.log import Action, record
from database import reading, transaction
from events import queries as event_queries
from events.rematching import queries as rematch_queries
from events.service import home_event
from models import ADMIN, PHOTOGRAPHER, Event, Photo, User, utcnow
from photos import queries
from photos.badges import service as badges
from photos.keys import key_of, keys_being_written, stored_keys
from photos.ordering import Page, cursor_after
from photos.queries import PhotoRow
from photos.raws import keys as raw_keys
from photos.reports import queries as report_queries
from photos.rows import queries as row_queries
from photos.staff import queries as staff_queries
from photos.staff.queries import PhotoState as PhotoState
from photos.trash import files as trash_files
from photos.trash import service as trash
from photos.visible import queries as visible_queries
from stored import receipts
from stored.erasure import erase


@dataclass(frozen=True, slots=True)
class PhotoList:
    """One page of photos, how many there are in all, and where the next page starts."""

    rows: Sequence[PhotoRow]
    total: int
    next_cursor: str | None


def known_keys(keys: Sequence[str]) -> set[str]:
    """Return those of `keys` that belong to a photo's original, RAW file or rendition."""
    names = (key.rsplit("/", 1)[-1].rsplit(".", 1)[0] for key in keys if key.startswith("photos/"))
    wanted = {name.partition("-")[0] for name in names}
    with reading() as session:
        raws = raw_keys.known(session, keys)
        raws |= trash_files.known(session, keys)
        return raws | set(keys) & set(stored_keys(row_queries.files_of_stems(session, sorted(wanted))))


# --- lists ---------------------------------------------------------------------------------------


def listed(rows: Sequence[PhotoRow], page: Page, total: int) -> PhotoList:
    """Return one page of a list, with the cursor of the next page if there may be one."""
    full = page.limit is not None and len(rows) == page.limit
    return PhotoList(rows, total, cursor_after(rows[-1].photo, page.order) if full and rows else None)


def guest_event(session: Session, user: User, event_id: int | None) -> Event:
    """Return the guest's event with this id, or the home event when `event_id` is None.

    Raises:
        NotInEvent: the guest is not a member of the event.
        NoSuchEvent: the guest is a member of no event.
    """
    if event_id is None:
        return home_event(session, user)
    event = event_queries.joined_event(session, user.id, event_id)
    if event is None:
        raise errors.NotInEvent
    return event


def photos_with(user: User, event_id: int | None, page: Page) -> PhotoList:
    """Return one page of the photos that show the guest, of one event (the home event when `event_id` is None).

    Raises:
        NotInEvent: the guest is not a member of the event.
        NoSuchEvent: the guest is a member of no event.
    """
    with reading() as session:
        event = guest_event(session, user, event_id)
        rows = queries.with_guest(session, user.id, event.id, page)
        return listed(rows, page, queries.count_with_guest(session, user.id, event.id))


def event_of_guest(user: User, event_id: int | None) -> Event:
    """Return one of the guest's events, the home event when `event_id` is None.

    Raises:
        NotInEvent: the guest is not a member of the event.
        NoSuchEvent: the guest is a member of no event.
    """
    with reading() as session:
        return guest_event(session, user, event_id)


def photos_for_guest(user: User, event_id: int | None, page: Page) -> PhotoList:
    """Return one page of the photos that an event (the home event when `event_id` is None) shows to all its guests.

    Where guests see only their own photos, these are the ones marked for everyone.

    Raises:
        NotInEvent: the guest is not a member of the event.
        NoSuchEvent: the guest is a member of no event.
    """
    with reading() as session:
        event = guest_event(session, user, event_id)
        rows = queries.for_all_guests(session, user.id, event, page)
        return listed(rows, page, queries.count_for_all_guests(session, user.id, event))


def taken_between(event_id: int) -> tuple[datetime, datetime] | None:
    """Return when the first and the last photo of the event were taken; None if no photo says so."""
    with reading() as session:
        return queries.taken_between(session, event_id)


def seen_among(user: User, event_id: int, photo_ids: Sequence[int]) -> Sequence[PhotoRow]:
    """Return those of these photos of an event that the guest may see.

    Raises:
        NotInEvent: the guest is not a member of the event.
    """
    with reading() as session:
        event = guest_event(session, user, event_id)
        return queries.seen_of_event(session, user.id, event.id, photo_ids)


def photos_of_event(event_id: int, page: Page, state: PhotoState | None = None) -> PhotoList:
    """Return one page of an event's photos, all or those in a state, for its photographers and for admins."""
    with reading() as session:
        rows = staff_queries.of_event(session, event_id, page, state)
        return listed(rows, page, staff_queries.count_of_event(session, event_id, state))


def chosen_of_event(event_id: int, photo_ids: Sequence[int]) -> Sequence[PhotoRow]:
    """Return those of these photos that the event has, newest first."""
    with reading() as session:
        return staff_queries.chosen_of_event(session, event_id, photo_ids)


def photos_by(photographer_id: int, page: Page) -> PhotoList:
    """Return one page of the photos that a photographer uploaded."""
    with reading() as session:
        rows = staff_queries.of_photographer(session, photographer_id, page)
        return listed(rows, page, staff_queries.count_of_photographer(session, photographer_id))


# --- one photo -----------------------------------------------------------------------------------


def visible_photo(user: User, photo: int | str) -> Photo:
    """Return a photo, by id or stored name, if this account may see it.

    Raises:
        NoSuchPhoto: there is no such photo, or the account may not see it.
        SecondFactorMissing: the account must have a second factor first.
    """
    second_factor.check_present(user)
    with reading() as session:
        if user.user_type == ADMIN:
            found = visible_queries.visible_to_admin(session, photo)
        elif user.user_type == PHOTOGRAPHER:
            found = visible_queries.visible_to_photographer(session, photo, user.id)
        else:
            found = visible_queries.visible_to_guest(session, photo, user.id)
    if found is None:
        raise errors.NoSuchPhoto
    return found


def size_of(photo: Photo) -> int:
    """Return the size of a photo's original in bytes.

    Raises:
        NoSuchPhoto: the file is gone.
    """
    try:
        return storage.size(key_of(photo, "original"))
    except storage.MissingObject as error:
        raise errors.NoSuchPhoto from error


def open_part(photo: Photo, start: int, end: int) -> Iterator[bytes]:
    """Return the chunks of a photo's original from `start` up to before `end`.

    Raises:
        NoSuchPhoto: the file is gone.
    """
    try:
        return storage.stream_part(key_of(photo, "original"), start, end)
    except storage.MissingObject as error:
        raise errors.NoSuchPhoto from error


def open_bytes(photo: Photo, size: str) -> tuple[int, Iterator[bytes]]:
    """Return the length in bytes and the chunks of a photo's `original` or of a rendition.

    Raises:
        PhotoNotReady: the photo is still being processed.
        NoSuchPhoto: processing has ended and there is no such file.
    """
    try:
        return storage.stream(key_of(photo, size))
    except storage.MissingObject as error:
        if photo.status in ("pending", "processing"):
            raise errors.PhotoNotReady from error
        raise errors.NoSuchPhoto from error


def remove(user: User, photo_ids: Sequence[int]) -> int:
    """Put photos into the trash, and delete their faces and matches, all of them or none; return how many.

    Photographers delete only photos they uploaded, admins any.

    Raises:
        NoSuchPhoto: one of them does not exist.
        NotYourPhotos: one of them was uploaded by another photographer.
    """
    wanted = sorted(set(photo_ids))
    with transaction() as session:
        # Lock the events' rows first, in the order used everywhere, so that no deadlock can arise.
        for event_id in row_queries.events_of(session, wanted):
            event = event_queries.lock_event(session, event_id)
            if event is not None:
                event.version += 1
                # Matches that were found only because of these photos go too, once the guests are matched again.
                rematch_queries.request_rematch(session, event_id, utcnow(), asked=False, shown_in=wanted)
        found = row_queries.lock_photos(session, wanted)
        if user.user_type != ADMIN and any(photo.photographer_id != user.id for photo in found):
            raise errors.NotYourPhotos
        if len(found) != len(wanted):
            raise errors.NoSuchPhoto
        session.flush()
        report_queries.decide(session, wanted, report_queries.DELETED)
        files, kept = row_queries.files_of(session, wanted), trash_files.kept_of(found)
        trash.put_in(session, found)
        session.flush()
        badges.note_deleted(session, found)
        receipts.leave(session, receipts.PHOTOS, map(receipts.subject_of, found), photos=len(found))
        row_queries.remove(session, wanted)
        erase(session, set(stored_keys(files)) - kept, late=set(keys_being_written(files)) - kept)
        for event_id, number in Counter(photo.event_id for photo in found).items():
            record(session, Action.PHOTOS_DELETED, event_id=event_id, number=number)
    return len(found)
