"""Guests matched again: when an event grows, when somebody asks, and when they changed something themselves."""

import pytest
from sqlalchemy import update

from database import transaction
from faces.fake import FakeEngine
from jobs.queue import claim_next
from jobs.work import process_membership
from matching.refusals import refuse, take_back
from matching.state import state_of
from models import ADMIN, DONE, PENDING, User, UserEvent
from photos.service import remove
from tests.matching.scenes import Scene, face, new_scene, stranger

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
        process_membership(job, FakeEngine())
        number += 1
    return number


def change(scene: Scene, user_id: int, **values: object) -> None:
    """Change the guest's membership."""
    with transaction() as session:
        session.execute(update(UserEvent).where(UserEvent.user_id == user_id).values(**values))


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
