"""Until when an event keeps its photos and compares faces.

A time that an admin has set counts as it is. Else it is a number of days after the event's expiry, or after its
creation where that is later, and moves with the expiry; an upgrade puts it off (`kept_at_least_until`).
"""

from datetime import datetime, timedelta
from typing import Protocol

from models import Event
from settings import get_settings


def photos_until(event: Event) -> datetime:
    """Return from when the event's photos are erased: never before the event expires."""
    if event.photos_until is not None:
        return max(event.photos_until, event.expires_at)
    return _by_default(event, get_settings().photos_kept_days)


def faces_until(event: Event) -> datetime:
    """Return from when the event's templates and matches are erased: with the photos at the latest."""
    if event.faces_until is not None:
        return min(event.faces_until, photos_until(event))
    return min(_by_default(event, get_settings().faces_kept_days), photos_until(event))


def _by_default(event: Event, days: int) -> datetime:
    # An event that is created after its day, or imported, has its time too.
    due = max(event.expires_at, event.created_at) + timedelta(days=days)
    return due if event.kept_at_least_until is None else max(due, event.kept_at_least_until)


class Ending(Protocol):
    """What tells whether an event takes portraits: an event, or the row of one."""

    @property
    def expires_at(self) -> datetime:
        """From when the event is over."""

    @property
    def faces_ended_at(self) -> datetime | None:
        """When the erasure of its templates began."""


def compares_faces(event: Event | Ending) -> bool:
    """Return whether templates may be made in the event: their erasure has not begun."""
    return event.faces_ended_at is None


def takes_portraits(event: Event | Ending, now: datetime) -> bool:
    """Return whether guests may send selfies for the event: it is open, and compares faces."""
    return event.expires_at > now and compares_faces(event)


def resume(event: Event, now: datetime) -> None:
    """Let what an erasure has not reached stay, where a changed event is no longer due; its row is locked."""
    if event.photos_ended_at is not None and photos_until(event) > now:
        event.photos_ended_at = None
    if event.faces_ended_at is not None and faces_until(event) > now:
        event.faces_ended_at = None
