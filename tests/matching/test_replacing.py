"""A selfie that replaces another in several events, and what happens between one event and the next."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy.orm import Session

from database import transaction
from faces.fake import ENGINE_ID
from guests.joining import join
from matching import rematching, service
from matching.queries import memberships_of
from models import PROCESSING
from tests.matching.scenes import PERSON, Scene, held, new_scene, stranger

NEW_FACE = stranger(50)
# The transactions of an acceptance in two events: embeddings, the first event, the second.
BEFORE_THE_SECOND_EVENT = 3


@pytest.fixture
def scene(quiet_database: None) -> Scene:
    """An event without guests and photos."""
    return new_scene()


def guest_of_two(scene: Scene, other: Scene) -> int:
    """Return a guest of both events with an accepted selfie."""
    guest = scene.guest()
    join(guest, other.event.event_code)
    scene.selfie(guest)
    return guest


def before_transaction(number: int, step: Callable[[], object]) -> Callable[[], AbstractContextManager[Session]]:
    """Return what opens transactions and takes this step just before the one with that number."""
    opened = 0

    def opening() -> AbstractContextManager[Session]:
        nonlocal opened
        opened += 1
        if opened == number:
            step()
        return transaction()

    return opening


def accept_meanwhile(
    scene: Scene, guest: int, monkeypatch: pytest.MonkeyPatch, number: int, step: Callable[[], object]
) -> None:
    """Accept a selfie with another face; take this step before the transaction with that number."""
    newer = scene.selfie_in_hand(guest)

    def once() -> None:
        monkeypatch.setattr(service, "transaction", transaction)
        step()

    monkeypatch.setattr(service, "transaction", before_transaction(number, once))
    service.accept_selfie(newer, ENGINE_ID, NEW_FACE, held)


def test_a_photo_that_comes_between_two_events_is_matched_with_the_newer_selfie(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_scene()
    guest = guest_of_two(scene, other)
    before = scene.photo(NEW_FACE)
    came: list[int] = []

    def bring() -> None:
        came.append(scene.photo(NEW_FACE))
        scene.photo(PERSON)

    accept_meanwhile(scene, guest, monkeypatch, BEFORE_THE_SECOND_EVENT, bring)
    assert set(scene.rows(guest)) == {before, *came}


def test_a_rematch_between_two_events_keeps_the_matches_of_the_newer_selfie(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_scene()
    guest = guest_of_two(scene, other)
    old, new = scene.photo(PERSON), scene.photo(NEW_FACE)
    assert set(scene.rows(guest)) == {old}

    def match_again() -> None:
        with transaction() as session:
            membership = next(each for each in memberships_of(session, guest) if each.event_id == scene.event.id)
            membership.status = PROCESSING
        (accepted,) = rematching.selfies_for_membership(membership.id, ENGINE_ID)
        assert accepted.embedding is not None
        rematching.rematch(membership.id, ENGINE_ID, {accepted.selfie.id: accepted.embedding}, held)

    accept_meanwhile(scene, guest, monkeypatch, BEFORE_THE_SECOND_EVENT, match_again)
    assert set(scene.rows(guest)) == {new}
