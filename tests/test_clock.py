"""Machines whose clocks differ: what one holds, another does not take away, and nobody is logged out."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

import clock
from accounts import tokens
from database import compare_clocks, get_engine
from events import service as events
from events.service import NewEvent
from jobs import queue
from models import Photo, utcnow
from tests.jobs.rows import row, send_photo

APART = timedelta(seconds=60)
plain = clock.own


@pytest.fixture(autouse=True)
def _own_clock() -> Iterator[None]:
    """Each test begins with this machine's clock as it is, and leaves it so."""
    clock.forget()
    yield
    clock.forget()


def put(monkeypatch: pytest.MonkeyPatch, difference: timedelta) -> None:
    """Be a machine with that clock, which has compared it."""
    clock.forget()
    monkeypatch.setattr(clock, "own", lambda: plain() + difference)
    compare_clocks(get_engine())


def expected(difference: timedelta) -> datetime:
    """Return the time that such a machine has: with SQLite, there is no other machine."""
    return plain() if get_engine().dialect.name == "postgresql" else plain() + difference


@pytest.mark.parametrize("difference", [APART, -APART])
@pytest.mark.usefixtures("quiet_database")
def test_the_clock_of_the_database_is_that_of_all_machines(
    difference: timedelta, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(monkeypatch, difference)
    assert abs(utcnow() - expected(difference)) < timedelta(seconds=1)
    on_postgresql = get_engine().dialect.name == "postgresql"
    lines = [each for each in caplog.messages if "the clock of this machine differs" in each]
    assert len(lines) == on_postgresql
    # Told once, not at each comparison.
    compare_clocks(get_engine())
    assert len([each for each in caplog.messages if "the clock of this machine differs" in each]) == len(lines)


@pytest.mark.usefixtures("quiet_database")
def test_a_machine_that_is_ahead_takes_no_job_from_one_that_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    if get_engine().dialect.name != "postgresql":
        pytest.skip("SQLite has one machine")
    event = events.create(NewEvent("Ahead"))
    photo_id = send_photo(event, 1)
    held = queue.claim_next()
    assert held is not None
    assert held.id == photo_id
    put(monkeypatch, APART)
    assert queue.claim_next() is None
    # Without the comparison it would: its leases are over by its own clock.
    clock.forget()
    taken = queue.claim_next()
    assert taken is not None
    assert (taken.id, taken.attempt) == (photo_id, 2)
    # Then both work on it; only the later attempt records.
    put(monkeypatch, timedelta(0))
    assert not held.is_current(row(Photo, photo_id))
    assert taken.is_current(row(Photo, photo_id))


@pytest.mark.usefixtures("quiet_database")
def test_a_token_of_a_machine_is_good_on_another(monkeypatch: pytest.MonkeyPatch) -> None:
    if get_engine().dialect.name != "postgresql":
        pytest.skip("SQLite has one machine")
    put(monkeypatch, APART)
    token = tokens.issue(7, 1, timedelta(seconds=30), "session")
    put(monkeypatch, -APART)
    assert tokens.read(token).user_id == 7


def test_a_slow_answer_is_no_difference() -> None:
    asked = plain()
    clock.note_reference(asked, asked + timedelta(seconds=8), asked + timedelta(seconds=10))
    assert clock.offset() == timedelta(0)
    clock.note_reference(asked, asked + timedelta(seconds=70), asked + timedelta(seconds=20))
    assert clock.offset() == timedelta(seconds=60)
    # Another answer that took as long does not move it.
    clock.note_reference(asked, asked + timedelta(seconds=75), asked + timedelta(seconds=20))
    assert clock.offset() == timedelta(seconds=60)
