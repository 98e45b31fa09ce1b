"""Event codes as people type them: the exact one first, then the one that reads alike, everywhere."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from database import transaction
from events import codes
from keys import loose_key
from models import Event, utcnow
from testkit.builders import EventInfo, Service
from testkit.passwords import PASSWORD
from testkit.pictures import refused

TYPED = (
    "MARIO-10",
    " mario-10 ",
    "mario 10",
    "mario10",
    "M A R I O 1 0",
    "mario–10",
    "mario—10",
    "mario−10",
    "mario‐10",
    "marioー10",
    "mario_10.",
    "ＭＡＲＩＯ－１０",
    "ma\u200brio\u200d-10\ufeff",
    "MAR1010",
    "MARlO-l0",
    "MARI0-IO",
    "mario\t10",
    "mario\r\n10",
    "mario-١٠",
)
WRONG = ("", "-", "\0", "mario", "mario-100", "marlow-10", "maria-10", "\ud800")


@pytest.fixture
def event(service: Service) -> Iterator[EventInfo]:
    """An event with the code MARIO-10, which is removed afterwards."""
    made = service.event(event_code="MARIO-10")
    yield made
    service.delete(f"/api/admin/events/{made.id}", service.admin)


def test_everything_that_reads_alike_has_one_key() -> None:
    assert {loose_key(each) for each in TYPED} == {"mar1010"}
    assert {loose_key(each) for each in WRONG}.isdisjoint({"mar1010"})
    assert loose_key("-–— \u200b") == ""


def valid(service: Service, code: str) -> bool:
    return bool(service.post("/api/check-event-code", json={"event_code": code}).json()["valid"])


def test_a_code_is_found_however_it_is_typed(service: Service, event: EventInfo) -> None:
    assert [each for each in TYPED if not valid(service, each)] == []
    assert [each for each in WRONG[:-1] if valid(service, each)] == []
    for each in TYPED:
        assert service.client.get("/join", params={"event_code": each}).text.count("Wedding"), each


def test_every_call_takes_it(service: Service, event: EventInfo) -> None:
    other, loose = service.event(), "mario  1O"
    asked = {"username": "loose", "email": "loose@example.org", "password": PASSWORD}
    available = service.post("/api/check-user-availability", json={"username": "loose", "event_code": loose})
    assert available.json() == {"username_taken": False, "email_taken": False}
    made = service.post("/api/register-with-event-code", json={"user_data": asked, "event_code": loose})
    assert (made.status_code, made.json()["event_code"]) == (200, "MARIO-10")
    assert service.log_in("loose", code=loose)
    assert service.get("/api/event-info", params={"event_code": loose}).status_code == 200
    guest = service.guest(other)
    assert service.post("/api/join-event", guest, json={"event_code": loose}).status_code == 200
    assert service.post("/api/join-event", service.guest(other), json="MARI0.10").status_code == 200
    assert service.get(f"/api/admin/event-qr/{loose}", service.admin).status_code == 200
    page = service.client.get(f"/register-with-code/{loose}", follow_redirects=True)
    assert "Wedding" in page.text


def test_the_exact_code_goes_first_and_several_that_read_alike_are_none(service: Service, event: EventInfo) -> None:
    twin = service.event(name="Twin", event_code="mario1O")
    assert (valid(service, "MARIO-10"), valid(service, "MARIO1O")) == (True, True)
    assert service.get("/api/event-info", params={"event_code": "Mario1o"}).json()["name"] == "Twin"
    assert service.get("/api/event-info", params={"event_code": "m a r i o 1 o"}).json()["name"] == "Twin"
    assert not valid(service, "MARIO 1-0")
    answer = service.get("/api/event-info", params={"event_code": "MARIO.1.0"})
    refused(answer, 404, "AmbiguousEventCode")
    assert answer.json()["detail"].startswith("Code événement invalide")
    page = service.client.get("/join", params={"event_code": "MARIO.1.0"}, headers={"Accept-Language": "en"})
    assert "Several codes look like this one" in page.text
    refused(
        service.post("/api/login", json={"username": "x", "password": "y", "event_code": "MARIO.1.0"}),
        401,
        "BadCredentials",
    )
    # Of the two, one is over: what is typed inexactly means the other.
    past = (utcnow() - timedelta(days=1)).isoformat()
    service.put(f"/api/admin/events/{twin.id}", service.admin, json={"expires_at": past})
    assert service.get("/api/event-info", params={"event_code": "MARIO.1.0"}).json()["name"] == "Wedding"
    # The exact code of the one that is over still means that one.
    assert not valid(service, "MARIO1O")
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"expires_at": past})
    assert not valid(service, "MARIO.1.0")
    service.delete(f"/api/admin/events/{twin.id}", service.admin)


def test_a_changed_code_is_read_anew_at_once(service: Service, event: EventInfo) -> None:
    assert valid(service, "mario 10")
    service.post("/api/admin/set-event-code", service.admin, json={"event_id": event.id, "event_code": "LUIGI_7"})
    assert not valid(service, "mario 10")
    assert valid(service, "1u1g1 7")
    with transaction() as session:
        assert session.get_one(Event, event.id).loose_key == "1u1g17"


def test_drawn_codes_have_no_look_alikes() -> None:
    assert len({loose_key(each) for each in codes.ALPHABET}) == len(codes.ALPHABET)
