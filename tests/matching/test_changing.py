"""Another engine in the settings: events change to it photo by photo, and guests keep their matches meanwhile."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

import storage
from database import reading, transaction
from events import service as events
from events.service import NewEvent
from faces.fake import ENGINE_ID, OTHER_ENGINE_ID
from guests import joining, removal
from guests.wordings import shown
from jobs import control, work
from jobs import listing as job_list
from matching import confirmations, refusals
from matching import state as matching_state
from matching.changing import service as changing
from models import (
    FAILED,
    Confirmation,
    Event,
    Face,
    Photo,
    Reembedding,
    Selfie,
    User,
    UserEvent,
)
from photos.keys import storage_key
from photos.queries import Page
from photos.staff import queries as staff_queries
from selfies import service as selfies
from selfies.service import SelfieFile
from testkit.builders import people
from testkit.snapshot import Snapshot
from tests.conftest import snapshot_of
from tests.jobs.rows import DECODER, claim, found_by, guest_of, lose, send_photo, send_selfie
from tests.matching.engines import WHO, Ball, Process, ThirdEngine


def _ball(process: Process) -> Ball:
    made = Ball(events.create(NewEvent("Ball")), [], {})
    made.photos = [send_photo(made.event, *who) for who in WHO]
    for name, person in (("amy", 1), ("ben", 2), ("cleo", 3)):
        made.join(name, person)
    process.jobs()
    return made


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, quiet_database: None) -> Iterator[tuple[Ball, Snapshot]]:
    """An event of the first engine, all matched, and the way back to it."""
    with pytest.MonkeyPatch.context() as patch:
        process = Process(patch)
        process.restart("fake")
        ball = _ball(process)
    assert {each[:2] for each in ball.matches()} == {
        ("amy", 0), ("amy", 1), ("amy", 5), ("ben", 1), ("ben", 2), ("cleo", 2), ("cleo", 5)
    }  # fmt: skip
    for taken in snapshot_of(request):
        yield ball, taken


@pytest.fixture
def ball(made: tuple[Ball, Snapshot], process: Process) -> Ball:
    """The event as it was made."""
    found, taken = made
    taken.restore()
    return Ball(found.event, [*found.photos], {**found.guests})


def _state(guest: User) -> tuple[str, int]:
    found = matching_state.state_of(guest.id)
    return found.status, found.matched


def _replace_selfie(guest: User, *who: int) -> int:
    file = SelfieFile(people(*who), "image/jpeg")
    return selfies.receive(guest, file, lambda each: selfies.store(each, DECODER), strict=True).id


# --- the whole change --------------------------------------------------------------------------------


def test_old_matches_serve_until_the_new_are_complete_and_equal_those_of_a_fresh_event(
    process: Process, ball: Ball
) -> None:
    old = ball.matches()
    process.restart("other-fake")
    work.change_engines()
    for done in range(len(WHO)):
        (progress,) = changing.changes_to(OTHER_ENGINE_ID)
        assert progress == (ball.event.id, "Ball", done, len(WHO), 0)
        assert ball.matches() == old
        assert ball.engine() == ENGINE_ID
        with reading() as session:
            counts = [row.face_count for row in staff_queries.of_event(session, ball.event.id, Page())]
        assert counts[::-1] == [len(who) for who in WHO]
        assert process.jobs(1) == 1
    assert changing.changes_to(OTHER_ENGINE_ID) == []
    assert ball.engine() == OTHER_ENGINE_ID
    # Switched, and nobody is matched yet.
    assert {_state(each) for each in ball.guests.values()} == {("done", 3), ("done", 2)}
    assert ball.matches() == old
    assert process.jobs(1) == 1
    assert {each[:2] for each in ball.matches()} == {each[:2] for each in old}
    work.change_engines()
    assert ENGINE_ID in ball.engines_stored(), "two guests still have matches by the old engine"
    process.change()
    assert ball.engines_stored() == ball.looked_at_by() == {OTHER_ENGINE_ID}
    fresh = _ball(process)
    try:
        assert fresh.engine() == OTHER_ENGINE_ID
        assert ball.matches() == fresh.matches()
    finally:
        removal.remove_event(fresh.event.id)


def test_a_change_that_is_interrupted_anywhere_goes_on(process: Process, ball: Ball) -> None:
    old = ball.matches()
    process.restart("other-fake")
    work.change_engines()
    process.jobs(2)
    held = claim()
    lose(held)
    # Another process starts and looks at the photo again, with the others.
    process.change()
    with transaction() as session:
        assert session.scalars(select(Reembedding)).all() == []
    # The first one was only slow.
    work.attempt(held, process.decoder)
    process.change()
    assert {each[:2] for each in ball.matches()} == {each[:2] for each in old}
    with reading() as session:
        faces = session.scalars(select(Face.engine_id).where(Face.event_id == ball.event.id)).all()
    assert faces == [OTHER_ENGINE_ID] * sum(map(len, WHO))


def test_going_back_before_the_change_is_complete_keeps_what_was_found(process: Process, ball: Ball) -> None:
    old, faces = ball.matches(), _face_ids(ball)
    process.restart("other-fake")
    work.change_engines()
    process.jobs(3)
    ball.photos.append(send_photo(ball.event, 1, 2, 3))
    dan = ball.join("dan", 4)
    process.jobs(2)
    process.restart("fake")
    assert _state(dan) == ("running", 0)
    process.change()
    assert _state(dan) == ("done", 1)
    assert ball.engine() == ENGINE_ID
    assert ball.engines_stored() == ball.looked_at_by() == {ENGINE_ID}
    # Only the photo that came meanwhile is looked at again.
    assert _face_ids(ball)[: len(faces)] == faces
    new = {(name, len(WHO), 100.0, False) for name in ("amy", "ben", "cleo")} | {("dan", 3, 100.0, False)}
    assert ball.matches() == old | new


def _face_ids(ball: Ball) -> list[int]:
    with reading() as session:
        found = select(Face.id).where(Face.event_id == ball.event.id, Face.engine_id == ENGINE_ID).order_by(Face.id)
        return list(session.scalars(found))


def test_another_engine_on_the_way_and_back_again_after_the_switch(process: Process, ball: Ball) -> None:
    old = ball.matches()
    process.restart("other-fake")
    work.change_engines()
    process.jobs(3)
    process.restart("third")
    process.change()
    assert ball.engines_stored() == ball.looked_at_by() == {ThirdEngine.engine_id}
    assert {each[:2] for each in ball.matches()} == {each[:2] for each in old}
    # Back while guests are still being matched by the third.
    process.restart("other-fake")
    work.change_engines()
    process.jobs(len(WHO) + 1)
    process.restart("fake")
    process.change()
    assert ball.engines_stored() == ball.looked_at_by() == {ENGINE_ID}
    assert ball.matches() == old


def test_an_event_without_photos_changes_at_once_and_one_of_the_engine_never(process: Process) -> None:
    empty, same = events.create(NewEvent("Empty")), events.create(NewEvent("Same"))
    with transaction() as session:
        session.execute(update(Event).where(Event.id == same.id).values(active_engine_id=OTHER_ENGINE_ID))
    process.restart("other-fake")
    work.change_engines()
    with reading() as session:
        both = session.scalars(select(Event).where(Event.id.in_((empty.id, same.id))))
        found = {event.id: (event.active_engine_id, event.version) for event in both}
    assert found == {empty.id: (OTHER_ENGINE_ID, 2), same.id: (OTHER_ENGINE_ID, 1)}
    for event in (empty, same):
        removal.remove_event(event.id)


# --- what comes meanwhile ----------------------------------------------------------------------------


def test_photos_and_portraits_that_come_meanwhile_are_matched_at_the_switch(process: Process, ball: Ball) -> None:
    process.restart("other-fake")
    work.change_engines()
    dan = ball.join("dan", 4)
    ball.photos.append(send_photo(ball.event, 4, 1))
    # The selfie and the photo go before the photos that are looked at again.
    process.jobs(2)
    assert _state(dan) == ("running", 0)
    assert found_by(ball.guests["amy"]) == {ball.photos[place] for place in (0, 1, 5)}
    assert _state(ball.guests["amy"]) == ("done", 3)
    process.jobs(len(WHO))
    assert ball.engine() == OTHER_ENGINE_ID
    assert _state(dan) == ("queued", 0), "nobody may be told that nothing was found"
    process.change()
    assert _state(dan) == ("done", 2)
    assert found_by(dan) == {ball.photos[3], ball.photos[6]}
    assert ball.photos[6] in found_by(ball.guests["amy"])


def test_a_portrait_that_is_replaced_meanwhile_hands_its_matches_on(process: Process, ball: Ball) -> None:
    amy = ball.guests["amy"]
    old = found_by(amy)
    process.restart("other-fake")
    work.change_engines()
    new = _replace_selfie(amy, 2)
    process.jobs(1)
    assert _state(amy) == ("running", 3)
    assert found_by(amy) == old
    with reading() as session:
        assert session.scalars(select(Selfie.id).where(Selfie.user_id == amy.id)).all() == [new]
    process.change()
    assert _state(amy) == ("done", 2)
    assert found_by(amy) == {ball.photos[1], ball.photos[2]}


def test_a_guest_who_joins_meanwhile_finds_photos_by_the_portrait_of_another_event(
    process: Process, ball: Ball
) -> None:
    other = events.create(NewEvent("Other"))
    try:
        guest = guest_of(other, "eve")
        send_selfie(guest, 5)
        process.jobs()
        process.restart("other-fake")
        work.change_engines()
        ball.guests["eve"] = guest
        joining.join(guest.id, ball.event.event_code, shown("fr"))
        # The other event has no photos and is changed: the guest is matched again there first.
        process.jobs(2)
        assert found_by(guest, ball.event) == {ball.photos[5]}
        process.change()
        assert found_by(guest, ball.event) == {ball.photos[5]}
    finally:
        process.change()
        removal.remove_event(other.id)


def test_what_a_process_with_the_settings_before_does_after_the_switch_is_done_again(
    process: Process, ball: Ball
) -> None:
    process.restart("other-fake")
    work.change_engines()
    process.jobs(len(WHO))
    assert ball.engine() == OTHER_ENGINE_ID
    # It takes a guest's matching, a photo and a portrait, and ends.
    process.restart("fake")
    dan = ball.join("dan", 1)
    process.jobs(4)
    ball.photos.append(send_photo(ball.event, 1))
    process.jobs(1)
    process.restart("other-fake")
    process.change()
    assert ball.engines_stored() == ball.looked_at_by() == {OTHER_ENGINE_ID}
    wanted = {ball.photos[place] for place in (0, 1, 5, 6)}
    assert found_by(ball.guests["amy"]) == found_by(dan) == wanted
    assert found_by(ball.guests["cleo"]) == {ball.photos[2], ball.photos[5]}


def test_a_matching_that_fails_keeps_the_old_matches_until_it_is_tried_again(process: Process, ball: Ball) -> None:
    amy = ball.guests["amy"]
    old = found_by(amy)
    with reading() as session:
        key = session.scalars(select(Selfie.storage_key).where(Selfie.user_id == amy.id)).one() or ""
    portrait = storage.get(key)
    storage.delete([key])
    process.restart("other-fake")
    process.change()
    assert (ball.engine(), found_by(amy)) == (OTHER_ENGINE_ID, old)
    storage.put(key, portrait)
    assert control.retry(UserEvent, None) == 1
    process.change()
    assert found_by(amy) == old
    assert ball.engines_stored() == {OTHER_ENGINE_ID}


# --- what cannot be read, and what guests have said --------------------------------------------------


def test_a_photo_that_cannot_be_read_any_more_holds_nothing_up_and_can_be_retried(
    process: Process, ball: Ball
) -> None:
    with reading() as session:
        photo = session.get_one(Photo, ball.photos[0])
    key = storage_key(ball.event.id, photo.filename, "original")
    original = storage.get(key)
    storage.delete([key])
    process.restart("other-fake")
    process.change()
    assert ball.engine() == OTHER_ENGINE_ID
    assert found_by(ball.guests["amy"]) == {ball.photos[1], ball.photos[5]}
    (failed,) = job_list.list_failed(10)
    assert (failed.kind, failed.about, failed.event_id) == ("reembeddings", "p.jpg", ball.event.id)
    assert failed.error is not None
    assert failed.error.startswith("MissingObject")
    with reading() as session:
        assert session.get_one(Photo, photo.id).status == "done"
    storage.put(key, original)
    assert control.retry(Reembedding, failed.id) == 1
    process.change()
    assert found_by(ball.guests["amy"]) == {ball.photos[0], ball.photos[1], ball.photos[5]}
    assert job_list.list_failed(10) == []


def test_a_photo_in_which_a_failed_job_is_cancelled_holds_nothing_up(process: Process, ball: Ball) -> None:
    process.restart("other-fake")
    work.change_engines()
    process.jobs(len(WHO) - 1)
    assert control.cancel(Reembedding, claim().id)
    (progress,) = changing.changes_to(OTHER_ENGINE_ID)
    assert (progress.done, progress.total, progress.failed) == (len(WHO) - 1, len(WHO), 1)
    work.change_engines()
    assert ball.engine() == OTHER_ENGINE_ID
    process.change()
    with transaction() as session:
        job = session.scalars(select(Reembedding)).one()
        assert job.status == FAILED
        session.delete(job)


def test_what_guests_have_confirmed_and_refused_sticks(process: Process, ball: Ball) -> None:
    amy, dan = ball.guests["amy"], ball.join("dan", 6)
    process.jobs()
    with transaction() as session:
        session.execute(update(Event).where(Event.id == ball.event.id).values(guests_see_all_photos=True))
    with reading() as session:
        by_photo = {
            photo: session.scalars(select(Face.id).where(Face.photo_id == photo).order_by(Face.id)).all()
            for photo in ball.photos
        }
    confirmations.confirm(amy, ball.photos[1], by_photo[ball.photos[1]][0])
    # Of a person whom the portrait does not resemble, in a photo that all guests see.
    confirmations.confirm(dan, ball.photos[3], by_photo[ball.photos[3]][0])
    refusals.refuse(amy.id, ball.photos[0])
    with transaction() as session:
        # A confirmation of a face that the new engine does not find.
        box = [5000.0, 5000.0, 10.0, 10.0]
        session.add(Confirmation(user_id=dan.id, photo_id=ball.photos[4], box=box))
    process.restart("other-fake")
    process.change()
    said = {each[:2] + each[3:] for each in ball.matches() if each[0] in ("amy", "dan")}
    assert said == {("amy", 1, False), ("amy", 5, False), ("dan", 3, True), ("dan", 4, True)}
    with reading() as session:
        known = session.scalars(select(Confirmation).order_by(Confirmation.photo_id)).all()
        faces = [session.get(Face, each.face_id) if each.face_id else None for each in known]
    assert [face.engine_id if face else None for face in faces] == [OTHER_ENGINE_ID, OTHER_ENGINE_ID, None]


def test_a_guest_whose_portrait_the_new_engine_cannot_read_has_what_a_fresh_event_would_give(
    process: Process, ball: Ball
) -> None:
    amy = ball.guests["amy"]
    with reading() as session:
        selfie = session.scalars(select(Selfie).where(Selfie.user_id == amy.id)).one()
    assert selfie.storage_key is not None
    storage.put(selfie.storage_key, people())
    process.restart("other-fake")
    process.change()
    assert found_by(amy) == set()
    assert found_by(ball.guests["ben"]) == {ball.photos[1], ball.photos[2]}
    assert ball.engines_stored() == {OTHER_ENGINE_ID}
    with reading() as session:
        statuses = set(session.scalars(select(UserEvent.status).where(UserEvent.event_id == ball.event.id)))
    assert statuses == {"done"}
