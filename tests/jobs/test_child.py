"""A job that is suspected of a crash is done in a process of its own, which may crash, hang or lose its parent."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from events import service as events
from events.service import NewEvent
from guests import removal
from jobs import child as job_child
from jobs import queue as job_queue
from jobs import sweep
from jobs import work as jobs
from models import Event, Photo
from settings import ROOT
from tests.conftest import DATABASES, fresh_database, wait_until
from tests.jobs.rows import ENGINE, claim, lose, row, send_photo


@pytest.fixture(scope="module", params=DATABASES)
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("apart"), JOB_BACKOFF_SECONDS="0"):
        yield


@pytest.fixture
def event(_database: None) -> Iterator[Event]:
    """An event; deleted with all its jobs afterwards."""
    made = events.create(NewEvent("Apart"))
    yield made
    removal.remove_event(made.id)


def suspect() -> job_queue.Claim:
    """Claim a job whose holder was lost."""
    lose(claim())
    return claim()


@pytest.mark.parametrize(
    ("code", "seconds", "cause"),
    [
        ("import sys; sys.exit(3)", 60.0, "status 3"),
        ("import os; os.kill(os.getpid(), 9)", 60.0, "SIGKILL"),
        ("import time; time.sleep(60)", 0.05, "it did not end within"),
    ],
)
def test_a_process_that_crashes_or_hangs_leaves_the_job_to_a_further_one(
    event: Event, monkeypatch: pytest.MonkeyPatch, code: str, seconds: float, cause: str
) -> None:
    photo_id = send_photo(event, 1)
    held = suspect()
    monkeypatch.setattr(jobs, "CHILD", [sys.executable, "-S", "-c", code])
    monkeypatch.setattr(jobs, "CHILD_SECONDS", seconds)
    jobs.run(held, ENGINE)
    photo = row(Photo, photo_id)
    assert photo.status == "pending"
    assert cause in photo.error
    again = claim()
    assert (again.attempt, again.crashed_before) == (3, True)


def test_an_ordinary_fault_makes_no_suspect(event: Event) -> None:
    send_photo(event, 1)
    job_queue.retry_later(claim(), "the disk was away")
    assert not claim().crashed_before


def test_a_job_whose_every_attempt_crashed_is_not_tried_once_more(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "CHILD", [sys.executable, "-S", "-c", "raise SystemExit('must not run')"])
    photo_id = send_photo(event, 1)
    for _ in range(5):
        lose(claim())
    jobs.run(claim(), ENGINE)
    photo = row(Photo, photo_id)
    assert (photo.status, photo.error) == ("failed", f"{job_queue.CRASHED} in every attempt")
    assert sweep.sweep_orphans(timedelta(0)) == 0, "the photo's file stays for another try"


CHILD = f"""
import os, time
import {job_child.__name__} as child

def run(*_):
    print(os.getpid(), flush=True)
    time.sleep(60)

child.run_child, child.make_engine = run, lambda settings: None
child.main()
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"


def is_running(process_id: int) -> bool:
    """Tell whether there is such a process that is not just a remainder for its parent to collect."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal to orphans is Linux's")
def test_the_process_of_a_job_ends_with_its_parent() -> None:
    command = [sys.executable, "-c", PARENT, CHILD, "photos", "1", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.kill()
        parent.wait()
        wait_until(lambda: not is_running(child), 10)
