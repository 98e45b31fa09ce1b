"""Samples: one per minute by one process, kept for a month; errors while sampling affect nothing else."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError

from database import reading, transaction
from metrics import REQUESTS, Answered, answered
from models import MachineCounter, Photo, Sample, utcnow
from operations import samples
from operations.presence import machine_name
from operations.samples import Peak, Sampler
from settings import get_settings
from testkit.builders import EventInfo, Service, people
from testkit.pictures import refused
from tests.conftest import wait_until

# Hours ahead of the sampler of the running service, which would else count for these minutes.
NOW = int(time.time() // 60) + 600


def stored() -> list[Sample]:
    with reading() as session:
        return list(session.scalars(select(Sample).order_by(Sample.minute)))


def forget() -> None:
    with transaction() as session:
        session.execute(delete(Sample))


def sample(minute: int, **figures: Any) -> Sample:
    names = ("guests", "selfies", "photos", "matches", "queue_depth", "requests", "errors")
    rest = {"queue_age_seconds": 0.0, "machine": "another", "requests_seen": 0, "errors_seen": 0}
    return Sample(minute=minute, **{**dict.fromkeys(names, 0), **rest, **figures})


def test_a_running_service_samples_itself(service: Service) -> None:
    wait_until(lambda: bool(stored()))
    answer = service.get("/api/admin/samples", service.admin)
    assert answer.status_code == 200
    assert answer.json()[-1]["at"].endswith("Z")
    assert answer.json()[-1]["queue_depth"] >= 0
    refused(service.get("/api/admin/samples", service.event().photographer), 403, "AdminsOnly")
    for hours in (0, 721, "x"):
        refused(service.get("/api/admin/samples", service.admin, params={"hours": hours}), 422, "InvalidRequest")


def test_a_sample_counts_what_there_is_and_what_was_answered_since(service: Service) -> None:
    forget()
    event = service.event()
    service.upload(event, people(1))
    service.process_photos(event)
    service.guest_found_as(event)
    samples.write(NOW + 10)
    for _ in range(7):
        service.get("/livez")
    service.get("/api/image/nothing.jpg")
    samples.write(NOW + 11)
    before, after = stored()[-2:]
    assert (after.guests, after.selfies, after.photos, after.matches) == (1, 1, 1, 1)
    assert (after.queue_depth, after.queue_age_seconds) == (0, 0.0)
    assert after.requests == 8
    assert after.requests_seen - before.requests_seen == 8
    assert after.errors == 0
    # After a restart the counters of the service begin at zero.
    with transaction() as session:
        session.get_one(MachineCounter, machine_name(get_settings())).requests_seen = 10**9
    samples.write(NOW + 12)
    assert stored()[-1].requests == stored()[-1].requests_seen


def test_a_burst_between_two_samples_shows_and_the_own_start_is_no_error(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget()
    sampler, event = Sampler(), service.event()
    minute = NOW + 50
    monkeypatch.setattr(time, "time", lambda: minute * 60.0)
    sampler.tick()
    before = answered()
    REQUESTS.labels("GET", "/readyz", 503).observe(0.01)
    with transaction() as session:
        session.add_all(waiting_photo(event, each) for each in range(60))
    monkeypatch.setattr(time, "time", lambda: minute * 60.0 + 5)
    sampler.tick()
    with transaction() as session:
        session.execute(delete(Photo).where(Photo.event_id == event.id))
    monkeypatch.setattr(time, "time", lambda: minute * 60.0 + 61)
    sampler.tick()
    shown = {each.minute: each for each in stored()}[minute + 1]
    assert shown.queue_depth >= 60
    assert shown.queue_age_seconds >= 40
    assert answered() == Answered(before.requests + 1, before.errors)
    # Another process has seen more of that minute.
    samples.write(minute + 1, Peak(75, 90.0))
    samples.write(minute + 1, Peak(3, 1.0))
    shown = {each.minute: each for each in stored()}[minute + 1]
    assert (shown.queue_depth, shown.queue_age_seconds) == (75, 90.0)


def waiting_photo(event: EventInfo, number: int) -> Photo:
    """Return a photo that has waited for 40 s and that no process may claim yet."""
    now = utcnow()
    return Photo(
        event_id=event.id,
        photographer_id=event.photographer.id,
        filename=f"burst-{number}.jpg",
        original_filename=f"burst-{number}.jpg",
        content_type="image/jpeg",
        size=1,
        sha256=f"{number:064d}",
        width=3,
        height=2,
        uploaded_at=now - timedelta(seconds=40),
        lease_until=now + timedelta(hours=1),
    )


def test_a_sample_has_the_requests_of_all_machines(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    minute = NOW + 90
    samples.write(minute - 1)
    service.get("/livez")
    samples.write(minute)
    assert stored()[-1].requests == 1
    # Another machine, which counts for the first time, has answered as many as this one since its start.
    monkeypatch.setattr(get_settings(), "port", get_settings().port + 1)
    for _ in range(2):
        samples.write(minute)
    assert stored()[-1].requests == 1 + answered().requests


def test_of_many_processes_one_writes_the_minute(service: Service) -> None:
    forget()
    minute = NOW + 100
    with ThreadPoolExecutor(6) as pool:
        for each in [pool.submit(samples.write, minute) for _ in range(6)]:
            each.result(20)
    assert [each.minute for each in stored()].count(minute) == 1


def test_what_is_older_than_a_month_goes(service: Service) -> None:
    forget()
    month = 30 * 24 * 60
    with transaction() as session:
        session.add_all([sample(NOW + 200 - month - 1), sample(NOW + 200 - month + 1)])
    samples.write(NOW + 200)
    minutes = [each.minute for each in stored()]
    assert NOW + 200 - month + 1 in minutes
    assert NOW + 200 - month - 1 not in minutes


@pytest.mark.long
def test_a_month_is_thinned_and_loses_no_request(service: Service) -> None:
    forget()
    # Not the minute of import: the service adds samples of its own while other tests run.
    now = int(time.time() // 60)
    minutes = range(now - 20_000, now - 10)
    with transaction() as session:
        session.add_all(
            sample(minute, requests=3, errors=1, photos=minute - minutes[0], queue_depth=int(minute % 97 == 0))
            for minute in minutes
        )
    points = service.get("/api/admin/samples", service.admin, params={"hours": 720}).json()
    assert 200 <= len(points) <= 501
    assert sum(point["requests"] for point in points) >= 3 * len(minutes)
    assert sum(point["errors"] for point in points) >= len(minutes)
    assert points == sorted(points, key=lambda point: point["at"])
    photos = [point["photos"] for point in points if point["at"] < points[-2]["at"]]
    assert photos == sorted(photos)
    assert any(point["queue_depth"] for point in points)
    recent = service.get("/api/admin/samples", service.admin, params={"hours": 1}).json()
    assert 40 <= len(recent) <= 60


def test_a_database_that_fails_disturbs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def fail(minute: int, _: Peak) -> None:
        # The inference thread of the service looks at the clock too.
        if threading.current_thread() is threading.main_thread():
            tried.append(minute)
        raise OperationalError("INSERT", {}, Exception("the database is away"))

    monkeypatch.setattr(samples, "write", fail)
    sampler = Sampler()
    for now in (60.0, 61.0, 119.0, 120.0, 121.0):
        monkeypatch.setattr(time, "time", partial(float, now))
        sampler.tick()
    assert tried == [1, 2]
