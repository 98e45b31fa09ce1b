"""Where templates of strangers are not kept, guests are found all the same: those who were there, and later ones."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

import errors
from database import reading, transaction
from ending import bystanders
from faces.fake import ENGINE_ID
from guests import consent, erasure
from jobs import control
from jobs import listing as job_list
from jobs import queue as job_queue
from matching import confirmations, state
from matching.redetecting import service as redetecting
from models import ADMIN, KEEP, NEVER, UNTIL_EXPIRY, Face, FaceMatch, Photo, Redetection, User, utcnow
from photos import service as photos
from settings import get_settings
from tests.matching.scenes import PERSON, face, stranger
from tests.matching.strangers import Strangers, searched_at_once, strangers_in
from tests.matching.test_arrival_order import BARELY, PAIR, SURE, TURNED_AWAY

ARRIVING = [(TURNED_AWAY,), PAIR, *((each, stranger(60)) for each in SURE), (stranger(90),), (BARELY, stranger(61))]
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def no_pause(quiet_database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from searched_at_once(monkeypatch)


def over(scene: Strangers) -> None:
    """Let the event have expired."""
    scene.change(expires_at=utcnow() - DAY)


def nothing(_: Strangers) -> None:
    """Change nothing."""


def found_in(scene: Strangers, then: Callable[[Strangers], None] = nothing) -> list[dict[int, float]]:
    """Return what is found for guests who send their portrait before, between and after the photos."""
    guests = [scene.guest() for _ in range(3)]
    then(scene)
    scene.selfie(guests[0])
    photo_ids = [scene.photo(*each) for each in ARRIVING[:2]]
    scene.selfie(guests[1])
    photo_ids += [scene.photo(*each) for each in ARRIVING[2:]]
    scene.selfie(guests[2])
    scene.search(calm=True)
    return [scene.shows(each, photo_ids) for each in guests]


@pytest.mark.parametrize(("mode", "then"), [(NEVER, nothing), (UNTIL_EXPIRY, over), (UNTIL_EXPIRY, nothing)])
def test_guests_have_the_same_photos_as_where_all_is_kept(mode: str, then: Callable[[Strangers], None]) -> None:
    wanted = found_in(strangers_in(KEEP))
    scene = strangers_in(mode)
    assert found_in(scene, then) == wanted
    faces, strangers = sum(map(len, ARRIVING)), 8
    keeps_all = mode == UNTIL_EXPIRY and then is nothing
    assert (scene.stored(), scene.unstored()) == ((faces, 0) if keeps_all else (faces - strangers, strangers))


def test_only_faces_of_guests_are_written() -> None:
    scene = strangers_in()
    scene.photo(PERSON, stranger(60))
    assert (scene.stored(), scene.unstored()) == (0, 2)
    scene.guest_with_selfie()
    scene.search()
    assert (scene.stored(), scene.unstored()) == (1, 1)
    scene.photo(stranger(61), face(0.35, 0.0, 62), PERSON)
    assert (scene.stored(), scene.unstored()) == (3, 2), "who may be the guest is asked about"


def test_strangers_count_for_the_thresholds_although_they_are_not_stored() -> None:
    results = []
    for mode in (KEEP, NEVER):
        scene = strangers_in(mode)
        guest = scene.guest_with_selfie()
        weak = scene.photo(face(0.42, 0.0, 70))
        found = [weak in scene.rows(guest)]
        # 0.42 is enough for one face, and not for 300.
        for number in range(6):
            scene.photo(*(stranger(20 + number) for _ in range(50)))
        scene.search(calm=True)
        results.append([*found, weak in scene.rows(guest), scene.photo(face(0.42, 0.0, 71)) in scene.rows(guest)])
        late = scene.guest_with_selfie()
        scene.search(calm=True)
        assert scene.listed(late) == []
    assert results == [[True, False, False]] * 2
    assert scene.stored() < 5


def test_erased_strangers_count_for_the_thresholds_too() -> None:
    scene = strangers_in(UNTIL_EXPIRY)
    guest = scene.guest()
    for number in range(6):
        scene.photo(*(stranger(20 + number) for _ in range(50)))
    over(scene)
    bystanders.sweep(utcnow())
    assert (scene.stored(), scene.unstored()) == (0, 300)
    weak = scene.photo(face(0.42, 0.0, 70))
    scene.selfie(guest)
    scene.search(calm=True)
    assert weak not in scene.rows(guest)


def test_a_late_guest_is_running_until_the_photos_are_searched() -> None:
    scene = strangers_in()
    photo_ids = [scene.photo(PERSON, stranger(60)), scene.photo(stranger(61)), scene.photo(PERSON)]
    guest = scene.guest_with_selfie()
    assert (state.state_of(guest).status, scene.waiting()) == ("running", photo_ids)
    assert scene.search() == 3
    assert (state.state_of(guest).status, state.state_of(guest).matched) == ("done", 2)
    # What means may find is looked for in the background.
    scene.let_calm_pass()
    redetecting.plan()
    assert scene.waiting() == photo_ids[:2]
    assert state.state_of(guest).status == "done"


def test_guests_who_come_meanwhile_share_a_pass() -> None:
    scene = strangers_in()
    photo_ids = [scene.photo(PERSON, stranger(60)) for _ in range(4)]
    guests = [scene.guest_with_selfie() for _ in range(3)]
    assert scene.search() == 4
    assert [scene.listed(each) for each in guests] == [sorted(photo_ids, reverse=True)] * 3


def test_a_guest_who_comes_while_a_photo_is_searched_has_it_searched_once_more() -> None:
    scene = strangers_in()
    photo_id = scene.photo(PERSON, stranger(60))
    first = scene.guest_with_selfie()
    claim = job_queue.claim_next()
    assert claim is not None
    second = scene.guest_with_selfie()
    redetecting.record(claim.id, ENGINE_ID, scene.faces[photo_id], claim.is_current)
    assert (state.state_of(first).status, state.state_of(second).status) == ("done", "running")
    assert scene.search() == 1
    assert state.state_of(second).status == "done"
    assert scene.listed(first) == scene.listed(second) == [photo_id]


def withdraw(scene: Strangers, guest: int, _: int) -> None:
    """Withdraw the guest's consent."""
    consent.withdraw(guest, scene.event.id)


def erase(_: Strangers, guest: int, __: int) -> None:
    """Erase the guest's account."""
    erasure.erase_guest(guest)


def trash(_: Strangers, __: int, photo_id: int) -> None:
    """Put the photo into the trash."""
    photos.remove(User(user_type=ADMIN), [photo_id])


def end_faces(scene: Strangers, _: int, __: int) -> None:
    """Let the erasure of the event's faces have begun."""
    scene.change(faces_ended_at=utcnow())


@pytest.mark.parametrize("taken_away", [withdraw, erase, trash, end_faces])
def test_a_search_under_way_stores_nothing_of_what_is_taken_away(
    taken_away: Callable[[Strangers, int, int], None],
) -> None:
    scene = strangers_in()
    photo_id = scene.photo(PERSON, stranger(60))
    guest = scene.guest_with_selfie()
    claim = job_queue.claim_next()
    assert claim is not None
    taken_away(scene, guest, photo_id)
    redetecting.record(claim.id, ENGINE_ID, scene.faces[photo_id], claim.is_current)
    assert scene.stored() == 0
    with reading() as session:
        assert session.query(FaceMatch).filter(FaceMatch.photo_id == photo_id).count() == 0
    # A new attempt has nothing to search in either, or finds no guest.
    scene.search(calm=True)
    assert (scene.stored(), scene.waiting()) == (0, [])


def test_no_photo_is_searched_again_within_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = strangers_in()
    scene.photo(PERSON, stranger(60))
    scene.guest_with_selfie()
    assert scene.search() == 1
    monkeypatch.setattr(get_settings(), "search_again_seconds", 30.0)
    second = scene.guest_with_selfie()
    assert scene.search() == 0
    assert state.state_of(second).status == "running"
    with transaction() as session:
        (job,) = session.query(Redetection).filter(Redetection.event_id == scene.event.id)
        assert timedelta(seconds=29) < (job.lease_until or utcnow()) - utcnow() < timedelta(seconds=31)
        job.lease_until = utcnow()
    assert scene.search() == 1
    assert len(scene.listed(second)) == 1


def test_photos_that_come_are_worked_on_first_and_events_take_turns() -> None:
    scenes = [strangers_in(), strangers_in()]
    for scene in scenes:
        for _ in range(3):
            scene.photo(stranger(60))
        scene.guest_with_selfie()
    with transaction() as session:
        arriving = session.get_one(Photo, scenes[0].photo_in_hand())
        arriving.status, arriving.attempts = "pending", 0
    claims = [job_queue.claim_next() for _ in range(5)]
    assert [each.kind for each in claims if each] == [Photo, *[Redetection] * 4]
    first, second = (scene.event.id for scene in scenes)
    with reading() as session:
        events = [session.get_one(Redetection, each.id).event_id for each in claims[1:] if each]
    assert events in ([first, second] * 2, [second, first] * 2)
    for each in claims:
        assert each is not None
        job_queue.release(each)
    with transaction() as session:
        session.get_one(Photo, arriving.id).status = "done"
    for scene in scenes:
        scene.faces.update(scenes[0].faces | scenes[1].faces)
    scenes[0].search()


def test_a_search_that_fails_is_told_and_can_be_repeated() -> None:
    scene = strangers_in()
    photo_id = scene.photo(PERSON, stranger(60))
    guest = scene.guest_with_selfie()
    claim = job_queue.claim_next()
    assert claim is not None
    job_queue.fail(claim, "MissingObject: gone")
    (failed,) = job_list.list_failed(10, scene.event.id)
    assert (failed.kind, failed.about) == ("redetections", "p.jpg")
    assert state.state_of(guest).status == "done", "nothing is searched any more"
    assert control.retry(Redetection, claim.id) == 1
    assert state.state_of(guest).status == "running"
    scene.search()
    assert scene.listed(guest) == [photo_id]


def test_a_replaced_portrait_finds_what_the_old_one_did_not() -> None:
    scene = strangers_in()
    photo_id = scene.photo(stranger(60), stranger(61))
    guest = scene.guest_with_selfie()
    scene.search(calm=True)
    assert scene.listed(guest) == []
    scene.selfie(guest, stranger(60))
    assert state.state_of(guest).status == "running"
    scene.search(calm=True)
    assert scene.listed(guest) == [photo_id]
    assert (scene.stored(), scene.unstored()) == (1, 1)


def test_an_event_that_keeps_all_again_has_all_after_a_search() -> None:
    scene = strangers_in()
    scene.photo(PERSON, stranger(60))
    scene.guest_with_selfie()
    scene.search(calm=True)
    scene.change(bystanders=KEEP)
    assert scene.unstored() == 1, "a setting alone brings nothing back"
    scene.guest_with_selfie()
    scene.search(calm=True)
    assert (scene.stored(), scene.unstored()) == (2, 0)
    assert scene.waiting() == []


def test_what_a_guest_confirms_stays_and_what_is_gone_is_said() -> None:
    scene = strangers_in(UNTIL_EXPIRY)
    scene.show_all()
    mine, other = scene.photo(stranger(60), stranger(61)), scene.photo(stranger(60), stranger(62))
    guest, another = scene.guest_with_selfie(), scene.guest()
    with reading() as session:
        user = session.get_one(User, guest)
        ids = {
            each.photo_id: each.id
            for each in session.query(Face).order_by(Face.id.desc())
            if each.photo_id in (mine, other)
        }
    confirmations.confirm(user, mine, ids[mine])
    over(scene)
    bystanders.sweep(utcnow())
    assert (scene.stored(), scene.unstored()) == (1, 3)
    assert scene.rows(guest)[mine][0] == ids[mine]
    with pytest.raises(errors.FaceNotKept):
        confirmations.confirm(user, other, ids[other])
    # Searched again, the face that was confirmed is still the guest's, and no other one.
    scene.selfie(another)
    scene.search(calm=True)
    assert (scene.stored(), scene.unstored()) == (1, 3)
    assert scene.rows(guest)[mine][0] == ids[mine]
    scene.look_again_at(mine)
    assert (scene.stored(), scene.unstored()) == (1, 3)
    assert mine in scene.rows(guest)
