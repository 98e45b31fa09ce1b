"""A guest who sends many selfies has at most one job waiting and one under way, and no file too many."""

import pytest

import storage
from database import reading
from events import service as events
from events.service import NewEvent
from jobs import work as jobs
from jobs.queue import claim_next
from models import DONE, PENDING, PROCESSING, Event, Selfie, User
from selfies import queries
from tests.jobs.rows import DECODER, claim, guest_of, send_photo, send_selfie

pytestmark = pytest.mark.usefixtures("quiet_database")


@pytest.fixture
def event() -> Event:
    return events.create(NewEvent("Wedding"))


def selfies_of(guest: User) -> list[tuple[int, str]]:
    """Return id and status of each selfie, oldest first; every one must have its file, and no other file is there."""
    with reading() as session:
        rows = session.query(Selfie).filter_by(user_id=guest.id).order_by(Selfie.id).all()
        keys = queries.all_keys(session, guest.id)
    for key in keys:
        assert storage.get(key)
    return [(row.id, row.status) for row in rows]


def test_a_newer_selfie_replaces_the_one_that_waits(event: Event) -> None:
    guest, other = guest_of(event, "amy"), guest_of(event, "ben")
    theirs = send_selfie(other, 2)
    first = send_selfie(guest, 1)
    with reading() as session:
        (key,) = queries.all_keys(session, guest.id)
    second = send_selfie(guest, 1)
    assert selfies_of(guest) == [(second, PENDING)]
    assert second > first
    with pytest.raises(storage.MissingObject):
        storage.get(key)
    assert selfies_of(other) == [(theirs, PENDING)]


def test_one_under_way_is_left_alone_and_photos_get_their_turn(event: Event) -> None:
    guest = guest_of(event, "zoe")
    while (before := claim_next()) is not None:
        jobs.run(before, DECODER)
    photo = send_photo(event, 1)
    send_selfie(guest, 1)
    under_way = claim()
    for _ in range(50):
        last = send_selfie(guest, 1)
    assert selfies_of(guest) == [(under_way.id, PROCESSING), (last, PENDING)]
    jobs.run(under_way, DECODER)
    jobs.run(claim(), DECODER)
    assert selfies_of(guest) == [(last, DONE)]
    assert claim().id == photo
