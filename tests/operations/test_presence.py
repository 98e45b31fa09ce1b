"""Processes of one installation know of each other: who runs jobs, with which engine, on which storage."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import storage
from database import transaction
from decoding.decoder import InThisProcess
from faces.fake import FakeEngine
from jobs import pairing
from jobs.inference import InferenceThread
from models import RunningProcess, utcnow
from operations import presence
from operations.presence import Presence
from settings import get_settings
from tests.conftest import wait_until

pytestmark = pytest.mark.usefixtures("quiet_database")


@pytest.fixture(autouse=True)
def _nobody() -> None:
    with transaction() as session:
        session.query(RunningProcess).delete()


def process(role: str = "worker", provider: str = "fake") -> Presence:
    """Return a process that has said that it runs."""
    settings: dict[str, Any] = {"role": role, "face_recognizer_provider": provider}
    made = Presence(get_settings().model_copy(update=settings))
    made.beat()
    return made


def end(one: Presence) -> None:
    with transaction() as session:
        session.query(RunningProcess).filter_by(id=one._id).delete()


def test_a_process_with_another_engine_waits_until_those_before_it_have_ended() -> None:
    before, after = process(), process(provider="other-fake")
    assert before.conflict() is None
    found = after.conflict()
    assert found is not None
    assert found.startswith("FACE_RECOGNIZER_PROVIDER is other-fake here, and ")
    before.beat()
    assert before.conflict() is None, "the one that was there goes on"
    end(before)
    after.beat()
    assert after.conflict() is None


def test_two_threads_of_a_process_say_at_once_that_it_runs() -> None:
    settings = get_settings().model_copy(update={"role": "worker"})
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            made = Presence(settings)
            calls: list[Callable[[], object]] = [made.beat, made.conflict]
            list(pool.map(lambda call: call(), calls))
    with transaction() as session:
        assert session.query(RunningProcess).count() == 10


def test_one_that_died_is_waited_for_no_longer_than_it_takes_to_know() -> None:
    before, after = process(), process(provider="other-fake")
    assert after.conflict() is not None
    with transaction() as session:
        session.get_one(RunningProcess, before._id).seen_at = utcnow() - timedelta(seconds=36)
    after.beat()
    assert after.conflict() is None


def test_a_web_machine_decides_about_no_engine_and_knows_the_workers() -> None:
    assert presence.problem_of_workers() == "no worker machine runs (python -m jobs.worker): jobs wait"
    web = process("web", "other-fake")
    worker = process()
    assert (web.conflict(), worker.conflict()) == (None, None)
    assert presence.problem_of_workers() is None
    # What every worker waits for is the answer.
    worker.problem_here = lambda: "the weights are missing"
    worker.beat()
    assert (presence.problem_of_workers() or "").endswith(": the weights are missing")
    able = process()
    assert presence.problem_of_workers() is None
    end(able)
    end(worker)
    process(provider="other-fake")
    assert "the workers use" in (presence.problem_of_workers() or "")


def test_no_job_runs_on_a_machine_whose_storage_is_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert pairing.problem() is None
    assert process().conflict() is None
    ours = get_settings().storage_url
    monkeypatch.setattr(get_settings(), "storage_url", f"file://{tmp_path}/another")
    worker = process()
    found = worker.conflict()
    assert found is not None
    assert "does not carry the id of this installation" in found
    # A machine that does everything goes on, as always, where the id is only missing.
    assert process("all").conflict() is None
    thread = InferenceThread(
        InThisProcess(FakeEngine),
        sample=lambda: None,
        report=lambda: None,
        sweep=lambda: None,
        others=worker.conflict,
    )
    thread.start()
    wait_until(lambda: "does not carry" in (thread.problem or ""))
    thread.stop(10)
    assert [each for each in caplog.messages if each.startswith("no job runs here: ")] == [
        f"no job runs here: {found}"
    ]
    storage.put(".installation", b"another-installation")
    assert "belongs to another installation" in (process("all").conflict() or "")
    # Corrected, it goes on with its next look.
    monkeypatch.setattr(get_settings(), "storage_url", ours)
    worker.beat()
    assert worker.conflict() is None
