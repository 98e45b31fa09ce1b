"""Guests with several portraits, and guests who may be the same face."""

import numpy as np
import pytest

import errors
from database import reading, transaction
from events import queries as event_queries
from faces.engine import Embeddings
from guests import consent, portraits
from matching import confirmations, refusals
from matching.claims.queries import candidates_of
from matching.guest_matches import match_guest
from matching.service import accept_selfie
from models import User
from photos import service as photos
from tests.matching.scenes import PERSON, Scene, face, held, new_scene, stranger

# The guest with glasses: hardly similar to the first portrait.
GLASSES = face(0.30, 0.0, 40)


def like(person: Embeddings, cosine: float, axis: int) -> Embeddings:
    """Return a face with this cosine to a portrait; the rest lies on `axis`."""
    made = cosine * person
    made[axis] += np.sqrt(1 - cosine**2)
    return np.asarray(made, np.float32)


@pytest.fixture
def scene(quiet_database: None) -> Scene:
    """An event without guests and photos."""
    return new_scene()


def again(scene: Scene, user_id: int) -> None:
    """Match the guest again."""
    with transaction() as session:
        event = event_queries.lock_event(session, scene.event.id)
        assert event is not None
        match_guest(session, event, user_id)


def user(user_id: int) -> User:
    with reading() as session:
        return session.get_one(User, user_id)


def asked(scene: Scene, user_id: int) -> list[int]:
    """Return the faces that the guest is asked about."""
    return [each.maybe.face.id for each in confirmations.maybes_of(user_id, scene.event)]


def face_of(scene: Scene, user_id: int, photo_id: int) -> int | None:
    return scene.rows(user_id)[photo_id][0]


# --- several portraits -------------------------------------------------------------------------------


def test_a_further_portrait_adds_photos_and_takes_none_away(scene: Scene) -> None:
    plain, glasses = scene.photo(like(PERSON, 0.7, 50)), scene.photo(like(GLASSES, 0.7, 51))
    guest = scene.guest_with_selfie()
    assert set(scene.rows(guest)) == {plain}
    before = scene.rows(guest)[plain]
    scene.selfie(guest, GLASSES, keep=True)
    assert set(scene.rows(guest)) == {plain, glasses}
    assert scene.rows(guest)[plain] == before
    late = scene.photo(like(GLASSES, 0.6, 52))
    assert late in scene.rows(guest), "a photo that comes later is compared with both"


def test_each_photo_is_matched_by_the_portrait_that_is_most_similar(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    photo = scene.photo(like(PERSON, 0.6, 53))
    better = like(PERSON, 0.8, 53)
    scene.selfie(guest, better, keep=True)
    assert scene.rows(guest)[photo][1] > 80


def test_a_new_selfie_replaces_all_portraits(scene: Scene) -> None:
    plain, glasses = scene.photo(like(PERSON, 0.7, 50)), scene.photo(like(GLASSES, 0.7, 51))
    guest = scene.guest_with_selfie()
    scene.selfie(guest, GLASSES, keep=True)
    assert set(scene.rows(guest)) == {plain, glasses}
    scene.selfie(guest, stranger(60))
    assert scene.rows(guest) == {}
    assert len(portraits.portraits_of(guest)) == 1


def test_a_portrait_that_goes_takes_only_what_it_alone_has_found(scene: Scene) -> None:
    plain, glasses = scene.photo(like(PERSON, 0.7, 50)), scene.photo(like(GLASSES, 0.7, 51))
    guest = scene.guest_with_selfie()
    further = scene.selfie(guest, GLASSES, keep=True)
    (first, _) = portraits.portraits_of(guest)
    portraits.remove(guest, first.id)
    assert set(scene.rows(guest)) == {glasses}
    with pytest.raises(errors.NoSuchSelfie):
        portraits.remove(guest, first.id)
    scene.selfie(guest, PERSON, keep=True)
    assert set(scene.rows(guest)) == {plain, glasses}
    portraits.remove(guest, further)
    assert set(scene.rows(guest)) == {plain}
    (last,) = portraits.portraits_of(guest)
    portraits.remove(guest, last.id)
    assert scene.rows(guest) == {}


# --- whose face --------------------------------------------------------------------------------------


def test_of_two_guests_the_nearer_one_gets_the_face_in_whatever_order_they_came(scene: Scene) -> None:
    brother = like(PERSON, 0.45, 70)
    picture = like(PERSON, 0.8, 71)
    early = scene.guest()
    scene.selfie(early, brother)
    photo = scene.photo(np.asarray((picture + 0.3 * brother) / np.linalg.norm(picture + 0.3 * brother), np.float32))
    assert set(scene.rows(early)) == {photo}, "alone, the brother is found"
    guest = scene.guest_with_selfie()
    assert set(scene.rows(guest)) == {photo}
    assert scene.rows(early) == {}
    late = scene.guest()
    scene.selfie(late, brother)
    assert scene.rows(late) == {}
    assert asked(scene, late) == [], "nobody is asked about a face that is another guest's"


def test_two_who_are_equally_near_are_both_asked(scene: Scene) -> None:
    # Twins: so similar that the photo fits both.
    first, second = scene.guest(), scene.guest()
    one, other = like(PERSON, 0.7, 72), like(PERSON, 0.7, 73)
    scene.selfie(first, one)
    photo = scene.photo(PERSON)
    found = face_of(scene, first, photo)
    scene.selfie(second, other)
    assert scene.rows(first) == scene.rows(second) == {}
    assert asked(scene, first) == asked(scene, second) == [found]
    # The one who says so gets it, and the other is still asked.
    confirmations.confirm(user(first), photo, found or 0)
    assert set(scene.rows(first)) == {photo}
    assert asked(scene, first) == []
    assert asked(scene, second) == [found]
    refusals.refuse(second, photo)
    assert asked(scene, second) == []


def test_a_person_who_is_registered_twice_is_found_in_both_accounts(scene: Scene) -> None:
    first = scene.guest_with_selfie()
    photo = scene.photo(like(PERSON, 0.7, 74))
    second = scene.guest()
    scene.selfie(second, like(PERSON, 0.75, 75))
    assert set(scene.rows(first)) == set(scene.rows(second)) == {photo}


def leave(scene: Scene, guest: int, how: str) -> None:
    if how == "erases the portraits":
        portraits.remove_all(guest)
    else:
        consent.withdraw(guest, scene.event.id)


@pytest.mark.parametrize("how", ["erases the portraits", "withdraws"])
def test_when_the_nearer_guest_leaves_the_other_gets_the_face_back(scene: Scene, how: str) -> None:
    brother, guest = scene.guest(), scene.guest_with_selfie()
    photo = scene.photo(like(PERSON, 0.8, 76))
    scene.selfie(brother, like(PERSON, 0.51, 77))
    assert set(scene.rows(guest)) == {photo}
    assert scene.rows(brother) == {}
    leave(scene, guest, how)
    assert scene.membership(brother).status == "pending", "matched again in the background"
    again(scene, brother)
    assert set(scene.rows(brother)) == {photo}


# --- what guests say ---------------------------------------------------------------------------------


def test_a_face_below_the_threshold_is_asked_about_and_found_once_confirmed(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    day = np.eye(128, dtype=np.float32)[90]
    unsure = np.asarray(0.37 * PERSON + np.sqrt(1 - 0.37**2) * day, np.float32)
    photo, far = scene.photo(unsure), scene.photo(face(0.2, 0.0, 91))
    # Of the same day: like the unsure one, hardly like the portrait.
    alike = scene.photo(
        np.asarray(0.30 * PERSON + 0.85 * day + np.sqrt(1 - 0.09 - 0.7225) * stranger(92), np.float32)
    )
    assert scene.rows(guest) == {}
    (face_id,) = asked(scene, guest)
    confirmations.confirm(user(guest), photo, face_id)
    assert set(scene.rows(guest)) == {photo, alike}
    assert far not in scene.rows(guest)
    again(scene, guest)
    scene.selfie(guest, like(PERSON, 0.9, 93))
    assert photo in scene.rows(guest), "it sticks through rematches and new portraits"
    confirmations.take_back(guest, photo)
    assert photo not in scene.rows(guest)
    with pytest.raises(errors.NoSuchConfirmation):
        confirmations.take_back(guest, photo)


def test_a_confirmed_face_is_found_again_when_the_photos_faces_are_made_anew(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    photo = scene.photo(face(0.37, 0.0, 90))
    (face_id,) = asked(scene, guest)
    confirmations.confirm(user(guest), photo, face_id)
    scene.look_again(photo, face(0.36, 0.0, 90))
    assert face_of(scene, guest, photo) not in (None, face_id)


def test_claiming_a_stranger_reveals_nothing_of_theirs(scene: Scene) -> None:
    guest, victim = scene.guest_with_selfie(), scene.guest()
    scene.selfie(victim, stranger(94))
    photos = [scene.photo(like(stranger(94), 0.8, axis)) for axis in (95, 96)]
    face_id = face_of(scene, victim, photos[0])
    # A private event: the guest does not see the photo.
    with pytest.raises(errors.NoSuchPhoto):
        confirmations.confirm(user(guest), photos[0], face_id or 0)
    scene.show_all()
    with pytest.raises(errors.FaceOfAnother):
        confirmations.confirm(user(guest), photos[0], face_id or 0)
    portraits.remove_all(victim)
    # Now nobody is known to be it; the guest says so of a photo that all see, and learns no more.
    confirmations.confirm(user(guest), photos[0], face_id or 0)
    assert set(scene.rows(guest)) == {photos[0]}
    assert asked(scene, guest) == []
    with reading() as session:
        assert candidates_of(session, guest, scene.event) == {}
    assert scene.listed(guest) == [photos[0]]
    scene.show_all(seen=False)
    assert scene.listed(guest) == [], "what is only said shows no photo that the guest may not see"


def test_a_face_that_is_not_in_the_photo_or_not_there_is_refused(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    one, other = scene.photo(like(PERSON, 0.7, 97)), scene.photo(like(PERSON, 0.7, 98))
    elsewhere = face_of(scene, guest, other) or 0
    for face_id in (elsewhere, 999_999):
        with pytest.raises(errors.NoSuchFace):
            confirmations.confirm(user(guest), one, face_id)
    nobody = scene.guest()
    scene.show_all()
    with pytest.raises(errors.NoSelfie):
        confirmations.confirm(user(nobody), other, elsewhere)
    consent.withdraw(guest, scene.event.id)
    with pytest.raises(errors.ConsentWithdrawn):
        confirmations.confirm(user(guest), other, elsewhere)


def test_a_confirmed_face_stays_however_large_the_event_becomes(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    photo = scene.photo(face(0.38, 0.0, 50))
    confirmations.confirm(user(guest), photo, asked(scene, guest)[0])
    crowd = np.random.default_rng(1).standard_normal((1_200, 128)).astype(np.float32)
    crowd[:, 0] = 0
    crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)
    scene.photo(*crowd)
    again(scene, guest)
    assert scene.listed(guest) == [photo]


def test_a_confirmed_face_that_surely_is_another_guests_goes_to_them_whoever_came_first(scene: Scene) -> None:
    picture = like(PERSON, 0.38, 64)
    first = scene.guest_with_selfie()
    photo = scene.photo(picture)
    confirmations.confirm(user(first), photo, asked(scene, first)[0])
    owner = scene.guest()
    scene.selfie(owner, like(picture, 0.9, 65))
    assert scene.listed(owner) == [photo]
    assert scene.listed(first) == []


def test_what_a_photo_helped_to_find_goes_with_it_although_it_was_another_guests(scene: Scene) -> None:
    guest, rival = scene.guest_with_selfie(), scene.guest()
    scene.selfie(rival, like(PERSON, 0.3, 41))
    helped = scene.photo(face(0.55, 0.60, 41))
    found = scene.photo(face(0.30, 0.80, 42))
    assert set(scene.rows(guest)) == {found}
    assert set(scene.rows(rival)) == {helped}
    photos.remove(User(id=0, user_type="admin"), [helped])
    assert scene.membership(guest).status == "pending"
    again(scene, guest)
    assert scene.rows(guest) == {}


def test_a_refused_photo_stays_away_while_the_event_changes_to_another_engine(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    picture = like(PERSON, 0.55, 62)
    refused, contested = scene.photo(like(PERSON, 0.8, 61)), scene.photo(picture)
    # A portrait that only the new engine knows.
    accept_selfie(scene.selfie_in_hand(guest), "other-fake-colours", PERSON, held)
    assert set(scene.rows(guest)) == {refused, contested}
    refusals.refuse(guest, refused)
    nearer = scene.guest()
    scene.selfie(nearer, like(picture, 0.9, 63))
    assert refused not in scene.rows(guest)
