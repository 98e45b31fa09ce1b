"""What happens between the steps of a selfie's acceptance; and what is kept of selfies that were refused."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy.orm import Session

import errors
import images
import storage
from database import reading, transaction
from events import progress
from events import queries as event_queries
from events import service as events
from events.service import NewEvent
from guests import consent, erasure, joining, portraits, removal
from guests.wordings import shown
from jobs import work as jobs
from models import DONE, Consent, Event, Photo, Selfie, User, UserEvent, utcnow
from photos.keys import storage_key
from selfies import service as selfies
from selfies.service import SelfieFile
from testkit.builders import people
from tests.conftest import DATABASES, fresh_database
from tests.jobs.rows import (
    DECODER,
    claim,
    columns,
    embeddings_of,
    found_by,
    guest_of,
    lose,
    matches_of,
    membership_of,
    row,
    send_photo,
    send_selfie,
    work,
)

Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture(scope="module", params=DATABASES)
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("acceptance"), JOB_BACKOFF_SECONDS="0"):
        yield


@pytest.fixture
def event(_database: None) -> Iterator[Event]:
    """An event; deleted with all its jobs afterwards."""
    made = events.create(NewEvent("Acceptance"))
    yield made
    removal.remove_event(made.id)


@pytest.fixture
def other(_database: None) -> Iterator[Event]:
    """A further event."""
    made = events.create(NewEvent("Other"))
    yield made
    with reading() as session:
        is_there = session.get(Event, made.id) is not None
    if is_there:
        removal.remove_event(made.id)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """A function that lets a step happen once, after the embedding is stored and before the event is held."""

    def arrange(step: Callable[[], object]) -> None:
        real = event_queries.lock_event

        def lock(session: Session, event_id: int) -> Any:
            # The transaction has sent no statement yet, so the step's own ones need not wait for it.
            monkeypatch.setattr(event_queries, "lock_event", real)
            step()
            return real(session, event_id)

        monkeypatch.setattr(event_queries, "lock_event", lock)

    return arrange


def gathering(event: Event) -> tuple[User, int]:
    """Make a guest of the event and a photo that shows person 1; return the guest and the photo's id."""
    guest, photo_id = guest_of(event), send_photo(event, 1)
    work()
    return guest, photo_id


def is_stored(key: str | None) -> bool:
    """Tell whether there are bytes under the key."""
    try:
        return key is not None and bool(storage.get(key))
    except storage.MissingObject:
        return False


# --- between the steps -----------------------------------------------------------------------------


def test_a_newer_selfie_accepted_meanwhile_wins(event: Event, meanwhile: Meanwhile) -> None:
    guest, _ = gathering(event)
    other_photo = send_photo(event, 2)
    work()
    older = send_selfie(guest, 1)
    held, key = claim(), row(Selfie, older).storage_key

    def accept_newer() -> None:
        send_selfie(guest, 2)
        work()

    meanwhile(accept_newer)
    jobs.attempt(held, DECODER)
    assert found_by(guest) == {other_photo}
    assert row(Selfie, older) is None
    assert not is_stored(key)


def test_a_selfie_that_was_surpassed_is_not_finished(event: Event, meanwhile: Meanwhile) -> None:
    guest, _ = gathering(event)
    older = send_selfie(guest, 1)
    held, key = claim(), row(Selfie, older).storage_key

    def surpass() -> None:
        newer = send_selfie(guest, 2)
        with transaction() as session:
            session.get_one(Selfie, newer).status = DONE

    meanwhile(surpass)
    jobs.attempt(held, DECODER)
    assert row(Selfie, older) is None
    assert not is_stored(key)
    assert is_stored(selfies.mine(guest.id).storage_key)


def test_a_newer_selfie_that_only_waits_does_not_hold_up_the_older(event: Event) -> None:
    guest, photo_id = gathering(event)
    older = send_selfie(guest, 1)
    held, newer = claim(), send_selfie(guest, 2)
    jobs.attempt(held, DECODER)
    assert found_by(guest) == {photo_id}
    assert (row(Selfie, older).status, row(Selfie, newer).status) == ("done", "pending")


def test_a_consent_withdrawn_meanwhile_leaves_nothing_of_the_selfie_there(
    event: Event, other: Event, meanwhile: Meanwhile
) -> None:
    guest, _ = gathering(event)
    elsewhere = send_photo(other, 1)
    joining.join(guest.id, other.event_code, shown("fr"))
    work()
    selfie_id = send_selfie(guest, 1)
    held = claim()
    meanwhile(lambda: consent.withdraw(guest.id, event.id))
    jobs.attempt(held, DECODER)
    assert row(Selfie, selfie_id).status == "done"
    assert (found_by(guest, event), found_by(guest, other)) == (set(), {elsewhere})
    assert embeddings_of(guest) == 1


def test_the_last_consent_withdrawn_meanwhile_erases_the_selfie_in_hand(event: Event, meanwhile: Meanwhile) -> None:
    guest, _ = gathering(event)
    selfie_id = send_selfie(guest, 1)
    held, key = claim(), row(Selfie, selfie_id).storage_key
    meanwhile(lambda: consent.withdraw(guest.id, event.id))
    jobs.attempt(held, DECODER)
    assert (row(Selfie, selfie_id), found_by(guest), embeddings_of(guest)) == (None, set(), 0)
    assert not is_stored(key)


def test_a_consent_withdrawn_while_a_selfie_is_stored_keeps_no_selfie(event: Event) -> None:
    guest, stored = guest_of(event), list[str]()

    def store(file: SelfieFile) -> selfies.StoredSelfie:
        found = selfies.store(file, DECODER)
        stored.append(found.storage_key)
        consent.withdraw(guest.id, event.id)
        return found

    with pytest.raises(errors.ConsentWithdrawn):
        selfies.receive(guest, SelfieFile(people(1), "image/jpeg"), store, strict=True, consent_in="fr")
    assert not any(is_stored(key) for key in stored)
    with reading() as session:
        assert session.query(Selfie).filter(Selfie.user_id == guest.id).count() == 0


def test_a_consent_withdrawn_while_the_account_is_erased_leaves_nothing(event: Event) -> None:
    for _ in range(4):
        guest, _ = gathering(event)
        selfie_id = send_selfie(guest, 1)
        work()
        key = row(Selfie, selfie_id).storage_key

        def withdraw(guest: User = guest) -> None:
            with suppress(errors.NotInEvent):
                consent.withdraw(guest.id, event.id)

        def erase(guest: User = guest) -> None:
            erasure.erase_guest(guest.id)

        with ThreadPoolExecutor(2) as pool:
            for each in [pool.submit(withdraw), pool.submit(erase)]:
                each.result(30)
        assert (row(Selfie, selfie_id), embeddings_of(guest)) == (None, 0)
        assert not is_stored(key)


def test_a_template_without_a_consent_is_compared_with_nothing(event: Event) -> None:
    guest, photo_id = gathering(event)
    send_selfie(guest, 1)
    work()
    assert found_by(guest) == {photo_id}
    # As no code does it: the consent ends, and the template stays.
    with transaction() as session:
        session.query(Consent).filter(Consent.user_id == guest.id).update({Consent.withdrawn_at: utcnow()})
    send_photo(event, 1)
    work()
    assert found_by(guest) == {photo_id}


def test_a_consent_given_again_meanwhile_is_followed(event: Event, other: Event, meanwhile: Meanwhile) -> None:
    guest, photo_id = gathering(event)
    joining.join(guest.id, other.event_code, shown("fr"))
    work()
    send_selfie(guest, 1)
    held = claim()

    def change_their_mind() -> None:
        consent.withdraw(guest.id, event.id)
        consent.give(guest.id, event.id, shown("fr"))

    meanwhile(change_their_mind)
    jobs.attempt(held, DECODER)
    work()
    assert found_by(guest) == {photo_id}
    later = send_photo(event, 1)
    work()
    assert found_by(guest) == {photo_id, later}


def test_an_event_joined_meanwhile_is_matched_before_the_selfie_is_done(
    event: Event, other: Event, meanwhile: Meanwhile
) -> None:
    guest, photo_id = gathering(event)
    elsewhere = send_photo(other, 1)
    work()
    send_selfie(guest, 1)
    held = claim()
    meanwhile(lambda: joining.join(guest.id, other.event_code, shown("fr")))
    jobs.attempt(held, DECODER)
    assert (found_by(guest, event), found_by(guest, other)) == ({photo_id}, {elsewhere})
    assert embeddings_of(guest) == 2


def test_a_lease_lost_meanwhile_leaves_the_end_to_the_next_holder(event: Event, meanwhile: Meanwhile) -> None:
    guest, photo_id = gathering(event)
    selfie_id = send_selfie(guest, 1)
    held, before = claim(), list[dict[str, Any]]()

    def lose_it() -> None:
        lose(held)
        claim()
        before.append(columns(Selfie, selfie_id))

    meanwhile(lose_it)
    jobs.attempt(held, DECODER)
    assert [columns(Selfie, selfie_id)] == before
    lose(held)
    jobs.attempt(claim(), DECODER)
    assert row(Selfie, selfie_id).status == "done"
    assert (found_by(guest), embeddings_of(guest)) == ({photo_id}, 1)


def test_a_selfie_erased_meanwhile_leaves_nothing(event: Event, meanwhile: Meanwhile) -> None:
    guest, _ = gathering(event)
    selfie_id = send_selfie(guest, 1)
    held, key = claim(), row(Selfie, selfie_id).storage_key
    meanwhile(lambda: portraits.remove_all(guest.id))
    jobs.attempt(held, DECODER)
    assert row(Selfie, selfie_id) is None
    assert (matches_of(guest), embeddings_of(guest), is_stored(key)) == (0, 0, False)


def test_an_event_deleted_meanwhile_does_not_hold_up_the_others(
    event: Event, other: Event, meanwhile: Meanwhile
) -> None:
    guest, photo_id = gathering(event)
    joining.join(guest.id, other.event_code, shown("fr"))
    selfie_id = send_selfie(guest, 1)
    held = claim()
    meanwhile(lambda: removal.remove_event(other.id))
    jobs.attempt(held, DECODER)
    assert row(Selfie, selfie_id).status == "done"
    assert found_by(guest, event) == {photo_id}


def test_a_rematch_with_a_selfie_that_was_replaced_meanwhile_matches_by_the_new_one(
    event: Event, meanwhile: Meanwhile
) -> None:
    guest, _ = gathering(event)
    other_photo = send_photo(event, 2)
    send_selfie(guest, 1)
    work()
    events.request_rematch(event.id)
    held = claim()

    def replace() -> None:
        send_selfie(guest, 2)
        work()

    meanwhile(replace)
    jobs.attempt(held, DECODER)
    assert row(UserEvent, membership_of(guest, event)).status == "done"
    assert found_by(guest) == {other_photo}


def test_a_rematch_of_a_guest_who_withdrew_meanwhile_finds_nothing(event: Event, meanwhile: Meanwhile) -> None:
    guest, _ = gathering(event)
    send_selfie(guest, 1)
    work()
    events.request_rematch(event.id)
    held = claim()
    meanwhile(lambda: consent.withdraw(guest.id, event.id))
    jobs.attempt(held, DECODER)
    assert row(UserEvent, membership_of(guest, event)).status == "done"
    assert (matches_of(guest), embeddings_of(guest)) == (0, 0)


def test_a_photo_of_an_event_deleted_before_its_renditions_leaves_no_file(
    event: Event, other: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo_id = send_photo(other, 1)
    held, name, real = claim(), row(Photo, photo_id).filename, images.renditions

    def delete_first(image: Any) -> Any:
        removal.remove_event(other.id)
        return real(image)

    monkeypatch.setattr(images, "renditions", delete_first)
    jobs.attempt(held, DECODER)
    assert row(Photo, photo_id) is None
    assert not any(is_stored(storage_key(other.id, name, size)) for size in ("original", "web", "thumb"))


# --- refused ---------------------------------------------------------------------------------------


def test_only_the_last_refused_selfie_is_remembered_beside_the_accepted_one(event: Event) -> None:
    guest, photo_id = gathering(event)
    accepted = send_selfie(guest, 1)
    work()
    refused = []
    for _ in range(3):
        refused.append(send_selfie(guest))
        work()
    with reading() as session:
        kept = {each.id: each.status for each in session.query(Selfie).filter(Selfie.user_id == guest.id)}
    assert kept == {accepted: "done", refused[-1]: "rejected"}
    last = row(Selfie, refused[-1])
    assert (last.storage_key, last.sha256, last.width, last.height) == (None, None, None, None)
    assert last.detail == "SelfieNoFace"
    assert found_by(guest) == {photo_id}


def test_a_refused_selfie_leaves_those_that_wait(event: Event) -> None:
    guest, _ = gathering(event)
    refused, under_way = send_selfie(guest), claim()
    waiting = send_selfie(guest, 1)
    jobs.attempt(under_way, DECODER)
    assert (row(Selfie, refused).status, row(Selfie, waiting).status) == ("rejected", "pending")


def test_an_accepted_selfie_forgets_the_refused_ones_before(event: Event) -> None:
    guest, _ = gathering(event)
    refused = send_selfie(guest)
    work()
    accepted = send_selfie(guest, 1)
    work()
    assert row(Selfie, refused) is None
    assert row(Selfie, accepted).status == "done"


def test_a_guest_whose_only_selfie_was_refused_counts_as_one_without(event: Event) -> None:
    guests = [guest_of(event, name) for name in ("amy", "ben", "cleo")]
    send_selfie(guests[0], 1)
    send_selfie(guests[1])
    work()
    found = progress.progress_of(event.id)
    assert (found.guests, found.guests_with_selfie) == (3, 1)
