"""Reports of photos: a guest or a visitor of a link asks the photographer to look at a photo, and staff decide.

Staff are not told who has reported: a report is about the photo. Every change locks the event's row first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy.orm import Session

import errors
from audit.log import Action, record
from database import reading, transaction
from events import queries as event_queries
from models import Event, Photo, PhotoReport, User
from photos.links import service as links
from photos.reports import queries
from photos.service import remove
from photos.visible import queries as visible_queries
from photos.withheld import queries as withheld_queries
from photos.withheld.queries import BY_STAFF

Reason = Literal["me", "child", "private", "offensive", "other"]
Decision = Literal["keep", "hide", "delete"]
REASONS: tuple[Reason, ...] = get_args(Reason)
# So many open reports are listed at a time.
MOST = 200


@dataclass(frozen=True, slots=True)
class Open:
    """A report that waits for a decision, and its photo."""

    report: PhotoReport
    photo: Photo


@dataclass(frozen=True, slots=True)
class Own:
    """A report that a guest has made, its event, and the photo unless that is deleted."""

    report: PhotoReport
    event: Event
    photo: Photo | None


def report(user: User, photo_id: int, reason: Reason, text: str | None) -> PhotoReport:
    """Report a photo that the guest sees. The guest's open report of it, if there is one, says this instead.

    Raises:
        NoSuchPhoto: there is no such photo, or the guest may not see it.
    """
    with transaction() as session:
        event = event_queries.lock_event_of_photo(session, photo_id)
        if event is None or visible_queries.visible_to_guest(session, photo_id, user.id) is None:
            raise errors.NoSuchPhoto
        known = queries.open_of(session, user.id, photo_id)
        if known is not None:
            known.reason, known.text = reason, text
            session.flush()
            return known
        return _add(session, PhotoReport(user_id=user.id, photo_id=photo_id, event_id=event.id), reason, text)


def report_by_link(token: str, photo_id: int, reason: Reason, text: str | None) -> PhotoReport:
    """Report a photo that a link shows.

    Raises:
        ForgedPhotoLink, PhotoLinkExpired, NoSuchPhotoLink, NoSuchPhoto: see `photos.links.service.photo_of`.
    """
    # A forged link locks nothing.
    links.photo_of(token, photo_id)
    with transaction() as session:
        event_queries.lock_event_of_photo(session, photo_id)
        link, photo = links.link_and_photo(session, token, photo_id)
        row = PhotoReport(link_id=link.id, photo_id=photo.id, event_id=photo.event_id)
        return _add(session, row, reason, text)


def _add(session: Session, row: PhotoReport, reason: Reason, text: str | None) -> PhotoReport:
    row.reason, row.text = reason, text
    session.add(row)
    session.flush()
    record(session, Action.PHOTO_REPORTED, event_id=row.event_id, reason=reason)
    return row


def reports_of(user_id: int) -> Sequence[PhotoReport]:
    """Return the guest's reports, newest first."""
    with reading() as session:
        return queries.of_guest(session, user_id)


def with_photos_of(user_id: int) -> list[Own]:
    """Return the guest's reports with event and photo, newest first."""
    with reading() as session:
        return [Own(*row) for row in queries.with_photos_of(session, user_id)]


def open_report_of(user_id: int, photo_id: int) -> PhotoReport | None:
    """Return the guest's report of a photo that is not decided yet."""
    with reading() as session:
        return queries.open_of(session, user_id, photo_id)


# --- staff -----------------------------------------------------------------------------------------


def open_in(event_id: int) -> list[Open]:
    """Return the event's reports that wait for a decision, oldest first."""
    with reading() as session:
        return [Open(*row) for row in queries.open_in(session, event_id, MOST)]


def count_open(event_id: int) -> int:
    """Return how many reports of the event wait for a decision."""
    with reading() as session:
        return queries.count_open(session, event_id)


def events_with_open() -> list[tuple[Event, int]]:
    """Return the events with reports that wait, and how many each has, the one that waits longest first."""
    with reading() as session:
        return [(event, number) for event, number in queries.events_with_open(session)]


def decide(staff: User, event_id: int, report_id: int, decision: Decision) -> None:
    """Keep the reported photo, hide it from all guests, or delete it. That ends all open reports of the photo.

    Raises:
        NoSuchReport: the event has no such report. ReportDecided: it has been decided, or the photo is deleted.
        NotYourPhotos: the photo is to be deleted, and another photographer has uploaded it.
    """
    if decision == "delete":
        with reading() as session:
            photo_id = _open_photo(queries.report(session, event_id, report_id))
        remove(staff, [photo_id])
        return
    with transaction() as session:
        event_queries.lock_event(session, event_id)
        photo_id = _open_photo(queries.lock_report(session, event_id, report_id))
        if decision == "hide":
            withheld_queries.withhold(session, [photo_id], event_id, BY_STAFF)
        queries.decide(session, [photo_id], queries.HIDDEN if decision == "hide" else queries.KEPT)
        record(session, Action.PHOTO_REPORT_DECIDED, event_id=event_id, decision=decision)


def _open_photo(row: PhotoReport | None) -> int:
    if row is None:
        raise errors.NoSuchReport
    if row.status != queries.OPEN or row.photo_id is None:
        raise errors.ReportDecided
    return row.photo_id
