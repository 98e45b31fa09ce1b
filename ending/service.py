"""Ends what is due: templates and matches of an event, those of strangers, portraits that no event needs, photos.

Any process may sweep, at any moment: each step is one transaction that locks the event's row and looks again whether
it is due and was announced. What a crash leaves undone, the next sweep does. An event that is put off meanwhile keeps
what the steps before have not erased.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from accounts import queries as account_queries
from database import reading, transaction
from ending import bystanders, notices, queries, receipts
from ending.notices import FACES, PHOTOS
from events import ending
from events import queries as event_queries
from models import Event, new_event_key, utcnow
from photos.badges import queries as badge_queries
from photos.keys import keys_being_written, stored_keys
from photos.raws import keys as raw_keys
from photos.rows import queries as row_queries
from photos.trash import queries as trash_queries
from photos.trash import service as trash
from photos.uploads import service as uploads
from selfies import queries as selfie_queries
from settings import get_settings
from stored import receipts as gone
from stored.erasure import erase

log = logging.getLogger("reperio.jobs")
# Rows of one transaction: others that lock the event wait for it.
FACES_AT_ONCE, PHOTOS_AT_ONCE, GUESTS_AT_ONCE = 1000, 50, 200
DUE = {FACES: ending.faces_until, PHOTOS: ending.photos_until}
PORTRAITS, TRASH = "portraits", "trash"


def sweep(now: datetime | None = None) -> int:
    """Announce and erase what is due; return the number of mails that were written.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    now = now or utcnow()
    with reading() as session:
        concerned = [
            (event.id, what)
            for event in queries.events(session)
            for what in (FACES, PHOTOS)
            if DUE[what](event) - notices.FIRST <= now and not _is_over(session, event, what)
        ]
    mails = 0
    for event_id, what in concerned:
        mails += _announce(event_id, what, now)
        while erase_some(event_id, what, now):
            pass
    bystanders.sweep(now)
    while _erase_idle_selfies(now):
        pass
    _empty_trash(now)
    _end_stopped(now)
    return mails


def _announce(event_id: int, what: str, now: datetime) -> int:
    # Most events have nothing to announce: without the lock.
    with reading() as session:
        if not _concerns(session, event_id, what):
            return 0
    with transaction() as session:
        event = event_queries.lock_event(session, event_id)
        if event is None or _has_begun(event, what):
            return 0
        return notices.announce(session, event, what, DUE[what](event), now)


def _concerns(session: Session, event_id: int, what: str) -> bool:
    if what == FACES:
        return queries.concerns_faces(session, event_id)
    return _has_photos(session, event_id)


def _has_photos(session: Session, event_id: int) -> bool:
    return queries.has_photos(session, event_id) or trash_queries.has_any(session, event_id)


def _has_photos_or_badges(session: Session, event_id: int) -> bool:
    return _has_photos(session, event_id) or badge_queries.has_any(session, event_id)


def _has_begun(event: Event, what: str) -> bool:
    return (event.faces_ended_at if what == FACES else event.photos_ended_at) is not None


def erase_some(event_id: int, what: str, now: datetime) -> bool:
    """Erase a part of what is due; return whether there may be more."""
    with reading() as session:
        event = event_queries.by_id(session, event_id)
        if event is None or not _may(session, event, what, now) or _is_over(session, event, what):
            return False
    with transaction() as session:
        event = event_queries.lock_event(session, event_id)
        if event is None or not _may(session, event, what, now):
            return False
        if what == FACES:
            event.faces_ended_at = event.faces_ended_at or now
            return _erase_faces(session, event, now)
        event.photos_ended_at = event.photos_ended_at or now
        return _erase_photos(session, event, now)


def _may(session: Session, event: Event, what: str, now: datetime) -> bool:
    """Return whether the end is due, and was announced if there is anything to erase."""
    due = DUE[what](event)
    if now < due:
        return False
    if _has_begun(event, what) or notices.may_begin(session, event, what, due, now):
        return True
    return not _concerns(session, event.id, what)


def _is_over(session: Session, event: Event, what: str) -> bool:
    """Return whether the erasure has begun, and nothing is left of it to do."""
    if not _has_begun(event, what):
        return False
    left = queries.has_templates if what == FACES else _has_photos_or_badges
    return not left(session, event.id) and queries.open_receipt(session, what, event.id) is None


def _empty_trash(now: datetime) -> None:
    """Erase what has been in the trash long enough."""
    before = now - timedelta(days=get_settings().trash_days)
    with reading() as session:
        event_ids = trash_queries.events_with_old(session, before)
    for event_id in event_ids:
        while _empty_trash_of(event_id, before, now):
            pass


def _empty_trash_of(event_id: int, before: datetime, now: datetime) -> bool:
    with transaction() as session:
        number = trash.erase_some(session, event_id, PHOTOS_AT_ONCE, before)
        return _note(session, event_id, TRASH, {"photos": number}, now, is_more=number == PHOTOS_AT_ONCE)


def _end_stopped(now: datetime) -> None:
    """End the receipts of erasures whose event was put off, or deleted, after a part of it."""
    with reading() as session:
        stopped = [
            (each.kind, each.event_id)
            for each in queries.open_receipts(session)
            if each.event_id is not None and not _is_due(session, each.event_id, each.kind, now)
        ]
    for kind, event_id in stopped:
        with transaction() as session:
            queries.end_receipts(session, kind, event_id, now)
        log.info("event %d: the erasure of its %s has been stopped", event_id, kind)


def _is_due(session: Session, event_id: int, what: str, now: datetime) -> bool:
    event = event_queries.by_id(session, event_id)
    return event is not None and what in DUE and now >= DUE[what](event)


def _erase_faces(session: Session, event: Event, now: datetime) -> bool:
    counts = queries.delete_computed(session, event.id)
    counts["faces"] = queries.delete_some_faces(session, event.id, FACES_AT_ONCE)
    # Every process reads the event's faces again.
    event.version += 1
    is_more = counts["faces"] == FACES_AT_ONCE
    if not is_more and event.key_id is not None:
        # With it, what backups of the database still hold of these faces cannot be read any more.
        erase(session, [event.key_id])
        event.key_id = new_event_key()
    return _note(session, event.id, FACES, counts, now, is_more=is_more)


def _erase_photos(session: Session, event: Event, now: datetime) -> bool:
    wanted = queries.some_photos(session, event.id, PHOTOS_AT_ONCE)
    photos = row_queries.lock_photos(session, wanted)
    files = row_queries.files_of(session, wanted)
    keys = [*stored_keys(files), *raw_keys.keys_of(session, wanted)]
    if photos:
        gone.leave(session, gone.TRASH, map(gone.subject_of, photos), photos=len(photos))
    row_queries.remove(session, wanted)
    event.version += 1
    erase(session, keys, late=keys_being_written(files))
    number = len(wanted) + trash.erase_some(session, event.id, PHOTOS_AT_ONCE - len(wanted))
    badge_queries.delete_of_event(session, event.id)
    uploads.discard_of_event(session, event.id)
    return _note(session, event.id, PHOTOS, {"photos": number}, now, is_more=number == PHOTOS_AT_ONCE)


def _note(
    session: Session, event_id: int, what: str, counts: dict[str, int], now: datetime, *, is_more: bool
) -> bool:
    """Add to the receipt what was erased, and end it with the last part; return `is_more`."""
    if any(counts.values()):
        receipts.add(session, what, event_id, now, counts)
        session.flush()
    if not is_more:
        queries.end_receipts(session, what, event_id, now)
        log.info("event %d: its %s have ended", event_id, what)
    return is_more


def _erase_idle_selfies(now: datetime) -> bool:
    """Erase the selfies of guests whom no event looks for since faces ended; return whether there may be more."""
    with reading() as session:
        guests = queries.guests_with_idle_selfies(session, GUESTS_AT_ONCE)
    erased = sum(_erase_selfies_of(user_id, now) for user_id in guests)
    with reading() as session:
        is_open = queries.open_receipt(session, PORTRAITS, None) is not None
    if is_open and len(guests) < GUESTS_AT_ONCE:
        with transaction() as session:
            queries.end_receipts(session, PORTRAITS, None, now)
    return erased > 0 and len(guests) == GUESTS_AT_ONCE


def _erase_selfies_of(user_id: int, now: datetime) -> int:
    with transaction() as session:
        event_queries.lock_joined_events(session, user_id)
        if account_queries.lock_user(session, user_id) is None or not queries.has_idle_selfies(session, user_id):
            return 0
        keys = selfie_queries.all_keys(session, user_id)
        selfies = [gone.subject_of(each) for each in selfie_queries.not_rejected(session, user_id)]
        if selfies:
            gone.leave(session, gone.SELFIES, selfies, selfies=len(selfies))
        number = selfie_queries.remove_all(session, user_id)
        selfie_queries.delete_evaluations(session, user_id)
        erase(session, keys)
        receipts.add(session, PORTRAITS, None, now, {"selfies": number})
        return number
