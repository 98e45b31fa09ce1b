"""Until when an event keeps its photos and compares faces, and who is told."""

from datetime import UTC, datetime, timedelta

from database import transaction
from events import ending
from models import Event, utcnow
from testkit.builders import Service

EXPIRY = datetime(2031, 7, 21, tzinfo=UTC)


def event_with(**columns: datetime | None) -> Event:
    values = {"expires_at": EXPIRY, "created_at": EXPIRY - timedelta(days=60), **columns}
    return Event(name="Event", timezone="UTC", **values)


def days_after(until: datetime) -> int:
    return (until - EXPIRY).days


def test_the_usual_times_follow_the_expiry_and_those_set_by_hand_do_not() -> None:
    event = event_with()
    assert (days_after(ending.faces_until(event)), days_after(ending.photos_until(event))) == (30, 365)
    event.expires_at += timedelta(days=10)
    assert (days_after(ending.faces_until(event)), days_after(ending.photos_until(event))) == (40, 375)
    event.faces_until, event.photos_until = EXPIRY + timedelta(days=50), EXPIRY + timedelta(days=60)
    event.expires_at += timedelta(days=10)
    assert (days_after(ending.faces_until(event)), days_after(ending.photos_until(event))) == (50, 60)


def test_photos_outlast_the_expiry_and_faces_never_outlast_photos() -> None:
    event = event_with(photos_until=EXPIRY - timedelta(days=5))
    assert ending.photos_until(event) == EXPIRY
    assert ending.faces_until(event) == EXPIRY
    event.faces_until = EXPIRY - timedelta(days=9)
    assert ending.faces_until(event) == EXPIRY - timedelta(days=9)


def test_an_event_that_is_made_after_its_day_and_one_that_was_upgraded_have_their_time() -> None:
    late = event_with(created_at=EXPIRY + timedelta(days=100))
    assert (days_after(ending.faces_until(late)), days_after(ending.photos_until(late))) == (130, 465)
    upgraded = event_with(kept_at_least_until=EXPIRY + timedelta(days=400))
    assert (days_after(ending.faces_until(upgraded)), days_after(ending.photos_until(upgraded))) == (400, 400)
    upgraded.faces_until = EXPIRY
    assert ending.faces_until(upgraded) == EXPIRY, "an admin has decided"


def test_everybody_concerned_is_told_until_when(service: Service) -> None:
    event = service.event(expires_at="2031-07-20T22:00:00Z", faces_until="2031-08-03T22:00:00Z")
    guest = service.guest(event)
    told = service.get("/api/user/event-expiration", guest).json()
    assert told["faces_until"] == "2031-08-03T22:00:00.000000Z"
    assert told["photos_until"] == "2032-07-19T22:00:00.000000Z"
    studio = service.get("/api/photographer/my-event", event.photographer).json()
    assert (studio["faces_end"], studio["photos_end"]) == (told["faces_until"], told["photos_until"])
    pages = (
        ("/photos", guest),
        ("/account", guest),
        (f"/studio/{event.id}", event.photographer),
        (f"/admin/events/{event.id}", service.admin),
    )
    for path, who in pages:
        # The last moment is midnight in Paris.
        page = service.get(path, who, headers={"Accept": "text/html", "Accept-Language": "en"}).text
        assert "until 3 August 2031" in page, path
        assert "until 19 July 2032" in page, path
    poster = service.get(f"/studio/{event.id}/poster.svg?language=en", event.photographer)
    assert poster.status_code == 200


def test_an_end_that_is_put_off_is_no_end(service: Service) -> None:
    event = service.event()
    with transaction() as session:
        session.get_one(Event, event.id).faces_ended_at = utcnow()
    past = (utcnow() - timedelta(days=1)).isoformat()
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"faces_until": past})
    with transaction() as session:
        assert not ending.compares_faces(session.get_one(Event, event.id))
    later = (utcnow() + timedelta(days=1)).isoformat()
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"faces_until": later})
    with transaction() as session:
        assert ending.compares_faces(session.get_one(Event, event.id))
