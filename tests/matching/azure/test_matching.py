"""Guests and photos that Azure compares: the same matches in whatever order they come, and whatever fails between."""

import itertools

import pytest

from database import reading, transaction
from evaluation import service as evaluation
from events import service as events
from guests import joining
from guests.wordings import shown
from jobs import listing, queue, work
from matching import refusals
from matching.azure import keeping
from matching.azure.queries import OWNERLESS
from models import DONE, PENDING, REJECTED, Event, FaceMatch, Photo, RemoteFace, Selfie, User, UserEvent
from selfies import service as selfies
from selfies.service import SelfieFile
from testkit.azure_face_server import FaceServer
from testkit.builders import people
from tests.jobs.rows import guest_of, membership_of, row, send_photo
from tests.matching.azure.work import DECODER, erase, settle, work_once

_names = itertools.count(1)


def guest(event: Event) -> User:
    return guest_of(event, f"azure{next(_names)}")


def send_selfie(guest: User, *who: int, keep: bool = False) -> int:
    file = SelfieFile(people(*who), "image/jpeg")
    selfie_id = selfies.receive(guest, file, lambda each: selfies.store(each, DECODER), strict=True).id
    if keep:
        with transaction() as session:
            session.get_one(Selfie, selfie_id).keep = True
    return selfie_id


def scores(guest: User) -> dict[int, float]:
    """Return the score of each photo matched with the guest."""
    with reading() as session:
        found = session.query(FaceMatch).filter(FaceMatch.user_id == guest.id)
        return {each.photo_id: each.confidence_score for each in found}


@pytest.mark.parametrize("selfies_first", [True, pytest.param(False, marks=pytest.mark.long)])
def test_guests_find_their_photos_whichever_comes_last(event: Event, selfies_first: bool) -> None:
    guests = [guest(event) for _ in range(3)]
    photos = list[int]()

    def send_photos() -> None:
        photos.extend([send_photo(event, 1, 2), send_photo(event, 2), send_photo(event, 9)])

    def send_selfies() -> None:
        for number, each in enumerate(guests, 1):
            send_selfie(each, number)

    for step in (send_selfies, send_photos) if selfies_first else (send_photos, send_selfies):
        step()
        settle()
    assert [scores(each).keys() for each in guests] == [{photos[0]}, {photos[0], photos[1]}, set()]


@pytest.mark.long
def test_the_score_does_not_depend_on_the_order(event: Event) -> None:
    early, late = guest(event), guest(event)
    send_selfie(early, 5)
    settle()
    photo = send_photo(event, 5, 6)
    settle()
    before = scores(early)
    send_selfie(late, 5)
    settle()
    # The same portrait: two accounts of one person, who both get the photo, with one and the same score.
    assert scores(early) == scores(late) == before == {photo: before[photo]}


def test_a_further_portrait_finds_more_and_loses_nothing(event: Event) -> None:
    amy = guest(event)
    first, second = send_photo(event, 1), send_photo(event, 2)
    send_selfie(amy, 1)
    settle()
    assert scores(amy).keys() == {first}
    send_selfie(amy, 2, keep=True)
    settle()
    assert scores(amy).keys() == {first, second}
    send_selfie(amy, 2)
    settle()
    assert scores(amy).keys() == {second}


def test_a_guest_who_joins_another_event_is_found_there(event: Event) -> None:
    other = events.create(events.NewEvent("Other"))
    amy = guest(event)
    send_selfie(amy, 1)
    there = send_photo(other, 1, 3)
    settle()
    joining.join(amy.id, other.event_code, shown("fr"))
    settle()
    assert scores(amy).keys() == {there}
    from guests import removal

    removal.remove_event(other.id)
    erase()


def test_a_refusal_counts_at_once_and_asks_nobody(event: Event, server: FaceServer) -> None:
    amy, photo = guest(event), send_photo(event, 1)
    send_selfie(amy, 1)
    settle()
    asked = dict(server.state.calls)
    refusals.refuse(amy.id, photo)
    assert scores(amy) == {}
    refusals.take_back(amy.id, photo)
    assert scores(amy).keys() == {photo}
    assert server.state.calls == asked


def test_a_selfie_without_a_face_is_rejected_before_it_is_sent(event: Event, server: FaceServer) -> None:
    amy = guest(event)
    selfie_id = send_selfie(amy)
    settle()
    assert (row(Selfie, selfie_id).status, row(Selfie, selfie_id).detail) == (REJECTED, "SelfieNoFace")
    assert server.state.held() == []


def test_a_photo_without_faces_is_done(event: Event) -> None:
    photo = send_photo(event)
    settle()
    assert row(Photo, photo).status == DONE


def test_faces_are_where_they_are_in_the_original(event: Event) -> None:
    from cv2 import IMREAD_COLOR, imdecode, imencode, resize
    from numpy import frombuffer, uint8

    from photos import receiving

    small = imdecode(frombuffer(people(3), uint8), IMREAD_COLOR)
    assert small is not None
    large = resize(small, None, fx=10, fy=10)
    photo = receiving.receive(event, None, "large.jpg", bytes(imencode(".jpg", large)[1].tobytes())).id
    settle()
    assert boxes(photo) == [pytest.approx([600, 600, 1600, 1600], abs=20)]


def boxes(photo_id: int) -> list[list[float]]:
    from models import Face

    with reading() as session:
        return [each.box for each in session.query(Face).filter(Face.photo_id == photo_id)]


# --- what fails ------------------------------------------------------------------------------------


def test_while_azure_is_away_jobs_wait_and_say_why(event: Event, server: FaceServer) -> None:
    amy, photo = guest(event), send_photo(event, 1)
    selfie_id = send_selfie(amy, 1)
    server.state.faults.quota_spent = True
    for _ in range(3):
        work_once()
    selfie = row(Selfie, selfie_id)
    assert (selfie.status, selfie.attempts) == (PENDING, 0)
    assert row(Photo, photo).status == PENDING
    told = [each.error for each in listing.list_unfinished(10, event.id) if each.error]
    assert told
    assert all("quota" in each for each in told)
    server.state.faults.quota_spent = False
    forget_failures()
    settle()
    assert scores(amy).keys() == {photo}
    assert row(Selfie, selfie_id).error is None


def forget_failures() -> None:
    """Let calls be made at once again, as after the pause."""
    from azure_face.shared import face_service

    face_service.cache_clear()


@pytest.mark.parametrize("kind", [Selfie, Photo])
def test_an_attempt_that_died_after_adding_leaves_nothing_behind(
    event: Event, server: FaceServer, monkeypatch: pytest.MonkeyPatch, kind: type
) -> None:
    amy, photo = guest(event), send_photo(event, 1, 2)
    send_selfie(amy, 1)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(keeping, "record", die)
    held = queue.claim_next()
    while held is not None and held.kind is not kind:
        queue.fail(held, "left out")
        held = queue.claim_next()
    assert held is not None
    with pytest.raises(KeyboardInterrupt):
        work.attempt(held, DECODER)
    assert server.state.held()
    monkeypatch.undo()
    queue.release(held)
    for failed in (Selfie, Photo):
        with transaction() as session:
            for each in session.query(failed):
                assert isinstance(each, Selfie | Photo)
                each.requeue()
    settle()
    in_fifteen_minutes()
    erase()
    assert scores(amy).keys() == {photo}
    assert len(server.state.held()) == owned_faces() == 3


def owned_faces() -> int:
    """Return how many faces there have an owner here."""
    with reading() as session:
        return session.query(RemoteFace).filter(~OWNERLESS).count()


def in_fifteen_minutes() -> None:
    """Let the time pass in which a process may say what came of the faces it added."""
    from models import RemoteDoubt, utcnow

    with transaction() as session:
        for each in session.query(RemoteDoubt):
            each.due_at = utcnow()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["photos", "portraits"])
def test_a_list_that_is_gone_there_is_filled_again(event: Event, server: FaceServer, kind: str) -> None:
    amy, first = guest(event), send_photo(event, 1)
    send_selfie(amy, 1)
    settle()
    (name,) = [each for each in server.state.lists if each.endswith(kind)]
    del server.state.lists[name]
    second = send_photo(event, 1, 4)
    settle()
    assert scores(amy).keys() == {first, second}
    assert len(server.state.held()) == 4


def test_a_matching_without_news_makes_no_call(event: Event, server: FaceServer) -> None:
    amy, photo = guest(event), send_photo(event, 1)
    send_selfie(amy, 1)
    settle()
    asked = dict(server.state.calls)
    events.request_rematch(event.id)
    settle()
    assert row(UserEvent, membership_of(amy, event)).status == DONE
    assert scores(amy).keys() == {photo}
    assert server.state.calls == asked


def test_what_searches_found_is_evaluated_without_a_call(event: Event, server: FaceServer) -> None:
    amy, photo = guest(event), send_photo(event, 1, 2)
    send_photo(event, 7)
    send_selfie(amy, 1)
    settle()
    asked = dict(server.state.calls)
    number = evaluation.request(event.id, amy.id, "azure")
    settle()
    told = evaluation.show(number)
    assert (told.evaluation.status, told.evaluation.error) == (DONE, None)
    assert told.evaluation.result is not None
    assert [each["photo_id"] for each in told.evaluation.result["matched"]] == [photo]
    assert server.state.calls == asked
