"""Which heading a photo has: of a section, which ends with its night, or of an hour; and of a day."""

from datetime import UTC, datetime, timedelta

import pytest

from database import transaction
from events import service as events
from events.sections import service as sections
from events.sections.service import NewSection
from events.service import NewEvent
from models import Event, Photo
from pages.guest.headings import Headings, parts_of, words_of
from testkit.bulk_rows import add_photos

# 18:00 in Tokyo.
EVENING = datetime(2026, 6, 20, 9, tzinfo=UTC)


@pytest.fixture
def event(quiet_database: None) -> Event:
    return events.create(NewEvent("Headings", timezone="Asia/Tokyo"))


def photo(hours: float | None) -> Photo:
    return Photo(taken_at=None if hours is None else EVENING + timedelta(hours=hours))


def dated(event: Event, *hours: float) -> None:
    with transaction() as session:
        for photo_id, after in zip(add_photos(session, event.id, len(hours)), hours, strict=True):
            session.get_one(Photo, photo_id).taken_at = EVENING + timedelta(hours=after)


def titles(headings: Headings, *hours: float | None) -> list[str]:
    return [headings.of(photo(each)).title for each in hours]


def test_hours_are_those_of_the_event_as_the_language_says_them(event: Event) -> None:
    assert titles(Headings(event, "fr"), 0, 0.9, 1, 7, None) == ["18 h", "18 h", "19 h", "1 h", "Sans heure"]
    assert titles(Headings(event, "en"), 0, -6, -5, 6, 7) == ["6 pm", "12 pm", "1 pm", "12 am", "1 am"]


def test_a_section_lasts_until_the_next_one_and_no_longer_than_its_night(event: Event) -> None:
    sections.replace(event.id, [NewSection("Party", EVENING + timedelta(hours=4)), NewSection("Dinner", EVENING)])
    headings = Headings(event, "en")
    assert titles(headings, -0.1, 0, 3.9, 4, 10.9, 11) == ["5 pm", "Dinner", "Dinner", "Party", "Party", "5 am"]
    keys = {headings.of(photo(each)).key for each in (-0.1, 0, 4, 11, None)}
    assert len(keys) == 5


def test_a_night_belongs_to_the_day_before_and_days_show_where_there_are_several(event: Event) -> None:
    assert not Headings(event, "en").has_days
    dated(event, 0, 10)
    assert not Headings(event, "en").has_days, "four in the morning is the same party"
    assert Headings(event, "en").of(photo(10)).day == "20 June 2026"
    dated(event, 12)
    assert Headings(event, "en").has_days


def test_parts_follow_the_list(event: Event) -> None:
    headings = Headings(event, "en")
    photos = [photo(each) for each in (0, 0.5, 24, None)]
    over = [headings.of(each) for each in photos]
    rows, words = [{"in": each.key} for each in over], words_of(over)
    parts = parts_of(rows, words, has_days=True)
    told = [(each.heading.title if each.heading else None, each.shows_day, len(each.photos)) for each in parts]
    assert told == [("6 pm", True, 2), ("6 pm", True, 1), ("No time known", False, 1)]
    undated = parts_of(rows[3:], words, has_days=False)
    assert [each.heading for each in undated] == [None], "a list without any time needs no heading"
    assert [each.heading for each in parts_of([{}, {}], {}, has_days=False)] == [None], "nor one by arrival"
