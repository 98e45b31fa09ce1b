"""Lists and replaces the sections of an event."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import errors
from audit.log import Action, record
from database import reading, transaction
from events import queries as event_queries
from events.sections import queries
from keys import MAX_SECTIONS
from models import EventSection

# Years in which a section may begin: wide enough for every event, and every time zone can express them.
FIRST_YEAR, LAST_YEAR = 1990, 2200


@dataclass(frozen=True, slots=True)
class NewSection:
    """A section as it was given: without an offset, its start is in the event's time zone."""

    title: str
    starts_at: datetime


def sections_of(event_id: int) -> Sequence[EventSection]:
    """Return the sections of an event in the order in which they begin."""
    with reading() as session:
        return queries.of_event(session, event_id)


def version_of(sections: Sequence[EventSection]) -> str:
    """Return a mark that is the same only for the same sections."""
    told = "\n".join(f"{each.starts_at.isoformat()} {each.title}" for each in sections)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def replace(event_id: int, wanted: Sequence[NewSection], version: str | None = None) -> Sequence[EventSection]:
    """Replace the sections of an event; return the new ones in the order in which they begin.

    With `version`, that of the sections they are to replace: somebody else may have changed them. Idempotent.

    Raises:
        NoSuchEvent: the event is deleted.
        SectionsChanged: the sections are neither those of `version` nor the new ones.
        TooManySections: there are more than `MAX_SECTIONS`.
        SectionTime: a section begins before 1990 or after 2200.
        SectionsAtOneTime: two sections begin at the same moment.
    """
    if len(wanted) > MAX_SECTIONS:
        raise errors.TooManySections
    with transaction() as session:
        event = event_queries.lock_event(session, event_id)
        if event is None:
            raise errors.NoSuchEvent
        starts = [_start(each.starts_at, event.timezone) for each in wanted]
        if len(set(starts)) != len(starts):
            raise errors.SectionsAtOneTime
        now = queries.of_event(session, event_id)
        titles = sorted(zip(starts, (each.title for each in wanted), strict=True))
        if [(each.starts_at, each.title) for each in now] == titles:
            return now
        if version is not None and version != version_of(now):
            raise errors.SectionsChanged
        queries.replace(session, event_id, [(title, start) for start, title in titles])
        record(session, Action.EVENT_CHANGED, event_id=event_id, fields=["sections"])
        session.expire_all()
        return queries.of_event(session, event_id)


def _start(at: datetime, timezone: str) -> datetime:
    """Return the moment in UTC, to the minute; an hour that comes twice is its first one."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise errors.SectionTime
    zoned = at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(timezone))
    return zoned.astimezone(UTC).replace(second=0, microsecond=0)
