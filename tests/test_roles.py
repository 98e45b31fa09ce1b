"""Machines with a role: a web machine answers people, workers run the jobs, and each says what it is."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from testkit.builders import people
from testkit.event_photos import send_photos
from testkit.passwords import PASSWORD
from testkit.servers import Api, Launcher, Server, create_event, one_installation, wait_until
from tests.conftest import ROOT

pytestmark = [pytest.mark.server, pytest.mark.postgresql_is_enough]
Machine = Callable[..., Launcher]
QUICK = {"FACE_RECOGNIZER_PROVIDER": "fake", "GUNICORN_WORKERS": "1", "JOB_POLL_SECONDS": "0.1"}


@pytest.fixture
def machine(postgres: Callable[[], str], tmp_path: Path) -> Iterator[Machine]:
    """A function that returns another machine of one installation on PostgreSQL."""
    with one_installation(tmp_path, postgres(), **QUICK) as new:
        yield new


def ready(server: Server) -> dict[str, Any]:
    answer = httpx2.get(f"{server.url}/readyz", timeout=20)
    return {"code": answer.status_code, **answer.json()}


def guest_of(server: Server, code: str, number: int) -> Api:
    """Register a guest, send the portrait with that colour, and return the guest's calls."""
    name = f"guest{number}"
    data = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    with Api(server) as anyone:
        anyone.call("POST", "/api/register-with-event-code", json={"user_data": data, "event_code": code})
        guest = anyone.logged_in(name, PASSWORD)
    portrait = {"file": ("s.jpg", people(number), "image/jpeg")}
    assert guest.call("POST", "/api/validate-selfie", files=portrait)["valid"] is True
    guest.call("POST", "/api/upload-selfie", files={"file": ("s.jpg", people(number), "image/jpeg")})
    return guest


def is_found(guest: Api, photos: int) -> Callable[[], bool]:
    return lambda: len(guest.call("GET", "/api/my-photos")) == photos


def test_web_machines_answer_and_workers_run_the_jobs(machine: Machine) -> None:
    web = machine("web").start()
    assert ready(web) == {
        "code": 200,
        "status": "ready",
        "database": "ok",
        "storage": "ok",
        "face_engine": "no worker machine runs (python -m jobs.worker): jobs wait",
        "role": "web",
    }
    event = create_event(web)
    send_photos(event.photographer, event.id, [people(1)], seconds=0)
    guest = guest_of(web, event.code, 1)
    assert event.photographer.call("GET", f"/api/photographer/events/{event.id}/progress")["pending"] == 1
    first = machine("worker")
    worker = first.start()
    assert (ready(worker)["role"], ready(worker)["face_engine"]) == ("worker", "ok")
    wait_until(is_found(guest, 1), 20, "the photo of the guest")
    wait_until(lambda: ready(web)["face_engine"] == "ok", 15, "the web machine to know its worker")
    # A worker has no page and no call, for nobody.
    for path in ("/", "/login", "/api", "/docs", "/api/stats", "/api/my-photos"):
        assert httpx2.get(f"{worker.url}{path}").status_code in (401, 404), path
    assert httpx2.get(f"{worker.url}/livez").status_code == 200
    found = httpx2.get(f"{worker.url}/metrics").text
    assert 'reperio_job_seconds_count{kind="photos"} 1.0' in found
    assert "reperio_job_seconds_count" not in httpx2.get(f"{web.url}/metrics").text
    # One that stops in order is missed at once.
    first.stop()
    wait_until(lambda: "no worker" in ready(web)["face_engine"], 5, "the end of the worker to show")


def test_a_worker_that_is_stopped_or_killed_leaves_its_jobs_to_others(machine: Machine) -> None:
    quick = {"JOB_LEASE_SECONDS": "3", "JOB_HEARTBEAT_SECONDS": "1"}
    web = machine("web").start()
    event = create_event(web)
    stopped, killed = machine("worker", **quick), machine("worker", **quick)
    stopped.start()
    photos = [people(number, block=300) for number in range(1, 25)]
    send_photos(event.photographer, event.id, photos[:12], seconds=0)
    killed.start()
    stopped.stop()
    send_photos(event.photographer, event.id, photos[12:], seconds=0)
    (pid,) = killed.workers()
    # Gunicorn starts another process in place of one that dies.
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: killed.workers() not in ([pid], []), 10, "another process")

    def all_done() -> bool:
        shown = event.photographer.call("GET", f"/api/photographer/events/{event.id}/photos")
        return [each["processing_status"] for each in shown] == ["done"] * 24

    wait_until(all_done, 40, "the photos")


def test_two_web_machines_are_one_service(machine: Machine, tmp_path: Path) -> None:
    limits = {"RATE_WRONG_PASSWORDS": "3", "RATE_LIMIT_FILE": str(tmp_path / "limits.db")}
    one = machine("web", **limits)
    here = one.start()
    assert "RATE_LIMIT_URL is not set: limits count on this machine alone" in one.log.read_text()
    # As if on another host: without Redis, it counts for itself.
    there = machine("web", **{**limits, "RATE_LIMIT_FILE": str(tmp_path / "others.db")}).start()
    event = create_event(here)
    code = {"event_code": event.code}

    def valid(server: Server) -> bool:
        with Api(server) as anyone:
            return bool(anyone.call("POST", "/api/check-event-code", json=code)["valid"])

    assert valid(here)
    assert valid(there)
    # A session that begins on one is good on the other, and over on both at once.
    with Api(there) as anyone:
        admin = anyone.logged_in(there.admin, there.password)
        assert Api(here, admin.token).call("GET", "/api/stats")["events"] == 1
        admin.call("PUT", f"/api/admin/events/{event.id}", json={"expires_at": "2020-01-01T00:00:00Z"})
        # What one machine changes shows on the other within five seconds, whatever that has in its cache.
        wait_until(lambda: not valid(here) and not valid(there), 6, "the change on both machines")
        # The event was made on the one; the other's log has it.
        assert any(each["action"] == "event.created" for each in admin.call("GET", "/api/admin/audit"))
        admin.call("POST", "/api/logout")
        answer = httpx2.get(f"{here.url}/api/stats", headers={"Authorization": f"Bearer {admin.token}"})
        assert answer.status_code == 401
        wrong = {"username": "lea", "password": "not this one at all"}
        for _ in range(3):
            assert httpx2.post(f"{here.url}/api/login", json=wrong).status_code == 401
        assert httpx2.post(f"{here.url}/api/login", json=wrong).status_code == 429
        assert httpx2.post(f"{there.url}/api/login", json=wrong).status_code == 401


@pytest.mark.parametrize("role", ["web", "all"])
def test_the_command_of_workers_refuses_another_role(role: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jobs.worker"],
        cwd=ROOT,
        env={**os.environ, "ROLE": role},
        capture_output=True,
        text=True,
        check=False,
    )
    wanted = f"Reperio cannot start: python -m jobs.worker is ROLE=worker, and the environment has ROLE={role}.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", wanted)


@pytest.mark.long
def test_the_command_starts_a_worker(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = machine("worker")
    monkeypatch.setattr(worker, "command", lambda: [sys.executable, "-m", "jobs.worker"])
    assert ready(worker.start())["role"] == "worker"
    worker.stop()
