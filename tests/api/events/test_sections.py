"""The sections of an event: photographers and admins replace them, guests read them."""

from collections.abc import Sequence
from typing import Any

import pytest

from keys import MAX_SECTION_TITLE, MAX_SECTIONS
from testkit.builders import EventInfo, Json, Person, Service
from testkit.pictures import refused

CEREMONY = {"title": "Cérémonie", "starts_at": "2026-06-20T15:00"}
DINNER = {"title": "Dîner", "starts_at": "2026-06-20T18:30:00Z"}


@pytest.fixture(scope="module")
def event(service: Service) -> EventInfo:
    return service.event()


def put(service: Service, event: EventInfo, sections: Sequence[Json], who: Person | None = None, **more: str) -> Any:
    path = f"/api/photographer/events/{event.id}/sections"
    return service.put(path, who or event.photographer, json={"sections": list(sections), **more})


def test_sections_are_replaced_all_at_once_and_read_in_their_order(service: Service, event: EventInfo) -> None:
    # The event is in Paris: 15:00 there is 13:00 UTC in June.
    first = put(service, event, [DINNER, CEREMONY]).json()
    assert first["sections"] == [
        {"title": "Cérémonie", "starts_at": "2026-06-20T13:00:00.000000Z"},
        {"title": "Dîner", "starts_at": "2026-06-20T18:30:00.000000Z"},
    ]
    path = f"/api/photographer/events/{event.id}/sections"
    assert service.get(path, service.admin).json() == first
    guest = service.guest(event)
    assert service.get(f"/api/user/events/{event.id}/sections", guest).json() == first["sections"]
    assert put(service, event, [], service.admin).json()["sections"] == []


def test_who_replaces_sections_that_somebody_has_changed_is_told(service: Service, event: EventInfo) -> None:
    seen = put(service, event, [CEREMONY]).json()["version"]
    assert put(service, event, [CEREMONY, DINNER], service.admin, version=seen).status_code == 200
    refused(put(service, event, [DINNER], version=seen), 409, "SectionsChanged")
    # The same again changes nothing, whoever was first.
    assert put(service, event, [DINNER, CEREMONY], version=seen).status_code == 200
    assert len(put(service, event, [CEREMONY]).json()["sections"]) == 1


def at(year: str) -> Json:
    return {"title": "Long ago", "starts_at": f"{year}-06-20T15:00"}


def test_what_is_wrong_is_told_and_nothing_changes(service: Service, event: EventInfo) -> None:
    before = put(service, event, [CEREMONY]).json()
    many = [{"title": "One", "starts_at": f"2026-06-20T15:{each:02}"} for each in range(MAX_SECTIONS + 1)]
    refused(put(service, event, many), 400, "TooManySections")
    refused(put(service, event, [CEREMONY, {**DINNER, "starts_at": "2026-06-20T13:00Z"}]), 400, "SectionsAtOneTime")
    for year in ("0001", "1989", "9999"):
        refused(put(service, event, [at(year)]), 400, "SectionTime")
    for title in ("", "  ", "\u200b", "a\0b", "x" * (MAX_SECTION_TITLE + 1)):
        assert put(service, event, [{**DINNER, "title": title}]).status_code == 422
    for start in ("", "yesterday", "2026-06-31T15:00", None):
        assert put(service, event, [{**DINNER, "starts_at": start}]).status_code == 422
    assert service.get(f"/api/photographer/events/{event.id}/sections", event.photographer).json() == before
