"""What administrators read about events, and what anybody reads who knows the code."""

import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import opened, read_qr, refused
from tests.api.events.test_events import change, expire


def guests(service: Service, event: EventInfo, **parameters: Any) -> Any:
    answer = service.get(f"/api/admin/events/{event.id}/users", service.admin, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer


def names(answer: Any) -> list[str]:
    return [each["username"] for each in answer.json()]


# --- events ----------------------------------------------------------------------------------------


def test_an_event_is_shown_with_everything_counted_of_it(service: Service) -> None:
    event = service.event(name="Course", date="2100-05-01")
    service.upload(event, people(1), people(1, 2))
    service.process_photos(event)
    for number in (1, 9):
        service.guest_found_as(event, number)
    found = service.get(f"/api/admin/events/{event.id}", service.admin).json()
    progress = service.get(f"/api/photographer/events/{event.id}/progress", service.admin).json()
    (listed,) = [each for each in service.get("/api/admin/events", service.admin).json() if each["id"] == event.id]
    assert (progress["received"], progress["guests_matched"], progress["matches"]) == (2, 1, 2)
    assert (listed["guests"], listed["photos"]) == (2, 2)
    assert found == {**progress, **{name: listed[name] for name in listed.keys() - {"photos"}}}
    assert [each["id"] for each in found["photographers"]] == [event.photographer.id]
    refused(service.get("/api/admin/events/999999999", service.admin), 404, "NoSuchEvent")
    refused(service.get(f"/api/admin/events/{event.id}", event.photographer), 403, "AdminsOnly")


# --- guests ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def party(service: Service) -> tuple[EventInfo, dict[str, Person]]:
    """An event with six guests, one of whom is matched and one of whom sent no face."""
    event, other = service.event(), service.event()
    service.guest(other, "anne")
    people_there = {name: service.guest(event, name) for name in ("Anne", "anna", "Bob", "100%", "b_b", "Élise")}
    service.upload(event, people(1), people(1, 2))
    service.process_photos(event)
    service.send_selfie(people_there["anna"], people(1))
    service.send_selfie(people_there["Bob"], people())
    for each in ("anna", "Bob"):
        service.settle(people_there[each])
    return event, people_there


def test_guests_are_listed_with_what_became_of_their_selfie(
    service: Service, party: tuple[EventInfo, dict[str, Person]]
) -> None:
    event, there = party
    answer = guests(service, event)
    assert answer.headers["X-Total-Count"] == "6"
    assert names(answer) == ["Élise", "b_b", "100%", "Bob", "anna", "Anne"]
    by_name = {each["username"]: each for each in answer.json()}
    anna, bob = by_name["anna"], by_name["Bob"]
    assert anna["joined_at"].endswith("Z")
    assert (anna["id"], anna["email"]) == (there["anna"].id, "anna@example.org")
    assert (anna["has_selfie"], anna["selfie_status"], anna["matched"]) == (True, "done", 2)
    assert (bob["has_selfie"], bob["selfie_status"], bob["matched"]) == (False, "rejected", 0)
    assert (by_name["Anne"]["has_selfie"], by_name["Anne"]["selfie_status"]) == (False, None)


def test_guests_are_found_by_how_they_begin(service: Service, party: tuple[EventInfo, dict[str, Person]]) -> None:
    event, _ = party
    wanted = {
        "ANN": ["anna", "Anne"],
        "anna@ex": ["anna"],
        " éli": ["Élise"],
        "ÉLI": ["Élise"],
        "100%": ["100%"],
        "b_": ["b_b"],
        "%": [],
        "nn": [],
        "\x00": [],
        "'; --": [],
    }
    for typed, found in wanted.items():
        answer = guests(service, event, q=typed)
        assert names(answer) == found, typed
        assert answer.headers["X-Total-Count"] == str(len(found))


def test_guests_come_in_pages(service: Service, party: tuple[EventInfo, dict[str, Person]]) -> None:
    event, _ = party
    seen: list[str] = []
    parameters: dict[str, Any] = {"limit": 4}
    while True:
        answer = guests(service, event, **parameters)
        seen += names(answer)
        if "X-Next-Cursor" not in answer.headers:
            break
        parameters["cursor"] = answer.headers["X-Next-Cursor"]
    assert seen == names(guests(service, event))
    path = f"/api/admin/events/{event.id}/users"
    for cursor in ("x", "-1", "9" * 30, "1.5"):
        refused(service.get(path, service.admin, params={"cursor": cursor}), 400, "InvalidCursor")
    refused(service.get(path, event.photographer), 403, "AdminsOnly")
    refused(service.get("/api/admin/events/999999999/users", service.admin), 404, "NoSuchEvent")


# --- the code --------------------------------------------------------------------------------------


def test_the_qr_code_of_a_poster(service: Service) -> None:
    event = service.event()
    path = f"/api/admin/event-qr/{event.code}"
    sizes = {}
    for scale in (1, 10, 40):
        data = service.get(path, service.admin, params={"scale": scale}).content
        sizes[scale] = opened(data).width
        if scale > 1:
            assert event.code in read_qr(data)
    assert (sizes[10], sizes[40]) == (10 * sizes[1], 40 * sizes[1])
    answer = service.get(path, service.admin, params={"format": "svg"})
    assert answer.headers["content-type"] == "image/svg+xml"
    assert ElementTree.fromstring(answer.content).tag.endswith("svg")  # noqa: S314 - our own
    for parameters in ({"scale": 0}, {"scale": 41}, {"scale": "x"}, {"format": "pdf"}):
        refused(service.get(path, service.admin, params=parameters), 422, "InvalidRequest")


def test_anybody_with_the_code_learns_which_event_it_opens(service: Service) -> None:
    event = service.event(name="Léa & Tom", date="2100-05-01")
    path = "/api/event-info"
    typed = {"event_code": f" {event.code.lower()} "}
    assert service.get(path, params=typed).json() == {"name": "Léa & Tom", "date": "2100-05-01", "open": True}
    expire(service, event)
    refused(service.get(path, params=typed), 404, "EventNotFound")
    change(service, event, expires_at=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    assert service.get(path, params=typed).json()["open"] is True
    for code in ("NOSUCH99", "", "\x00", "x" * 900):
        refused(service.get(path, params={"event_code": code}), 404, "EventNotFound")
    refused(service.get(path), 422, "InvalidRequest")
