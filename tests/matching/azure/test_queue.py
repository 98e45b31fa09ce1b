"""A deletion while a guest is to be searched for does not keep the queue busy: the jobs behind are done."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from database import reading, transaction
from jobs import queue, work
from matching.azure.searches import queries as search_queries
from matching.claims import record
from matching.guest_matches import match_guest
from models import DONE, PENDING, Event, Photo, RemoteSearch, User, UserEvent, utcnow
from photos import service as photos
from settings import get_settings
from tests.jobs.rows import membership_of, row, send_photo
from tests.matching.azure.test_matching import guest, scores, send_selfie
from tests.matching.azure.work import DECODER, settle

ADMIN = User(user_type="admin")
# More jobs than there are here; each is done once or twice.
MOST_JOBS = 20


def do_jobs() -> None:
    for _ in range(MOST_JOBS):
        held = queue.claim_next()
        if held is None:
            return
        work.run(held, DECODER)


@pytest.mark.long
def test_a_guest_of_whom_all_photos_are_deleted_is_matched_and_the_next_photo_is_done(event: Event) -> None:
    amy = guest(event)
    send_selfie(amy, 1)
    settle()
    first = send_photo(event, 1, 5)
    settle()
    second = send_photo(event, 1, 6)
    held = queue.claim_next()
    assert held is not None
    assert held.kind is Photo
    work.run(held, DECODER)
    # Amy is to be searched for in a moment.
    assert row(UserEvent, membership_of(amy, event)).status == PENDING
    photos.remove(ADMIN, [first, second])
    third = send_photo(event, 2)
    try:
        do_jobs()
        assert row(Photo, third).status == DONE
        assert row(UserEvent, membership_of(amy, event)).status == DONE
        assert scores(amy) == {}
    finally:
        want_nothing()


def want_nothing() -> None:
    """Let the event be deleted, whatever came of the test."""
    with transaction() as session:
        for each in session.query(RemoteSearch):
            each.wanted = 0


def test_a_matching_that_is_outdated_again_leaves_the_others_their_turn(event: Event) -> None:
    amy, photo = guest(event), send_photo(event, 1)
    send_selfie(amy, 1)
    settle()
    membership = membership_of(amy, event)
    with transaction() as session:
        session.get_one(UserEvent, membership).requeue()
    settings = get_settings()
    before, settings.azure_face_gather_seconds = settings.azure_face_gather_seconds, 60
    try:
        with transaction() as session:
            for each in session.query(RemoteSearch):
                each.wanted = each.version + 1
        do_jobs()
        waits = row(UserEvent, membership)
        assert waits.status == PENDING
        assert waits.lease_until is not None
        assert waits.lease_until > utcnow() + timedelta(seconds=50)
    finally:
        settings.azure_face_gather_seconds = before
        want_nothing()
        with transaction() as session:
            session.get_one(UserEvent, membership).requeue()
    settle()
    assert scores(amy).keys() == {photo}


def test_a_portrait_that_is_not_searched_is_not_waited_for(event: Event) -> None:
    amy = guest(event)
    selfie = send_selfie(amy, 1)
    settle()
    with transaction() as session:
        for each in session.query(RemoteSearch):
            each.wanted = each.version + 1
    with reading() as session:
        assert search_queries.is_search_wanted(session, [selfie], event.id)
        assert not search_queries.is_search_wanted(session, [], event.id)
    want_nothing()


@pytest.mark.long
def test_which_guests_are_one_person_is_read_once_for_all_faces(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = guest(event), guest(event)
    for each in (one, other):
        send_selfie(each, 1)
    together = {send_photo(event, 1, 5), send_photo(event, 1, 6), send_photo(event, 1)}
    settle()
    reads = list[int]()
    read = search_queries.twins_in

    def counted(session: Session, event_id: int) -> set[tuple[int, int]]:
        reads.append(event_id)
        return read(session, event_id)

    monkeypatch.setattr(record, "twins_in", counted)
    with transaction() as session:
        match_guest(session, event, one.id)
    assert reads == [event.id]
    assert scores(one).keys() == scores(other).keys() == together
