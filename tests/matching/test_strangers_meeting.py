"""Events without templates of strangers: portraits, photos and searches that meet, and a change of engine."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from database import reading, transaction
from ending import bystanders
from events import service as events
from events.bystanders import due_before
from events.service import NewEvent
from faces.fake import ENGINE_ID, OTHER_ENGINE_ID
from guests import removal
from jobs import queue as job_queue
from jobs import work
from matching import state
from matching.bystanders import queries
from matching.redetecting import service as redetecting
from matching.service import accept_selfie, record_photo
from models import NEVER, Event, Redetection, utcnow
from tests.jobs.rows import DECODER, send_photo
from tests.matching.engines import WHO, Ball, Process
from tests.matching.scenes import PERSON, held, stranger
from tests.matching.strangers import searched_at_once, side_by_side, strangers_in

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def no_pause(quiet_database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from searched_at_once(monkeypatch)


def _together(*steps: Callable[[], object]) -> None:
    start = threading.Barrier(len(steps))

    def run(step: Callable[[], object]) -> None:
        start.wait()
        step()

    with ThreadPoolExecutor(len(steps)) as pool:
        for each in [pool.submit(run, step) for step in steps]:
            each.result(30)


def test_a_portrait_a_photo_and_a_search_that_end_at_once_miss_nothing() -> None:
    """Whatever comes first, the guest has both photos once no search is left, and the state says so until then."""
    for _ in range(8):
        scene = strangers_in()
        old = scene.photo(PERSON, stranger(60))
        first = scene.guest_with_selfie()
        claim = job_queue.claim_next()
        while claim is not None and claim.kind is not Redetection:
            work.attempt(claim, DECODER)
            claim = job_queue.claim_next()
        assert claim is not None
        second = scene.guest()
        selfie_id, photo_id = scene.selfie_in_hand(second), scene.photo_in_hand()
        scene.faces[photo_id] = side_by_side([PERSON, stranger(61)])
        _together(
            partial(accept_selfie, selfie_id, ENGINE_ID, PERSON, held),
            partial(record_photo, photo_id, ENGINE_ID, scene.faces[photo_id], held),
            partial(redetecting.record, claim.id, ENGINE_ID, scene.faces[old], claim.is_current),
        )
        unsearched = bool(scene.waiting())
        assert state.state_of(second).status == ("running" if unsearched else "done")
        scene.search()
        assert state.state_of(second).status == "done"
        assert sorted(scene.listed(first)) == sorted(scene.listed(second)) == [old, photo_id]
        assert (scene.stored(), scene.unstored()) == (2, 2)


def test_a_killed_search_is_done_by_the_next_attempt() -> None:
    scene = strangers_in()
    photo_id = scene.photo(PERSON, stranger(60))
    guest = scene.guest_with_selfie()
    claim = next(each for each in iter(job_queue.claim_next, None) if each.kind is Redetection)
    with transaction() as session:
        session.get_one(Redetection, claim.id).lease_until = utcnow()
    assert state.state_of(guest).status == "running"
    again = next(each for each in iter(job_queue.claim_next, None) if each.kind is Redetection)
    assert again.attempt == 2
    redetecting.record(claim.id, ENGINE_ID, scene.faces[photo_id], claim.is_current)
    assert (scene.stored(), scene.unstored()) == (0, 2), "the first attempt is not current any more"
    redetecting.record(again.id, ENGINE_ID, scene.faces[photo_id], again.is_current)
    assert scene.listed(guest) == [photo_id]


# --- a change of engine ------------------------------------------------------------------------------


def _strangers(event: Event) -> int:
    """Return how many faces are stored that are no guest's, by either engine."""
    with reading() as session:
        event = session.get_one(Event, event.id)
        due = due_before(event, utcnow())
        assert due is not None
        return len(bystanders.without_twins(session, queries.faces_of_strangers(session, event.id, due, 1000)))


def test_an_event_without_strangers_changes_engines_and_stores_none(process: Process) -> None:
    ball = Ball(events.create(NewEvent("Ball", bystanders=NEVER)), [], {})
    ball.photos = [send_photo(ball.event, *who) for who in WHO]
    for name, person in (("amy", 1), ("ben", 2), ("cleo", 3)):
        ball.join(name, person)
    process.jobs()
    old = ball.matches()
    assert {each[:2] for each in old} == {
        ("amy", 0), ("amy", 1), ("amy", 5), ("ben", 1), ("ben", 2), ("cleo", 2), ("cleo", 5)
    }  # fmt: skip
    process.restart("other-fake")
    work.change_engines()
    for _ in WHO:
        assert process.jobs(1) == 1
        assert _strangers(ball.event) == 0
        bystanders.sweep(utcnow())
        assert {each[:2] for each in ball.matches()} == {each[:2] for each in old}
    assert ball.engine() == OTHER_ENGINE_ID
    bystanders.sweep(utcnow())
    process.change()
    bystanders.sweep(utcnow())
    assert {each[:2] for each in ball.matches()} == {each[:2] for each in old}
    assert ball.engines_stored() == {OTHER_ENGINE_ID}
    assert _strangers(ball.event) == 0
    removal.remove_event(ball.event.id)
