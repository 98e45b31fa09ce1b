"""Guests are matched again when an event grows, on request, and after a change of their own."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from database import reading, transaction
from events.service import request_rematch
from faces.fake import ENGINE_ID
from guests.consent import give, withdraw
from guests.joining import join
from guests.portraits import remove_all
from guests.wordings import shown
from jobs.queue import Claim, claim_next, fail, release
from jobs.work import process_membership
from matching.queries import portrait_embeddings
from matching.refusals import refuse, take_back
from matching.rematching import rematch, selfies_for_membership
from matching.state import state_of
from models import ADMIN, DONE, FAILED, PENDING, Photo, User, UserEvent, utcnow
from photos.receiving import receive
from photos.service import remove
from settings import get_settings
from testkit.builders import people
from tests.jobs.rows import DECODER
from tests.matching.scenes import PERSON, Scene, face, new_scene, stranger

# With the 66th face the threshold rises from 0.40 to 0.42.
LAST_BEFORE_THE_STEP = 65
WEAK, STRONG = face(0.41, 0.0, 100), face(0.5, 0.0, 101)


@pytest.fixture
def scene(quiet_database: None) -> Scene:
    """An event without guests and photos."""
    return new_scene()


def work() -> int:
    """Do every membership that waits; return how many there were."""
    number = 0
    while (job := claim_next()) is not None:
        assert job.kind is UserEvent
        process_membership(job, DECODER)
        number += 1
    return number


def test_a_match_below_the_threshold_of_a_grown_event_goes(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    weak, strong = scene.photo(WEAK), scene.photo(STRONG)
    assert set(scene.rows(guest)) == {weak, strong}
    scene.photo(*(stranger(axis) for axis in range(10, 10 + LAST_BEFORE_THE_STEP - 2)))
    assert scene.membership(guest).status == DONE
    scene.photo(stranger(90))
    assert scene.membership(guest).status == PENDING
    assert state_of(guest).status == "done", "nobody asked for it, so nobody waits"
    assert work() == 1
    late = scene.guest_with_selfie()
    assert scene.rows(guest) == scene.rows(late)
    assert set(scene.rows(guest)) == {strong}


def test_an_event_that_grows_matches_its_guests_again_though_the_photo_shows_nobody(scene: Scene) -> None:
    guest = scene.guest()
    scene.photo(*(stranger(axis) for axis in range(10, 10 + LAST_BEFORE_THE_STEP + 1)))
    assert scene.membership(guest).status == PENDING
    assert work() == 1


# --- what made the mean goes -----------------------------------------------------------------------

SURE, IMPOSTOR, LIKE_THE_IMPOSTOR = face(0.6, 0.0, 102), face(0.45, -0.85, 103), face(0.3, -0.7, 104)


def test_what_a_refused_photo_brought_to_light_goes_with_it(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    sure, impostor, like = (scene.photo(each) for each in (SURE, IMPOSTOR, LIKE_THE_IMPOSTOR))
    assert set(scene.rows(guest)) == {sure, impostor, like}
    before = scene.rows(guest)
    refuse(guest, impostor)
    assert set(scene.rows(guest)) == {sure}
    # The same rows as if the photo had never been there.
    other = new_scene()
    twin = other.guest_with_selfie()
    other.photo(SURE)
    other.photo(LIKE_THE_IMPOSTOR)
    assert [score for _, score in other.rows(twin).values()] == [score for _, score in scene.rows(guest).values()]
    take_back(guest, impostor)
    assert scene.rows(guest) == before


def test_what_a_deleted_photo_brought_to_light_goes_with_it(scene: Scene) -> None:
    admin = User(id=0, user_type=ADMIN)
    guest, stranger_here = scene.guest_with_selfie(), scene.guest()
    scene.selfie(stranger_here, stranger(60))
    sure, impostor, _ = (scene.photo(each) for each in (SURE, IMPOSTOR, LIKE_THE_IMPOSTOR))
    shows_the_other = scene.photo(stranger(60))
    assert remove(admin, [impostor]) == 1
    assert state_of(guest).status == "done", "nobody asked for it, so nobody waits"
    assert work() == 1, "only who was in the photo"
    late = scene.guest_with_selfie()
    assert scene.rows(guest) == scene.rows(late)
    assert set(scene.rows(guest)) == {sure}
    assert set(scene.rows(stranger_here)) == {shows_the_other}


# --- asked again -----------------------------------------------------------------------------------


def change(user_id: int, **values: object) -> None:
    """Change the guest's membership."""
    with transaction() as session:
        session.execute(update(UserEvent).where(UserEvent.user_id == user_id).values(**values))


def give_up(user_id: int) -> None:
    """Leave the guest's matching as the last of its attempts does."""
    change(user_id, status=FAILED, attempts=get_settings().job_max_attempts, error="a fault", finished_at=utcnow())


def claimed() -> Claim:
    found = claim_next()
    assert found is not None
    return found


def test_a_failed_matching_has_all_its_attempts_when_it_is_asked_for_again(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    photo = scene.photo(PERSON)
    give_up(guest)
    assert state_of(guest).status == "error"
    assert request_rematch(scene.event.id) == 1
    assert state_of(guest).status == "queued"
    assert scene.membership(guest).error is None
    job = claimed()
    assert job.attempt == 1
    process_membership(job, DECODER)
    assert state_of(guest).status == "done"
    assert set(scene.rows(guest)) == {photo}


def test_a_failed_matching_has_all_its_attempts_after_a_new_consent(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    photo = scene.photo(PERSON)
    # With the last consent the selfie would be erased.
    join(guest, new_scene().event.event_code, shown("fr"))
    assert work() == 1
    withdraw(guest, scene.event.id)
    give_up(guest)
    assert work() == 0
    give(guest, scene.event.id, shown("fr"))
    job = claimed()
    assert job.attempt == 1
    (accepted,) = selfies_for_membership(job.id, ENGINE_ID)
    rematch(job.id, ENGINE_ID, {accepted.selfie.id: PERSON.tobytes()}, job.is_current)
    assert set(scene.rows(guest)) == {photo}


def test_a_failed_photo_has_all_its_attempts_when_it_is_sent_again(scene: Scene) -> None:
    sent = receive(scene.event, None, "p.jpg", people(1))
    with transaction() as session:
        spent = get_settings().job_max_attempts
        session.execute(
            update(Photo).where(Photo.id == sent.id).values(status=FAILED, attempts=spent, error="a fault")
        )
    assert receive(scene.event, None, "again.jpg", people(1)).id == sent.id
    job = claimed()
    assert (job.kind, job.id, job.attempt) == (Photo, sent.id, 1)
    release(job)
    receive(scene.event, None, "again.jpg", people(1))
    job = claimed()
    assert job.attempt == 1
    fail(job, "for the next test")


def test_consenting_twice_matches_nobody_again(scene: Scene) -> None:
    guest, without_selfie = scene.guest_with_selfie(), scene.guest()
    for _ in range(2):
        give(guest, scene.event.id, shown("fr"))
    assert work() == 0
    withdraw(without_selfie, scene.event.id)
    give(without_selfie, scene.event.id, shown("fr"))
    assert work() == 0, "there is nothing to match yet"


def test_withdrawing_twice_keeps_the_first_moment(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    withdraw(guest, scene.event.id)
    first = scene.membership(guest).withdrawn_at
    withdraw(guest, scene.event.id)
    assert scene.membership(guest).withdrawn_at == first


def test_a_rematch_asked_for_while_one_runs_follows_it(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    request_rematch(scene.event.id)
    job = claimed()
    # Asked for by a guest list of an admin: the row stays in hand.
    change(guest, requested_at=utcnow() + timedelta(hours=1))
    process_membership(job, DECODER)
    assert scene.membership(guest).status == PENDING
    assert state_of(guest).status == "queued"
    change(guest, requested_at=utcnow() - timedelta(seconds=1))
    assert work() == 1
    assert scene.membership(guest).status == DONE


def test_who_withdraws_while_a_rematch_runs_is_not_matched(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    scene.photo(PERSON)
    request_rematch(scene.event.id)
    job = claimed()
    (accepted,) = selfies_for_membership(job.id, ENGINE_ID)
    assert accepted.embedding is not None
    withdraw(guest, scene.event.id)
    rematch(job.id, ENGINE_ID, {accepted.selfie.id: accepted.embedding}, job.is_current)
    assert scene.rows(guest) == {}
    with reading() as session:
        assert portrait_embeddings(session, guest, scene.event.id, ENGINE_ID) == []


def test_who_erases_the_selfie_while_a_rematch_runs_is_not_matched(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    scene.photo(PERSON)
    request_rematch(scene.event.id)
    job = claimed()
    (accepted,) = selfies_for_membership(job.id, ENGINE_ID)
    assert accepted.embedding is not None
    remove_all(guest)
    rematch(job.id, ENGINE_ID, {accepted.selfie.id: accepted.embedding}, job.is_current)
    assert scene.rows(guest) == {}
    assert state_of(guest).status == "idle"
