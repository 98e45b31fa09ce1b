"""A photo that crashes, overruns or fills a child ends in words, and the other photos are done."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest

from decoding.pool import ChildPool
from events import service as events
from events.service import NewEvent
from guests import removal
from jobs import queue as job_queue
from jobs import sweep
from jobs import work as jobs
from models import Event, Photo
from photos import receiving
from settings import get_settings
from testkit.builders import people
from testkit.hostile import large_png, slow_jpeg
from tests.conftest import wait_until
from tests.decoding.conftest import Aside, MakePool
from tests.jobs.rows import claim, found_by, guest_of, row, send_photo, send_selfie

MEGABYTE = 1024 * 1024


@pytest.fixture
def event(quiet_database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """An event; deleted with all its jobs afterwards."""
    monkeypatch.setattr(get_settings(), "job_backoff_seconds", 0)
    monkeypatch.setattr(get_settings(), "job_max_attempts", 2)
    made = events.create(NewEvent("Children"))
    yield made
    removal.remove_event(made.id)


@pytest.fixture(scope="module")
def slow() -> bytes:
    """A photo that takes seconds to decode."""
    return slow_jpeg()


def send(event: Event, data: bytes) -> int:
    """Store a photo of these bytes and return its id."""
    return receiving.receive(event, None, "p.jpg", data).id


def work(pool: ChildPool) -> None:
    """Do all jobs that can be claimed."""
    while (held := job_queue.claim_next()) is not None:
        jobs.run(held, pool)


def test_photos_and_selfies_are_read_in_a_child_and_meet(event: Event, pool_of: MakePool) -> None:
    pool, guest = pool_of(), guest_of(event)
    send_selfie(guest, 1)
    shown, stranger = send_photo(event, 1, 2), send_photo(event, 3)
    work(pool)
    assert [row(Photo, each).status for each in (shown, stranger)] == ["done", "done"]
    assert found_by(guest) == {shown}
    assert row(Photo, shown).mean_colour.startswith("#")


def test_a_child_tells_of_a_photo_that_lacks_a_part(event: Event, pool_of: MakePool) -> None:
    pool, whole = pool_of(), people(1, 2)
    lacking = send(event, whole[: len(whole) // 2] + b"\xff\xd9")
    complete = send(event, whole)
    work(pool)
    assert [row(Photo, each).status for each in (lacking, complete)] == ["done", "done"]
    assert [row(Photo, each).warning for each in (lacking, complete)] == ["incomplete", None]


@pytest.mark.long
def test_a_photo_that_overruns_fails_at_once_and_the_next_one_is_done(
    event: Event, pool_of: MakePool, slow: bytes
) -> None:
    pool = pool_of(seconds=1)
    endless = send(event, slow)
    held = claim()
    following = send_photo(event, 1)
    jobs.run(held, pool)
    photo = row(Photo, endless)
    assert (photo.status, photo.attempts, photo.lease_until) == ("failed", 1, None)
    assert photo.error == "Overran: decoding was not over after 1 s"
    work(pool)
    assert row(Photo, following).status == "done"
    assert row(Photo, endless).status == "failed"


def test_a_photo_that_crashes_every_child_fails_after_its_attempts_and_the_others_are_done(
    event: Event, pool_of: MakePool, slow: bytes
) -> None:
    pool = pool_of()
    crashing, other = send(event, slow), send_photo(event, 1)
    statuses = []
    for _ in range(2):
        held = claim()
        assert held.id == crashing
        aside = Aside(pool, lambda held=held: jobs.run(held, pool))  # type: ignore[misc]
        os.kill(aside.pids()[0], signal.SIGSEGV)
        aside.result()
        statuses.append(row(Photo, crashing).status)
    assert statuses == ["pending", "failed"]
    assert row(Photo, crashing).error == f"{job_queue.CRASHED}: SIGSEGV"
    work(pool)
    assert row(Photo, other).status == "done"
    assert sweep.sweep_orphans(timedelta(0)) == 0, "the photo's file stays for another try"


@pytest.mark.long
def test_a_photo_that_needs_too_much_memory_fails_in_words_and_the_next_one_is_done(
    event: Event, pool_of: MakePool
) -> None:
    pool = pool_of(memory=250 * MEGABYTE)
    huge, following = send(event, large_png(9000)), send_photo(event, 1)
    work(pool)
    photo = row(Photo, huge)
    assert (photo.status, photo.attempts) == ("failed", 1)
    assert photo.error == "OutOfMemory: the picture needs more memory than it may take"
    assert row(Photo, following).status == "done"


def test_a_photo_in_hand_when_the_children_are_ended_is_left_as_it_is(
    event: Event, pool_of: MakePool, slow: bytes
) -> None:
    pool = pool_of()
    photo_id = send(event, slow)
    held = claim()
    aside = Aside(pool, lambda: jobs.run(held, pool))
    job_queue.release(held)
    again = claim()
    wait_until(lambda: bool(aside.pids()))
    pool.close()
    aside.result()
    photo = row(Photo, photo_id)
    assert again.is_current(photo), "another process holds the job by now"
    assert photo.error is None
