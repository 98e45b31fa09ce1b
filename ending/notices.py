"""Announces an end 14 and 2 days before, once each; nothing is erased unless its last notice is two days old.

A notice is a row and the mails of the same transaction. Where mail is off, or a guest has given no address, the pages
say it. A service that was off, or a clock that jumped, gives the last notice late: the end then waits.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ending import queries
from mail import outbox
from models import Ending, Event

FIRST, LAST = timedelta(days=14), timedelta(days=2)
FACES, PHOTOS = "faces", "photos"
MAILS = {FACES: outbox.FACES_END, PHOTOS: outbox.PHOTOS_END}


def may_begin(session: Session, event: Event, what: str, due: datetime, now: datetime) -> bool:
    """Return whether an end that is due was announced for that time, and its last notice is old enough."""
    known = _known(session, event.id, what, due, now)
    if known is None or known.last_notice_at is None or known.not_before is None:
        return False
    return now >= max(due, known.not_before)


def announce(session: Session, event: Event, what: str, due: datetime, now: datetime) -> int:
    """Give the notice that is due now, if it was not given yet; return the number of mails. The event is locked."""
    if now < due - FIRST:
        return 0
    known = _known(session, event.id, what, due, now)
    if known is None:
        known = queries.notice(session, event.id, what) or Ending(event_id=event.id, what=what)
        known.due_at, known.first_notice_at, known.last_notice_at, known.not_before = due, None, None, None
        session.add(known)
    is_last = now >= due - LAST
    if known.last_notice_at is not None or (not is_last and known.first_notice_at is not None):
        return 0
    known.first_notice_at = known.first_notice_at or now
    if is_last:
        known.last_notice_at, known.not_before = now, max(due, now + LAST)
    session.flush()
    return outbox.announce_end(session, MAILS[what], event.id)


def _known(session: Session, event_id: int, what: str, due: datetime, now: datetime) -> Ending | None:
    """Return what was announced of this end; None if nothing was, or by a clock that ran ahead."""
    known = queries.notice(session, event_id, what)
    if known is None or known.due_at != due:
        return None
    given = [each for each in (known.first_notice_at, known.last_notice_at) if each is not None]
    return known if all(each <= now for each in given) else None
