"""The lease of a job lasts as long as the work on it, and no longer."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from decoding.decoder import InThisProcess
from events import service as events
from events.service import NewEvent
from faces.fake import FakeEngine
from guests import removal
from jobs import queue as job_queue
from jobs import work as jobs
from models import Event, Photo, utcnow
from tests.conftest import DATABASES, fresh_database, wait_until
from tests.jobs.rows import claim, columns, lose, row, send_photo


@pytest.fixture(scope="module", params=DATABASES)
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("heartbeat"), JOB_HEARTBEAT_SECONDS="0.02"):
        yield


@pytest.fixture
def event(_database: None) -> Iterator[Event]:
    """An event; deleted with all its jobs afterwards."""
    made = events.create(NewEvent("Heartbeat"))
    yield made
    removal.remove_event(made.id)


def is_prolonged(held: job_queue.Claim) -> bool:
    """Tell whether the lease runs for some seconds more."""
    return bool(row(held.kind, held.id).lease_until > utcnow() + timedelta(seconds=10))


def hearts() -> list[threading.Thread]:
    """Return the heartbeats that still beat."""
    return [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


def test_a_lease_that_would_run_out_is_prolonged_again_and_again(event: Event) -> None:
    send_photo(event, 1)
    held = claim()
    with job_queue.heartbeat(held):
        for _ in range(2):
            lose(held)
            wait_until(lambda: is_prolonged(held), 5)


def test_the_lease_is_not_touched_after_the_block(event: Event) -> None:
    send_photo(event, 1)
    held = claim()
    with job_queue.heartbeat(held):
        lose(held)
        wait_until(lambda: is_prolonged(held), 5)
    wait_until(lambda: not hearts(), 5)
    lose(held)
    before = columns(Photo, held.id)
    assert job_queue.claim_next() is not None, "the lost job goes to the next one who asks"
    assert row(Photo, held.id).attempts == before["attempts"] + 1


def test_a_block_that_fails_ends_its_heartbeat(event: Event) -> None:
    send_photo(event, 1)
    held = claim()
    with pytest.raises(RuntimeError), job_queue.heartbeat(held):
        raise RuntimeError("the lens cap was on")
    wait_until(lambda: not hearts(), 5)


def test_an_error_of_the_database_does_not_end_the_heartbeat(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    send_photo(event, 1)
    held, real, failures = claim(), job_queue.extend_lease, list[str]()

    def prolong(each: job_queue.Claim) -> None:
        if len(failures) < 2:
            failures.append(str(each))
            raise OperationalError("UPDATE", None, Exception("the server closed the connection"))
        real(each)

    monkeypatch.setattr(job_queue, "extend_lease", prolong)
    lose(held)
    with job_queue.heartbeat(held):
        wait_until(lambda: is_prolonged(held), 5)
    assert len(failures) == 2


def test_a_heartbeat_does_not_prolong_what_another_attempt_holds(event: Event) -> None:
    send_photo(event, 1)
    held, beats = claim(), threading.Semaphore(0)
    lose(held)
    second = claim()
    before = columns(Photo, held.id)
    real = job_queue.extend_lease

    with pytest.MonkeyPatch.context() as patch:

        def prolong(each: job_queue.Claim) -> None:
            real(each)
            beats.release()

        patch.setattr(job_queue, "extend_lease", prolong)
        with job_queue.heartbeat(held):
            for _ in range(2):
                assert beats.acquire(timeout=5)
    assert columns(Photo, second.id) == before


class Slow(FakeEngine):
    """Looks at a photo until its lease, which had run out, is prolonged."""

    def __init__(self, held: job_queue.Claim) -> None:
        self._held = held

    def detect(self, image: Any, **scales: Any) -> Any:
        """Find no face before the lease runs again."""
        lose(self._held)
        wait_until(lambda: is_prolonged(self._held), 5)
        return super().detect(image, **scales)


def test_a_job_that_takes_longer_than_its_lease_keeps_it(event: Event) -> None:
    photo_id = send_photo(event, 1)
    held = claim()
    jobs.run(held, InThisProcess(lambda: Slow(held)))
    photo = row(Photo, photo_id)
    assert (photo.status, photo.attempts) == ("done", 1)
    wait_until(lambda: not hearts(), 5)
