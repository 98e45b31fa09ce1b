"""A selfie that was checked is not decoded and searched again when the same bytes come to be stored."""

import io
from collections.abc import Iterator

import numpy as np
import pytest

from database import reading
from decoding.decoder import CheckedSelfie, InThisProcess
from events import service as events
from events.service import NewEvent
from faces.engine import BgrImage, LocatedFace
from faces.fake import FakeEngine
from faces.local import LocalEngine
from jobs import queue, work
from matching.forgetting import ForgettingThread
from models import DONE, Event, Selfie
from selfies import checked, service
from selfies.checked import SECONDS, CheckedSelfies, checked_selfies
from selfies.service import SelfieFile
from selfies.validator import Validator
from testkit.builders import people
from testkit.camera import portrait
from tests.jobs.rows import found_by, guest_of, send_photo

pytestmark = pytest.mark.parametrize("quiet_database", ["sqlite"], indirect=True)
FILE = SelfieFile(people(1), "image/jpeg")


class Counting(FakeEngine):
    """An engine that counts how often it is asked for the faces of a portrait."""

    def __init__(self) -> None:
        self.asked = 0

    def locate_portrait(self, image: BgrImage, *, scale: float = 1.0) -> tuple[BgrImage, list[LocatedFace]]:
        """Count, then look."""
        self.asked += 1
        return super().locate_portrait(image, scale=scale)


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


@pytest.fixture(autouse=True)
def _nothing_kept(quiet_database: None) -> Iterator[None]:
    yield
    checked_selfies.take(FILE.data)


@pytest.fixture
def event() -> Event:
    return events.create(NewEvent("Wedding"))


def made(data: bytes = FILE.data) -> CheckedSelfie:
    """Return what a check makes of a selfie."""
    return InThisProcess(FakeEngine).check_selfie(data, 1, strict=True)


def test_a_checked_selfie_is_searched_once_until_its_guest_is_matched(event: Event) -> None:
    engine = Counting()
    decoder = InThisProcess(lambda: engine)
    validator, guest = Validator(decoder), guest_of(event)
    photo = send_photo(event, 1)
    validator.check(FILE)
    selfie = service.receive(guest, FILE, validator.store, strict=True)
    while (claim := queue.claim_next()) is not None:
        work.attempt(claim, decoder)
    with reading() as session:
        assert session.get_one(Selfie, selfie.id).status == DONE
    assert found_by(guest) == {photo}
    assert engine.asked == 1
    assert not checked_selfies.held()


def test_real_faces_get_the_same_file_and_template_as_without_a_check() -> None:
    buffer = io.BytesIO()
    portrait().resize((1800, 1800)).save(buffer, "JPEG", quality=90)
    data, engine = buffer.getvalue(), LocalEngine()
    decoder = InThisProcess(lambda: engine)
    found, plain = decoder.check_selfie(data, 1, strict=True), decoder.normalise_selfie(data, 1)
    assert found.normal == plain
    assert found.faces
    known = decoder.stored_selfie(plain.jpeg, 1, strict=True, faces=found.faces)
    assert np.array_equal(known, decoder.stored_selfie(plain.jpeg, 1, strict=True))


def test_what_is_kept_is_returned_once_and_not_after_two_minutes() -> None:
    clock = Clock()
    kept, selfie = CheckedSelfies(clock), made()
    kept.keep(FILE.data, selfie)
    assert kept.take(FILE.data + b" ") is None
    found = kept.take(FILE.data)
    assert found is not None
    assert found.normal == selfie.normal
    assert kept.take(FILE.data) is None
    kept.keep(FILE.data, selfie)
    clock.now = SECONDS
    assert kept.take(FILE.data) is None


def test_what_nobody_sends_again_is_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(checked_selfies, "_clock", clock)
    checked_selfies.keep(FILE.data, made())
    checked_selfies.note_faces("selfies/a.jpg", made().faces)
    (entry,) = checked_selfies._selfies.values()
    jpeg = entry.jpeg
    forgetting = ForgettingThread()
    clock.now = SECONDS - 1
    forgetting.look()
    assert checked_selfies.held() == 2
    clock.now = SECONDS
    forgetting.look()
    assert not checked_selfies.held()
    assert jpeg == bytes(len(jpeg))


def test_the_oldest_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "MAX_SELFIES", 2)
    kept, selfie = CheckedSelfies(), made()
    for name in (b"one", b"two", b"three"):
        kept.keep(name, selfie)
    assert [kept.take(name) is not None for name in (b"one", b"two", b"three")] == [False, True, True]
