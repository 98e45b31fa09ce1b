"""A selfie and a photo of one person that are finished at the same moment are matched."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from accounts.service import NewAccount
from database import reading, transaction
from events import service as events
from events.rematching import queries as rematch_queries
from events.service import NewEvent
from faces.engine import DetectedFace
from faces.fake import ENGINE_ID, FakeEngine
from guests import registration
from guests.wordings import shown
from matching import matrices, queries, service, state
from models import DONE, PROCESSING, Event, Photo, Selfie, User, utcnow
from testkit.builders import people
from testkit.bulk_rows import add_faces, add_photos

pytestmark = pytest.mark.slow

ROUNDS = (8, pytest.param(30, marks=pytest.mark.long))


@pytest.fixture
def event(quiet_database: None) -> Event:
    """An event without guests."""
    return events.create(NewEvent("Meeting"))


def _face() -> DetectedFace:
    import images

    (face,) = FakeEngine().detect(images.decode(people(1)))
    return face


def _guest(event: Event, number: int) -> User:
    name = f"guest{number}"
    with transaction() as session:
        account = NewAccount(name, f"{name}@example.org", "")
        return registration.add_guest(session, account, "no hash", event.event_code, "fr", shown("fr"))


def _rows_in_hand(event: Event, guest: User, number: int) -> tuple[int, int]:
    """Add a selfie and a photo in the state that a claim leaves."""
    with transaction() as session:
        selfie = Selfie(user_id=guest.id, storage_key=f"selfies/{number}", status=PROCESSING, attempts=1)
        photo = Photo(
            event_id=event.id,
            original_filename="p.jpg",
            filename=f"{number}.jpg",
            content_type="image/jpeg",
            sha256=f"{number:064d}",
            size=1,
            width=280,
            height=280,
            status=PROCESSING,
            attempts=1,
        )
        session.add_all([selfie, photo])
        session.flush()
        return selfie.id, photo.id


def _held(_: object) -> bool:
    return True


def _together(*steps: Callable[[], Any]) -> None:
    start = threading.Barrier(len(steps))

    def run(step: Callable[[], Any]) -> None:
        start.wait()
        step()

    with ThreadPoolExecutor(len(steps)) as pool:
        for each in [pool.submit(run, step) for step in steps]:
            each.result(30)


def _pausing(real: Callable[..., Any], meeting: list[threading.Barrier]) -> Callable[..., Any]:
    """After reading the other side, wait until the other thread has read too, so that both could miss each other."""

    def read(*args: Any) -> Any:
        found = real(*args)
        with suppress(threading.BrokenBarrierError):
            meeting[0].wait(timeout=0.05)
        return found

    return read


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("at_the_worst_moment", [False, True])
def test_both_finish_at_once_and_meet_every_time(
    event: Event, monkeypatch: pytest.MonkeyPatch, at_the_worst_moment: bool, rounds: int
) -> None:
    meeting = [threading.Barrier(2)]
    if at_the_worst_moment:
        monkeypatch.setattr(queries, "guests_embeddings", _pausing(queries.guests_embeddings, meeting))
        monkeypatch.setattr(matrices, "faces_of", _pausing(matrices.faces_of, meeting))
    face, met = _face(), 0
    for number in range(rounds):
        unique = number + 100 * rounds + 40 * at_the_worst_moment
        guest = _guest(event, unique)
        selfie_id, photo_id = _rows_in_hand(event, guest, unique)
        meeting[0] = threading.Barrier(2)
        _together(
            partial(service.accept_selfie, selfie_id, ENGINE_ID, face.embedding, _held),
            partial(service.record_photo, photo_id, ENGINE_ID, [face], _held),
        )
        with reading() as session:
            matched = [match.photo_id for match in queries.matches_of(session, guest.id, event.id)]
        met += matched.count(photo_id)
        # All have the same face: each guest has one match in every photo so far.
        assert len(matched) == len(set(matched))
    assert met == rounds


def _content(faces: matrices.EventFaces) -> list[tuple[int, int, bytes]]:
    return [
        (int(face), int(photo), row.tobytes())
        for block in faces.blocks
        for face, photo, row in zip(block.face_ids, block.photo_ids, block.embeddings, strict=True)
    ]


def test_the_faces_held_are_those_of_the_database_however_they_were_added(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrices, "BLOCK", 40)
    matrices.clear()
    for number in (1, 39, 3, 100, 1):
        with transaction() as session:
            photo_ids = add_photos(session, event.id, number)
            add_faces(session, event.id, photo_ids)
            faces = matrices.faces_of(session, event.id, event.version, ENGINE_ID)
    assert len(faces.blocks) > 3
    monkeypatch.setattr(matrices, "BLOCK", 100_000)
    matrices.clear()
    with transaction() as session:
        again = matrices.faces_of(session, event.id, event.version, ENGINE_ID)
    assert len(again.blocks) == 1
    assert again.size >= 144
    assert _content(faces) == _content(again)


def test_a_guest_waits_only_for_a_rematch_that_somebody_asked_for(event: Event) -> None:
    guest = _guest(event, 8001)
    selfie_id, _ = _rows_in_hand(event, guest, 8001)
    service.accept_selfie(selfie_id, ENGINE_ID, _face().embedding, _held)
    states = []
    for asked in (False, True):
        with transaction() as session:
            rematch_queries.request_rematch(session, event.id, utcnow(), asked=asked)
        states.append(state.state_of(guest.id).status)
    assert states == ["done", "queued"]


class _Killed(BaseException):
    """Raised where the process dies: no handler of the job catches it."""


def test_a_selfie_whose_process_dies_between_its_steps_is_matched_by_the_next_attempt(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise _Killed

    face, guest = _face(), _guest(event, 9001)
    selfie_id, photo_id = _rows_in_hand(event, guest, 9001)
    service.record_photo(photo_id, ENGINE_ID, [face], _held)
    with monkeypatch.context() as patch:
        patch.setattr(service, "match_guest", die)
        with pytest.raises(_Killed):
            service.accept_selfie(selfie_id, ENGINE_ID, face.embedding, _held)
    service.accept_selfie(selfie_id, ENGINE_ID, face.embedding, _held)
    with reading() as session:
        matched = [match.photo_id for match in queries.matches_of(session, guest.id, event.id)]
        selfie = queries.selfie(session, selfie_id)
    assert photo_id in matched
    assert selfie is not None
    assert selfie.status == DONE
