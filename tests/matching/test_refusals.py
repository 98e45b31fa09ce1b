"""A refused or withdrawn match never comes back, whatever runs at the same moment."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from accounts import queries as account_queries
from accounts.passwords import hash_password
from accounts.service import NewAccount
from database import get_engine, reading, transaction
from events import service as events
from events.service import NewEvent
from faces.engine import DetectedFace
from faces.fake import ENGINE_ID, FakeEngine
from guests import consent, registration
from guests.erasure import erase
from guests.wordings import shown
from images import decode
from matching import matrices, queries, refusals, rematching, service
from models import PROCESSING, Event, Photo, Selfie, UserEvent
from testkit.builders import people
from testkit.passwords import PASSWORD

pytestmark = pytest.mark.slow

# Each round is one chance for two threads to meet at the worst moment.
ROUNDS = (4, pytest.param(15, marks=pytest.mark.long))
_numbers = itertools.count()
HASHED = hash_password(PASSWORD)


@pytest.fixture
def event(quiet_database: None) -> Event:
    """An event without guests."""
    return events.create(NewEvent("Refusals"))


@pytest.fixture(scope="module")
def face() -> DetectedFace:
    (found,) = FakeEngine().detect(decode(people(1)))
    return found


def held(_: object) -> bool:
    return True


def matched(event: Event, face: DetectedFace, number: int) -> tuple[int, int, int]:
    """Add a guest whose accepted selfie matches a photo; return the ids of guest, selfie and photo."""
    name = f"guest{number}"
    with transaction() as session:
        account = NewAccount(name, f"{name}@example.org", "")
        guest = registration.add_guest(session, account, "no hash", event.event_code, "fr", shown("fr"))
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
    service.accept_selfie(selfie.id, ENGINE_ID, face.embedding, held)
    service.record_photo(photo.id, ENGINE_ID, [face], held)
    assert photo.id in matches(guest.id, event)
    return guest.id, selfie.id, photo.id


def matches(user_id: int, event: Event) -> list[int]:
    with reading() as session:
        return [match.photo_id for match in queries.matches_of(session, user_id, event.id)]


def rematch(user_id: int, selfie_id: int, face: DetectedFace) -> None:
    with transaction() as session:
        session.execute(update(UserEvent).where(UserEvent.user_id == user_id).values(status=PROCESSING))
        membership_id = queries.memberships_of(session, user_id)[0].id
    rematching.rematch(membership_id, ENGINE_ID, {selfie_id: face.embedding.tobytes()}, held)


def newer_selfie(user_id: int) -> int:
    """Add a newer selfie in the state that a claim leaves; return its id."""
    with transaction() as session:
        selfie = Selfie(user_id=user_id, storage_key=f"selfies/newer{user_id}", status=PROCESSING, attempts=1)
        session.add(selfie)
        session.flush()
        return selfie.id


def together(*steps: Callable[[], Any]) -> None:
    start = threading.Barrier(len(steps))

    def run(step: Callable[[], Any]) -> None:
        start.wait()
        step()

    with ThreadPoolExecutor(len(steps)) as pool:
        for each in [pool.submit(run, step) for step in steps]:
            each.result(30)


def pausing(real: Callable[..., Any], meeting: list[threading.Barrier]) -> Callable[..., Any]:
    """Make the matching wait after it read its input, so that a writer without the lock could run here."""

    def read(*args: Any) -> Any:
        found = real(*args)
        with suppress(threading.BrokenBarrierError):
            meeting[0].wait(timeout=0.05)
        return found

    return read


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("by", ["photo", "selfie"])
def test_a_refusal_during_a_matching_stays(
    event: Event, face: DetectedFace, monkeypatch: pytest.MonkeyPatch, by: str, rounds: int
) -> None:
    meeting = [threading.Barrier(2)]
    for _ in range(rounds):
        user_id, _, photo_id = matched(event, face, next(_numbers))
        with monkeypatch.context() as patch:
            meeting[0] = threading.Barrier(2)
            patch.setattr(queries, "guests_embeddings", pausing(queries.guests_embeddings, meeting))
            patch.setattr(queries, "refused_photos", pausing(queries.refused_photos, meeting))
            if by == "photo":
                matching: Callable[[], Any] = partial(service.record_photo, photo_id, ENGINE_ID, [face], held)
            else:
                matching = partial(service.accept_selfie, newer_selfie(user_id), ENGINE_ID, face.embedding, held)
            together(matching, partial(refusals.refuse, user_id, photo_id))
        assert photo_id not in matches(user_id, event)


def test_a_refused_photo_is_matched_by_nothing_until_it_is_taken_back(event: Event, face: DetectedFace) -> None:
    user_id, selfie_id, photo_id = matched(event, face, next(_numbers))
    others = set(matches(user_id, event)) - {photo_id}
    refusals.refuse(user_id, photo_id)
    refusals.refuse(user_id, photo_id)
    rematch(user_id, selfie_id, face)
    matrices.clear()
    rematch(user_id, selfie_id, face)
    service.record_photo(photo_id, ENGINE_ID, [face, face], held)
    newer = newer_selfie(user_id)
    service.accept_selfie(newer, ENGINE_ID, face.embedding, held)
    assert set(matches(user_id, event)) == others
    refusals.take_back(user_id, photo_id)
    assert set(matches(user_id, event)) == others | {photo_id}
    with reading() as session:
        kept = {match.photo_id: match for match in queries.matches_of(session, user_id, event.id)}
    assert (kept[photo_id].selfie_id, kept[photo_id].confidence_score) == (newer, 100.0)
    rematch(user_id, newer, face)
    assert set(matches(user_id, event)) == others | {photo_id}


def test_other_guests_keep_their_match_with_a_refused_photo(event: Event, face: DetectedFace) -> None:
    user_id, _, photo_id = matched(event, face, next(_numbers))
    other_id, _, _ = matched(event, face, next(_numbers))
    refusals.refuse(user_id, photo_id)
    service.record_photo(photo_id, ENGINE_ID, [face], held)
    assert photo_id in matches(other_id, event)
    assert photo_id not in matches(user_id, event)


def test_taking_back_a_refusal_of_a_photo_that_shows_somebody_else_matches_nothing(
    event: Event, face: DetectedFace
) -> None:
    user_id, _, photo_id = matched(event, face, next(_numbers))
    refusals.refuse(user_id, photo_id)
    (stranger,) = FakeEngine().detect(decode(people(2)))
    service.record_photo(photo_id, ENGINE_ID, [stranger], held)
    refusals.take_back(user_id, photo_id)
    assert photo_id not in matches(user_id, event)


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("moment", ["embedding", "matching"])
@pytest.mark.parametrize("leaving", ["withdraws", "erases"])
def test_who_leaves_while_a_selfie_is_accepted_leaves_nothing(
    event: Event, face: DetectedFace, monkeypatch: pytest.MonkeyPatch, moment: str, leaving: str, rounds: int
) -> None:
    name = {"embedding": "add_selfie_embeddings", "matching": "refused_photos"}[moment]
    meeting = [threading.Barrier(2)]
    for _ in range(rounds):
        user_id, _, _ = matched(event, face, next(_numbers))
        selfie_id = newer_selfie(user_id)
        with monkeypatch.context() as patch:
            meeting[0] = threading.Barrier(2)
            patch.setattr(queries, name, pausing(getattr(queries, name), meeting))
            together(
                partial(service.accept_selfie, selfie_id, ENGINE_ID, face.embedding, held),
                partial(leave, user_id, event, leaving),
            )
        assert matches(user_id, event) == []
        with reading() as session:
            assert queries.portrait_embeddings(session, user_id, event.id, ENGINE_ID) == []


def leave(user_id: int, event: Event, leaving: str) -> None:
    if leaving == "withdraws":
        consent.withdraw(user_id, event.id)
        return
    with reading() as session:
        user = account_queries.user(session, user_id)
    assert user is not None
    user.hashed_password = HASHED
    erase(user, PASSWORD)


def test_who_consents_again_while_a_selfie_is_accepted_is_matched(
    event: Event, face: DetectedFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id, _, photo_id = matched(event, face, next(_numbers))
    real = queries.selfie_of_member

    def change_of_mind(session: Any, selfie_id: int, event_id: int) -> Any:
        """Read the withdrawn consent, then let the guest give it again."""
        monkeypatch.setattr(queries, "selfie_of_member", real)
        with transaction() as other:
            other.execute(update(UserEvent).where(UserEvent.user_id == user_id).values(withdrawn_at=None))

    if get_engine().dialect.name == "sqlite":
        pytest.skip("there, nobody else writes while a selfie is matched")
    monkeypatch.setattr(queries, "selfie_of_member", change_of_mind)
    service.accept_selfie(newer_selfie(user_id), ENGINE_ID, face.embedding, held)
    assert photo_id in matches(user_id, event)
