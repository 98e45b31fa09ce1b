"""Selfies judged while their sender waits: a short line, and no place in it for what needs none."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import errors
from decoding.decoder import InThisProcess
from faces.engine import BgrImage, EngineUnavailable, LocatedFace
from faces.fake import FakeEngine
from selfies.service import SelfieFile
from selfies.validator import MAX_WAITING, Validator
from testkit.builders import people
from tests.conftest import wait_until

GOOD = SelfieFile(people(1), "image/jpeg")
WORDS, DOCUMENT = SelfieFile(b"words", "image/jpeg"), SelfieFile(people(1), "application/pdf")
SECONDS = 20


class Slow(FakeEngine):
    """An engine that looks at nothing before it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.asked = 0

    def locate_portrait(self, image: BgrImage, *, scale: float = 1.0) -> tuple[BgrImage, list[LocatedFace]]:
        """Wait, then look."""
        self.asked += 1
        assert self.may.wait(SECONDS)
        return super().locate_portrait(image, scale=scale)


@pytest.fixture
def slow(quiet_database: None) -> Slow:
    """A slow engine."""
    return Slow()


@pytest.fixture
def validator(slow: Slow) -> Iterator[Validator]:
    """A validator with that engine."""
    made = Validator(InThisProcess(lambda: slow))
    yield made
    slow.may.set()


def answer(validator: Validator, file: SelfieFile = GOOD) -> str:
    try:
        validator.check(file)
    except errors.AppError as error:
        return type(error).__name__
    return "valid"


def test_the_seventh_is_told_to_come_back_and_a_bad_file_at_once_what_is_wrong(
    validator: Validator, slow: Slow
) -> None:
    with ThreadPoolExecutor(MAX_WAITING) as pool:
        line = [pool.submit(answer, validator) for _ in range(MAX_WAITING)]
        places: Any = validator._slots
        try:
            wait_until(lambda: places._value == 0)
            told = [answer(validator, each) for each in (GOOD, WORDS, DOCUMENT)]
        finally:
            slow.may.set()
        assert told == ["TooBusy", "InvalidImage", "NotAnImage"]
        assert [each.result(SECONDS) for each in line] == ["valid"] * MAX_WAITING
    assert slow.asked == MAX_WAITING
    assert answer(validator) == "valid"


def test_a_refused_selfie_gives_its_place_back(validator: Validator, slow: Slow) -> None:
    slow.may.set()
    for _ in range(MAX_WAITING + 1):
        assert answer(validator, SelfieFile(people(), "image/jpeg")) == "SelfieNoFace"
    assert answer(validator) == "valid"


def test_an_engine_that_could_not_work_is_asked_for_again(quiet_database: None) -> None:
    asked = 0

    def make() -> FakeEngine:
        nonlocal asked
        asked += 1
        if asked <= MAX_WAITING:
            raise EngineUnavailable("no weights")
        return FakeEngine()

    validator = Validator(InThisProcess(make))
    for _ in range(MAX_WAITING):
        assert answer(validator) == "ServiceUnavailable"
    assert answer(validator) == answer(validator) == "valid"
    assert asked == MAX_WAITING + 1
