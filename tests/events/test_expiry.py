"""An event ends at the second it names, for everything that needs it open, and can be opened again."""

import inspect
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from events.codes import is_open
from events.service import default_expiry
from models import utcnow
from testkit.builders import EventInfo, Service, people
from testkit.passwords import PASSWORD
from testkit.pictures import refused


def ends_in(service: Service, event: EventInfo, seconds: float) -> None:
    """Let the event end so many seconds from now; negative: since when it is over."""
    at = (utcnow() + timedelta(seconds=seconds)).isoformat()
    answer = service.put(f"/api/admin/events/{event.id}", service.admin, json={"expires_at": at})
    assert answer.status_code == 200, answer.text


def register(service: Service, event: EventInfo, name: str) -> Any:
    data = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    return service.post("/api/register-with-event-code", json={"user_data": data, "event_code": event.code})


def valid(service: Service, event: EventInfo) -> bool:
    return bool(service.post("/api/check-event-code", json={"event_code": event.code}).json()["valid"])


def told(service: Service, event: EventInfo) -> bool:
    return bool(service.get("/api/event-info", params={"event_code": event.code}).status_code == 200)


def test_a_second_after_its_end_an_event_takes_nobody_and_nothing(service: Service) -> None:
    event, name = service.event(), "afterwards"
    guest, member = service.guest(service.event()), service.guest(event)
    ends_in(service, event, -1)
    assert not valid(service, event)
    assert not told(service, event)
    refused(register(service, event, name), 404, "EventNotFound")
    body = {"event_code": event.code}
    refused(service.post("/api/join-event", guest, json=body), 404, "EventNotFound")
    refused(service.send_selfie(member, people(1)), 409, "EventExpired")
    asked = {"username": name, "event_code": event.code}
    refused(service.post("/api/check-user-availability", json=asked), 404, "EventNotFound")
    answer = service.get("/api/user/event-expiration", member).json()
    assert (answer["days_left"], answer["expired"]) == (0, True)


def test_until_its_end_an_event_takes_all(service: Service) -> None:
    event, name = service.event(), "justintime"
    guest, member = service.guest(service.event()), service.guest(event)
    ends_in(service, event, 60)
    assert valid(service, event)
    assert told(service, event)
    assert register(service, event, name).status_code == 200
    assert service.post("/api/join-event", guest, json={"event_code": event.code}).status_code == 200
    assert service.send_selfie(member, people(1)).status_code == 200
    answer = service.get("/api/user/event-expiration", member).json()
    assert (answer["days_left"], answer["expired"]) == (1, False)


def test_an_event_that_was_over_and_is_opened_again_takes_all_again(service: Service) -> None:
    event, name = service.event(), "latecomer"
    member = service.guest(event)
    ends_in(service, event, -3600)
    assert not valid(service, event)
    refused(register(service, event, name), 404, "EventNotFound")
    ends_in(service, event, 3600)
    assert valid(service, event)
    assert told(service, event)
    assert register(service, event, name).status_code == 200
    assert service.send_selfie(member, people(1)).status_code == 200


def test_a_code_that_is_cached_closes_with_its_event(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    event = service.event()
    ends_in(service, event, 60)
    assert valid(service, event)
    ended = utcnow() + timedelta(seconds=61)
    monkeypatch.setattr(inspect.getmodule(is_open), "utcnow", lambda: ended)
    assert not valid(service, event)


def test_one_open_event_of_several_is_enough_for_a_selfie(service: Service) -> None:
    first, second = service.event(), service.event()
    guest = service.guest(first)
    assert service.post("/api/join-event", guest, json={"event_code": second.code}).status_code == 200
    ends_in(service, first, -1)
    assert service.send_selfie(guest, people(1)).status_code == 200
    ends_in(service, second, -1)
    refused(service.send_selfie(guest, people(1)), 409, "EventExpired")


def test_photos_that_come_after_the_end_still_find_the_guests(service: Service) -> None:
    event = service.event()
    guest = service.guest_found_as(event)
    ends_in(service, event, -1)
    service.upload(event, people(1))
    service.process_photos(event)
    assert len(service.my_photos(guest)) == 1


@pytest.mark.parametrize(
    ("day", "zone", "end"),
    [
        (date(2026, 6, 20), "Europe/Paris", datetime(2026, 7, 20, 22, tzinfo=UTC)),
        (date(2026, 6, 20), "America/New_York", datetime(2026, 7, 21, 4, tzinfo=UTC)),
        (date(2026, 6, 20), "Pacific/Auckland", datetime(2026, 7, 20, 12, tzinfo=UTC)),
        # Clocks go back meanwhile.
        (date(2026, 10, 10), "Europe/Paris", datetime(2026, 11, 9, 23, tzinfo=UTC)),
    ],
)
def test_guests_may_join_until_the_end_of_the_thirtieth_day_there(
    service: Service, day: date, zone: str, end: datetime
) -> None:
    assert default_expiry(day, zone) == end
    event = service.event(date=day.isoformat(), timezone=zone)
    (found,) = [each for each in service.get("/api/admin/events", service.admin).json() if each["id"] == event.id]
    assert found["expires_at"] == end.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def test_an_event_without_a_day_counts_from_today_there(service: Service) -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        left = default_expiry(None, zone) - utcnow()
        assert timedelta(days=30) < left <= timedelta(days=31)
