"""The events of today and those that photos arrive for now, with their counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from database import reading
from events.progress import EventProgress, progress_of
from events.tonight import queries
from models import Event

# An event goes on after midnight: until this hour of its clock it is still the event of the day before.
NIGHT = timedelta(hours=6)
# An event of another day is on if a photo arrived within this time.
ACTIVE = timedelta(hours=2)
SHOWN = 20


@dataclass(frozen=True, slots=True)
class EventTonight:
    """An event that is on now, with its counts. `is_today`: today is its day, by its own clock."""

    event: Event
    is_today: bool
    progress: EventProgress


@dataclass(frozen=True, slots=True)
class Tonight:
    """At most 20 events that are on now, and the next event, which is looked up only where there are none."""

    events: Sequence[EventTonight]
    next_event: Event | None


def tonight(now: datetime) -> Tonight:
    """Return the events whose day it is, then those of other days for which photos arrived within two hours."""
    around = now.date()
    with reading() as session:
        found = queries.near(session, around - timedelta(days=2), around + timedelta(days=1), now - ACTIVE)
        active = [(event, newest) for event, newest in found if newest is not None and newest > now - ACTIVE]
        days = [event for event, _ in found if is_on(event, now)]
        following = None if days or active else queries.next_after(session, around)
    others = sorted((each for each in active if each[0] not in days), key=lambda each: each[1], reverse=True)
    shown = [*days, *(event for event, _ in others)][:SHOWN]
    return Tonight([EventTonight(each, each in days, progress_of(each.id)) for each in shown], following)


def number_of(day: date) -> int:
    """Return how many events a day has."""
    with reading() as session:
        return queries.count_dated(session, day, day)


def is_on(event: Event, now: datetime) -> bool:
    """Return whether it is the event's day by its own clock, or the night that follows it."""
    local = now.astimezone(ZoneInfo(event.timezone))
    return event.date is not None and event.date in days_at(local)


def days_at(local: datetime) -> set[date]:
    """Return the day of a local time and, in the night, also the day before."""
    return {local.date(), (local - NIGHT).date()}
