"""The headings of a gallery by the time its photos were taken: the event's sections, else hours; and days."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from events.sections.service import sections_of
from models import Event, EventSection, Photo
from pages import formatting
from pages.i18n import text
from photos.service import taken_between

# Until this hour, a photo belongs to the day before: nights of parties end late.
NIGHT_ENDS = timedelta(hours=5)
HOURS_A_DAY = 24
UNDATED = 0


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands over photos; `key` tells headings apart, `day` is empty for photos without a time."""

    key: int
    day: str
    title: str


@dataclass(frozen=True, slots=True)
class Part:
    """Photos that follow one another under one heading; `heading` is None where there is none."""

    heading: Heading | None
    shows_day: bool
    photos: list[dict[str, Any]]


class Headings:
    """The headings of one event, in the event's time zone and in one language. It reads only what is asked of it."""

    def __init__(self, event: Event, language: str) -> None:
        self._event_id, self._zone, self._language = event.id, ZoneInfo(event.timezone), language

    @cached_property
    def _sections(self) -> Sequence[EventSection]:
        return sections_of(self._event_id)

    @cached_property
    def _starts(self) -> list[datetime]:
        return [each.starts_at for each in self._sections]

    @cached_property
    def has_days(self) -> bool:
        """Whether the photos of the event were taken on more than one day."""
        between = taken_between(self._event_id)
        return between is not None and len({self._day(each) for each in between}) > 1

    def _day(self, at: datetime) -> date:
        return (at.astimezone(self._zone) - NIGHT_ENDS).date()

    def of(self, photo: Photo) -> Heading:
        """Return the heading of a photo. A section ends where the next begins, and with its night at the latest."""
        if photo.taken_at is None:
            return Heading(UNDATED, "", text(self._language, "guest.photos.undated"))
        day = self._day(photo.taken_at)
        shown = formatting.day(self._language, day)
        place = bisect_right(self._starts, photo.taken_at) - 1
        if place >= 0 and self._day(self._starts[place]) == day:
            return Heading(-self._sections[place].id, shown, self._sections[place].title)
        local = photo.taken_at.astimezone(self._zone)
        key = local.date().toordinal() * HOURS_A_DAY + local.hour
        return Heading(key, shown, formatting.hour(self._language, local.hour))


def words_of(headings: Iterable[Heading]) -> dict[int, list[str]]:
    """Return day and title of these headings by their keys, for the page's script."""
    return {each.key: [each.day, each.title] for each in headings}


def parts_of(shown: Sequence[dict[str, Any]], words: dict[int, list[str]], *, has_days: bool) -> list[Part]:
    """Return the photos of a list in parts, as the page has them without its script."""
    parts: list[Part] = []
    day = ""
    for row in shown:
        key = row.get("in")
        if not parts or key != (parts[-1].heading.key if parts[-1].heading is not None else None):
            # A list of which no photo has a time needs no heading.
            heading = Heading(key, *words[key]) if key or (parts and key is not None) else None
            is_new = has_days and heading is not None and heading.day != day
            parts.append(Part(heading, is_new and bool(heading and heading.day), []))
            day = heading.day if heading is not None else day
        parts[-1].photos.append(row)
    return parts
