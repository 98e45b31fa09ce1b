"""Every change of an event raises the number by which other processes notice that their cached codes are stale."""

from collections.abc import Callable

import pytest

import errors
from database import reading
from events import codes, queries
from events import service as events
from events.service import NewEvent
from guests import removal
from models import Event

CHANGES: dict[str, Callable[[Event], object]] = {
    "created": lambda _: events.create(NewEvent("Further")),
    "changed": lambda event: events.update(event.id, {"name": "Renamed"}),
    "another code": lambda event: events.give_code(event.id),
    "deleted": lambda event: removal.remove_event(event.id),
}


@pytest.fixture
def event(quiet_database: None) -> Event:
    """An event."""
    return events.create(NewEvent("Marked"))


def mark() -> int:
    """Return the number that other processes compare."""
    with reading() as session:
        return queries.change_mark(session)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_raises_the_mark(event: Event, change: str) -> None:
    before = mark()
    CHANGES[change](event)
    assert mark() > before


@pytest.mark.parametrize("change", ["changed", "another code", "deleted"])
def test_a_code_that_was_looked_up_is_asked_for_again(event: Event, change: str) -> None:
    assert codes.is_open(event.event_code)
    assert not codes.is_open("no such code")
    CHANGES[change](event)
    assert codes.is_open(event.event_code) is (change == "changed")


def test_a_change_that_fails_raises_no_mark(event: Event) -> None:
    taken, before = events.create(NewEvent("Taken")), mark()
    with pytest.raises(errors.EventCodeTaken):
        events.update(event.id, {"event_code": taken.event_code})
    assert mark() == before
