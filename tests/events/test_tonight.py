"""Which events are on: those of today by their own clock, through the night, and those that photos arrive for."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from database import transaction
from events.tonight.service import Tonight, is_on, tonight
from models import Event, Photo, utcnow
from testkit.builders import Service, people


@pytest.mark.parametrize(
    ("moment", "zone", "on"),
    [
        ((2026, 12, 21, 18, 0), "Europe/Paris", True),
        # One in the morning in Paris: still the night of the 21st.
        ((2026, 12, 22, 0, 0), "Europe/Paris", True),
        ((2026, 12, 22, 6, 0), "Europe/Paris", False),
        ((2026, 12, 20, 22, 30), "Europe/Paris", False),
        ((2026, 12, 20, 22, 30), "Indian/Reunion", True),
        ((2026, 12, 22, 6, 0), "America/Guadeloupe", True),
    ],
)
def test_the_day_of_an_event_is_by_its_own_clock_and_ends_with_the_night(
    moment: tuple[int, int, int, int, int], zone: str, on: bool
) -> None:
    assert is_on(Event(date=date(2026, 12, 21), timezone=zone), datetime(*moment, tzinfo=UTC)) == on


def test_events_of_today_come_first_then_those_that_photos_arrive_for(service: Service) -> None:
    def made(**fields: Any) -> int:
        return service.event(**fields).id

    # By the clock of the event, so that the test also holds shortly before midnight.
    today = utcnow().date().isoformat()
    later = made(name="Later", date=(utcnow() + timedelta(days=40)).date().isoformat(), timezone="UTC")
    assert shown(tonight(utcnow())) == ([], later)
    ours = made(name="Today", date=today, timezone="UTC")
    busy = service.event(name="Busy")
    quiet = service.event(name="Quiet")
    for event in (busy, quiet):
        service.upload(event, people(1))
        service.process_photos(event)
    with transaction() as session:
        for photo in session.query(Photo).filter_by(event_id=quiet.id):
            photo.uploaded_at = utcnow() - timedelta(hours=3)
    found = tonight(utcnow())
    assert shown(found) == ([ours, busy.id], None)
    assert [each.is_today for each in found.events] == [True, False]
    assert (found.events[1].progress.received, found.events[1].progress.pending) == (1, 0)


def shown(found: Tonight) -> tuple[list[int], int | None]:
    return [each.event.id for each in found.events], found.next_event.id if found.next_event else None
