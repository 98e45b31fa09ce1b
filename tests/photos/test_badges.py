"""What badges give: the same photos in whatever order they come, are processed, deleted and corrected."""

import itertools
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import errors
from database import reading, transaction
from events import service as events
from faces.fake import ENGINE_ID
from guests import consent
from guests.erasure import erase_guest
from jobs.control import cancel
from jobs.queue import Claim, fail
from matching import refusals
from matching import service as matching
from models import Photo, User
from photos import service as photos
from photos.badges import codes, corrections
from photos.badges.service import follow_settings, own_badge
from photos.clocks import service as clocks
from photos.trash import service as trash
from photos.visible.queries import visible_to_guest
from photos.withheld.service import hide_photos_of
from tests.photos.badge_party import Party, camera, party, process_all

ORDERS = (8, pytest.param(120, marks=pytest.mark.long))


@pytest.fixture
def here(quiet_database: None) -> Party:
    return party()


def test_a_guest_without_consent_gets_exactly_the_series(here: Party) -> None:
    before = here.shot(-30)
    badge, first, second, late = (here.shot(at) for at in (0, 20, 100, 191))
    process_all(here, {badge: (here.code("ann"),)}, [before, badge, first, second, late])
    assert here.photos_of("ann") == [badge, first, second]
    assert here.photos_of("ben") == []


@pytest.mark.parametrize("rounds", ORDERS)
def test_the_order_of_processing_changes_nothing(here: Party, rounds: int) -> None:
    other_camera = camera(here.event)
    shots = [here.shot(at) for at in (0, 30, 60, 90, 120, 150)]
    badge, _, end_of_ann, both, group, last = shots
    foreign, of_other = here.shot(10, other_camera), here.shot(40, None)
    seen = {badge: (here.code("ann"),), both: (here.code("ben"), here.code("cam")), of_other: (here.code("cam"),)}
    every = [*shots, foreign, of_other]
    orders = list(itertools.islice(_shuffled(every), rounds))
    for order in orders:
        with transaction() as session:
            for each in every:
                photo = session.get_one(Photo, each)
                photo.status, photo.attempts = "processing", 1
        process_all(here, seen, order)
        assert here.photos_of("ann") == [badge, shots[1], end_of_ann]
        assert here.photos_of("ben") == [both, group, last]
        assert here.photos_of("cam") == [both, group, last, of_other]


def _shuffled(numbers: list[int]) -> Iterator[list[int]]:
    dice = random.Random(7)
    while True:
        yield dice.sample(numbers, len(numbers))


def test_two_processes_record_a_badge_and_its_photo_at_once(here: Party) -> None:
    badge, photo = here.shot(0), here.shot(10)
    code, start = here.code("ann"), threading.Barrier(2)

    def record(photo_id: int, seen: list[str]) -> bool:
        start.wait()
        return matching.record_photo(photo_id, ENGINE_ID, [], lambda _: True, seen_badges=seen)

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(record, badge, [code]), pool.submit(record, photo, [])]
        assert all(each.result(30) for each in jobs)
    assert here.photos_of("ann") == [badge, photo]


def test_a_photo_that_is_not_processed_yet_may_show_the_next_badge(here: Party) -> None:
    badge, next_badge, after = here.shot(0), here.shot(30), here.shot(60)
    process_all(here, {badge: (here.code("ann"),)}, [badge, after])
    assert here.photos_of("ann") == [badge]
    here.process(next_badge, here.code("ben"))
    assert (here.photos_of("ann"), here.photos_of("ben")) == ([badge], [next_badge, after])


def test_a_photo_whose_processing_fails_shows_no_badge(here: Party) -> None:
    badge, broken, after = here.shot(0), here.shot(30), here.shot(60)
    process_all(here, {badge: (here.code("ann"),)}, [badge, after])
    fail(Claim(Photo, broken, 2), "an attempt that is over")
    assert here.photos_of("ann") == [badge]
    fail(Claim(Photo, broken, 1), "not a picture")
    assert here.photos_of("ann") == [badge, broken, after]


def test_a_photo_whose_processing_is_cancelled_shows_no_badge(here: Party) -> None:
    badge, slow, after = here.shot(0), here.shot(30), here.shot(60)
    process_all(here, {badge: (here.code("ann"),)}, [badge, after])
    assert cancel(Photo, slow)
    assert here.photos_of("ann") == [badge, slow, after]


def test_badges_of_no_guest_here_give_nothing_and_end_the_series_before(here: Party) -> None:
    elsewhere, forged = party(), here.code("ben")[:-1]
    forged += "0" if here.code("ben")[-1] != "0" else "1"
    gone = here.code("gone")
    for strange in (elsewhere.code("eve"), forged, gone):
        start = here.shot(1000)
        badge, strangers, after = (here.shot(1000 + at) for at in (1, 30, 60))
        if strange == gone:
            erase_guest(here.guest("gone").id)
        process_all(here, {badge: (here.code("ann"),), strangers: (strange,)}, [start, badge, strangers, after])
        assert here.photos_of("ann")[-1] == badge
        assert here.photos_of("ben") == []
        photos.remove(here.photographer, [start, badge, strangers, after])
    assert elsewhere.photos_of("eve") == []


def test_codes_of_posters_are_no_badges() -> None:
    assert codes.number_in("https://photos.example.org/join?event_code=WEDDING", 1) is None
    assert codes.number_in("", 1) is None


def test_when_a_guest_is_erased_or_leaves_their_photos_are_given_to_no_other_guest(here: Party) -> None:
    badge, first, second_badge, second, third_badge, third = (here.shot(at) for at in range(0, 60, 10))
    seen = {badge: (here.code("ann"),), second_badge: (here.code("ben"),), third_badge: (here.code("cam"),)}
    process_all(here, seen, [badge, first, second_badge, second, third_badge, third])
    erase_guest(here.guest("ben").id)
    here.leave("cam")
    late = here.shot(35)
    here.process(late)
    follow(here)
    assert here.photos_of("ann") == [badge, first]
    assert {user for _, user, _, _ in here.given()} == {here.guest("ann").id}


def follow(here: Party) -> None:
    """Compute the whole event anew, as after a change of its setting."""
    events.update(here.event.id, {"badge_seconds": 91}, follow_settings)
    events.update(here.event.id, {"badge_seconds": 90}, follow_settings)


def test_the_trash_changes_nothing_for_the_photos_beside_and_a_restored_photo_is_as_before(here: Party) -> None:
    badge, middle, last = here.shot(0), here.shot(80), here.shot(160)
    process_all(here, {badge: (here.code("ann"),)}, [badge, middle, last])
    corrections.give(here.photographer, last, here.number("ben"))
    corrections.take(here.photographer, middle, here.number("ann"))
    before = here.given()
    photos.remove(here.photographer, [badge, middle, last])
    assert here.given() == set()
    trash.restore(here.photographer, last)
    here.process(last)
    # Although the badge and the photo between are in the trash.
    assert here.photos_of("ann") == here.photos_of("ben") == [last]
    for each, seen in ((middle, []), (badge, [here.code("ann")])):
        trash.restore(here.photographer, each)
        here.process(each, *seen)
    assert here.given() == before
    photos.remove(here.photographer, [middle])
    trash.erase_now(here.photographer, [middle])
    follow(here)
    assert here.photos_of("ann") == [badge, last]


def test_a_clock_that_is_corrected_keeps_the_series_and_takes_marks_along(here: Party) -> None:
    badge, photo = here.shot(0), here.shot(10)
    process_all(here, {badge: (here.code("ann"),)}, [badge])
    for shift in (86_400, -3600):
        clocks.shift_clock(here.photographer, here.event.id, here.camera, shift)
        assert here.photos_of("ann") == [badge]
    here.process(photo)
    assert here.photos_of("ann") == [badge, photo]
    photos.remove(here.photographer, [badge])
    clocks.shift_clock(here.photographer, here.event.id, here.camera, 0)
    late = here.shot(20)
    here.process(late)
    assert here.photos_of("ann") == [photo, late], "the mark of a deleted badge has moved too"


def test_the_gap_is_the_events_and_a_change_holds_at_once(here: Party) -> None:
    badge, photo = here.shot(0), here.shot(200)
    process_all(here, {badge: (here.code("ann"),)}, [badge, photo])
    assert here.photos_of("ann") == [badge]
    events.update(here.event.id, {"badge_seconds": 200}, follow_settings)
    assert here.photos_of("ann") == [badge, photo]
    events.update(here.event.id, {"badges": False}, follow_settings)
    late = here.shot(210)
    here.process(late)
    assert here.photos_of("ann") == [badge, photo], "what was given stays, and nothing follows"
    with pytest.raises(errors.NoBadges):
        own_badge(here.guest("ann").id, events.update(here.event.id, {}))


def test_where_badges_are_switched_off_staff_give_nothing_more_and_take_away(here: Party) -> None:
    badge, photo, late = here.shot(0), here.shot(10), here.shot(200)
    process_all(here, {badge: (here.code("ann"),)}, [badge, photo, late])
    number, lens = here.number("ann"), here.photographer
    corrections.give(lens, late, number)
    corrections.set_series(lens, photo, [])
    events.update(here.event.id, {"badges": False}, follow_settings)
    before = here.given()
    with pytest.raises(errors.NoBadges):
        corrections.give(lens, photo, number)
    with pytest.raises(errors.NoBadges):
        corrections.set_series(lens, photo, [number])
    with pytest.raises(errors.NoBadges):
        corrections.unset_series(lens, photo)
    assert here.given() == before
    assert here.photos_of("ann") == [badge, late]
    corrections.take(lens, late, number)
    assert here.photos_of("ann") == [badge]


def test_not_me_takes_a_photo_away_for_good_and_can_be_taken_back(here: Party) -> None:
    badge, photo = here.shot(0), here.shot(10)
    process_all(here, {badge: (here.code("ann"),)}, [badge, photo])
    ann = here.guest("ann").id
    refusals.refuse(ann, photo)
    with transaction() as session:
        session.get_one(Photo, photo).status = "processing"
    here.process(photo)
    follow(here)
    corrections.give(here.photographer, photo, here.number("ann"))
    assert here.photos_of("ann") == [badge]
    refusals.take_back(ann, photo)
    assert here.photos_of("ann") == [badge, photo]


def test_withdrawing_the_consent_leaves_the_photos_of_the_badge(here: Party) -> None:
    badge = here.shot(0)
    here.process(badge, here.code("ann"))
    consent.withdraw(here.guest("ann").id, here.event.id)
    assert here.photos_of("ann") == [badge]


def test_a_picture_of_a_badge_is_for_its_guest_alone(here: Party) -> None:
    badge, photo = here.shot(0), here.shot(10)
    process_all(here, {badge: (here.code("ann"),)}, [badge, photo])
    events.update(here.event.id, {"guests_see_all_photos": True})
    ann, ben = here.guest("ann").id, here.guest("ben").id
    assert seen_by(ann, badge, photo) == [badge, photo]
    assert seen_by(ben, badge, photo) == [photo]
    # Staff say that it is a photo like any.
    corrections.set_series(here.photographer, badge, [here.number("ann")])
    assert seen_by(ben, badge, photo) == [badge, photo]


def seen_by(user_id: int, *photo_ids: int) -> list[int]:
    with reading() as session:
        return [each for each in photo_ids if visible_to_guest(session, each, user_id) is not None]


def test_who_hides_the_photos_of_them_hides_those_of_the_badge_too(here: Party) -> None:
    badge, photo = here.shot(0), here.shot(10)
    codes_of_both = (here.code("ann"), here.code("ben"))
    process_all(here, {badge: codes_of_both}, [badge, photo])
    hide_photos_of(here.guest("ann").id, here.event.id)
    late = here.shot(20)
    here.process(late)
    assert (here.photos_of("ann"), here.photos_of("ben")) == ([badge, photo, late], [])
    corrections.take(here.photographer, photo, here.number("ann"))
    assert (here.photos_of("ann"), here.photos_of("ben")) == ([badge, late], [photo])


def test_staff_correct_a_series(here: Party) -> None:
    badge, *rest = (here.shot(at) for at in (0, 10, 20, 30))
    process_all(here, {badge: (here.code("ann"),)}, [badge, *rest])
    lens = here.photographer
    corrections.set_series(lens, rest[1], [here.number("ann"), codes.shown_number(here.number("ben")).lower()])
    assert (here.photos_of("ann"), here.photos_of("ben")) == ([badge, *rest], rest[1:])
    corrections.set_series(lens, rest[1], [])
    assert (here.photos_of("ann"), here.photos_of("ben")) == ([badge, rest[0]], [])
    corrections.unset_series(lens, rest[1])
    corrections.take(lens, rest[0], here.code("ann"))
    follow(here)
    assert here.photos_of("ann") == [badge, *rest[1:]]
    corrections.give(lens, rest[0], here.number("ann"))
    assert here.photos_of("ann") == [badge, *rest]
    found = corrections.badges_of(lens, rest[0])
    assert [(each.number, each.is_by_hand) for each in found.guests] == [(here.number("ann"), True)]


def test_only_staff_of_the_event_correct_and_only_with_a_badge_of_it(here: Party) -> None:
    photo, elsewhere = here.shot(0), party()
    with pytest.raises(errors.NoSuchPhoto):
        corrections.give(elsewhere.photographer, photo, here.number("ann"))
    for typed in (elsewhere.number("eve"), "", "0", "%", "\x00" * 8, here.guest("ann").username, "é" * 64):
        with pytest.raises(errors.NoSuchBadge):
            corrections.give(here.photographer, photo, typed)
        with pytest.raises(errors.NoSuchBadge):
            corrections.set_series(here.photographer, photo, [here.number("ann"), typed])
    assert here.given() == set()


def test_a_second_account_hands_its_photos_over(here: Party) -> None:
    badge, photo = here.shot(0), here.shot(10)
    process_all(here, {badge: (here.code("second"),)}, [badge, photo])
    first: User = here.guest("first")
    erase_guest(here.guest("second").id, first_account=first.id)
    assert here.photos_of("first") == [badge, photo]
    late = here.shot(20)
    here.process(late)
    assert here.photos_of("first") == [badge, photo, late]
