"""Jobs are claimed once, retried after an error, failed with a reason, and recorded once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import images
import storage
import tracing
from accounts import service as accounts
from accounts.service import NewAccount
from database import reading, transaction
from decoding.decoder import InThisProcess
from events import service as events
from events.service import NewEvent
from faces.fake import FakeEngine
from guests import joining, removal
from guests.wordings import shown
from jobs import kinds as job_kinds
from jobs import queue as job_queue
from jobs import sweep
from jobs import work as jobs
from matching import queries as matching_queries
from models import Event, Face, FaceMatch, Photo, Selfie, User, UserEvent, utcnow
from photos import receiving
from photos import service as photos
from photos.keys import storage_key
from photos.queries import Page
from photos.trash import service as trash
from selfies import service as selfies
from testkit.builders import people
from testkit.passwords import PASSWORD
from tests.conftest import fresh_database
from tests.jobs.rows import claim, guest_of, send_photo, send_selfie

ENGINE = FakeEngine()
DECODER = InThisProcess(lambda: ENGINE)


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder: Path = tmp_path_factory.mktemp("jobs")
    with fresh_database(request, folder, JOB_BACKOFF_SECONDS="0", JOB_MAX_ATTEMPTS="3"):
        yield


@pytest.fixture
def event(_database: None) -> Iterator[Event]:
    """An event on a database without a job thread; removed with all its jobs afterwards."""
    made = events.create(NewEvent("Jobs"))
    yield made
    removal.remove_event(made.id)


def work() -> None:
    while (held := job_queue.claim_next()) is not None:
        jobs.run(held, DECODER)


def row(kind: job_kinds.JobRow, row_id: int) -> Any:
    with reading() as session:
        return session.get(kind, row_id)


def found_by(guest: User) -> set[int]:
    return {each[0].id for each in photos.photos_with(guest, None, Page()).rows}


def test_a_job_logs_under_the_id_of_the_request_that_asked_for_it(event: Event) -> None:
    with tracing.request_id("the-request"):
        send_photo(event, 1)
    assert claim().request_id == "the-request"


def test_selfies_go_first(event: Event) -> None:
    photo_id = send_photo(event, 1)
    selfie_id = send_selfie(guest_of(event), 1)
    assert [(held.kind, held.id) for held in (claim(), claim())] == [(Selfie, selfie_id), (Photo, photo_id)]
    assert job_queue.claim_next() is None


def test_many_claimers_get_each_job_once(event: Event) -> None:
    wanted = {send_photo(event, number) for number in range(12)}
    start = threading.Barrier(4)

    def claim_all() -> list[int]:
        start.wait()
        return [held.id for held in iter(job_queue.claim_next, None)]

    with ThreadPoolExecutor(4) as pool:
        claimed = [row_id for each in [pool.submit(claim_all) for _ in range(4)] for row_id in each.result()]
    assert sorted(claimed) == sorted(wanted)


def test_a_lease_that_ran_out_is_claimed_again_and_the_first_holder_records_nothing(event: Event) -> None:
    guest = guest_of(event)
    send_selfie(guest, 1)
    work()
    photo_id = send_photo(event, 1)
    first = claim()
    with transaction() as session:
        photo = matching_queries.lock_photo(session, photo_id)
        assert photo is not None
        photo.lease_until = utcnow() - timedelta(seconds=1)
    second = claim()
    assert (second.id, second.attempt) == (first.id, 2)
    jobs.run(first, DECODER)
    assert row(Photo, photo_id).status == "processing"
    assert found_by(guest) == set()
    jobs.run(second, DECODER)
    assert row(Photo, photo_id).status == "done"
    assert found_by(guest) == {photo_id}


def test_a_heartbeat_keeps_a_long_job(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    send_photo(event, 1)
    held = claim()
    before = row(Photo, held.id).lease_until
    job_queue.extend_lease(held)
    assert row(Photo, held.id).lease_until > before


def test_a_job_run_twice_leaves_the_same_rows(event: Event) -> None:
    guest = guest_of(event)
    send_selfie(guest, 1)
    photo_id = send_photo(event, 1, 2, 1)
    work()
    with reading() as session:
        before = len(matching_queries.matches_of(session, guest.id, event.id))
    with transaction() as session:
        photo = matching_queries.lock_photo(session, photo_id)
        assert photo is not None
        photo.status = "pending"
    work()
    with reading() as session:
        faces = session.query(Face).filter(Face.photo_id == photo_id).count()
        matches = session.query(FaceMatch).filter(FaceMatch.photo_id == photo_id).count()
    assert (before, matches, faces) == (1, 1, 3)


def test_a_fault_is_retried_and_the_last_one_keeps_its_reason(event: Event) -> None:
    class Broken(FakeEngine):
        def detect(self, image: Any, **_: Any) -> Any:
            raise RuntimeError("the lens cap was on")

    photo_id = send_photo(event, 1)
    for attempt in (1, 2, 3):
        held = claim()
        assert held.attempt == attempt
        jobs.run(held, InThisProcess(Broken))
    photo = row(Photo, photo_id)
    assert (photo.status, photo.attempts) == ("failed", 3)
    assert "the lens cap was on" in photo.error
    assert job_queue.claim_next() is None


def test_a_photo_that_cannot_be_decoded_fails_at_once_with_its_reason(event: Event) -> None:
    photo_id = send_photo(event, 1)
    photo = row(Photo, photo_id)
    storage.put(f"photos/{event.id}/original/{photo.filename}", b"bytes that rotted")
    jobs.run(claim(), DECODER)
    photo = row(Photo, photo_id)
    assert photo.status == "failed"
    assert photo.error


def test_a_failed_photo_that_is_sent_again_is_tried_again(event: Event) -> None:
    photo_id = send_photo(event, 1)
    job_queue.fail(claim(), "the disk was away")
    again = receiving.receive(event, None, "p.jpg", people(1))
    assert (again.id, again.duplicate) == (photo_id, True)
    work()
    assert row(Photo, photo_id).status == "done"


@pytest.mark.parametrize("moment", ["before the renditions", "before the faces"])
def test_a_photo_deleted_while_it_is_processed_leaves_no_file(
    event: Event, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    number = 2 * event.id + (moment == "before the faces")
    admin = accounts.create_staff(NewAccount(f"boss{number}", f"boss{number}@example.org", PASSWORD), "admin")
    owner, step = (images, "renditions") if moment == "before the renditions" else (ENGINE, "detect")
    real = getattr(owner, step)

    def delete_first(image: Any, **scales: Any) -> Any:
        photos.remove(admin, [photo_id])
        return real(image, **scales)

    photo_id = send_photo(event, 1)
    name = row(Photo, photo_id).filename
    monkeypatch.setattr(owner, step, delete_first)
    jobs.run(claim(), DECODER)
    trash.erase_now(admin, [photo_id])
    for size in ("original", "web", "thumb"):
        with pytest.raises(storage.MissingObject):
            storage.get(storage_key(event.id, name, size))


def test_photos_of_two_events_take_turns(event: Event) -> None:
    other = events.create(NewEvent("Small"))
    try:
        large = [send_photo(event, number) for number in range(6)]
        small = [send_photo(other, number) for number in range(2)]
        order = [held.id for held in iter(job_queue.claim_next, None)]
        assert sorted(order) == sorted(large + small)
        assert set(small) <= set(order[:4]), "the small event does not wait for the large one"
    finally:
        removal.remove_event(other.id)


def test_a_stopping_process_puts_its_job_back_unblamed(event: Event) -> None:
    photo_id = send_photo(event, 1)
    job_queue.release(claim())
    photo = row(Photo, photo_id)
    assert (photo.status, photo.attempts, photo.error) == ("pending", 0, None)
    assert claim().attempt == 1


def lose(photo_id: int) -> None:
    """Claim a photo and let the lease expire, as after the death of the process."""
    with transaction() as session:
        photo = matching_queries.lock_photo(session, photo_id)
        assert photo is not None
        photo.lease_until = utcnow() - timedelta(seconds=1)


def test_a_job_lost_in_its_last_attempt_is_given_up(event: Event) -> None:
    photo_id = send_photo(event, 1)
    for _ in range(3):
        claim()
        lose(photo_id)
    jobs.run(claim(), DECODER)
    assert row(Photo, photo_id).status == "failed"


def test_files_that_no_row_knows_are_swept_and_the_others_stay(event: Event) -> None:
    guest = guest_of(event)
    send_selfie(guest, 1)
    photo_id = send_photo(event, 1)
    work()
    storage.put("selfies/nobody.jpg", b"x")
    storage.put(f"photos/{event.id}/web/nothing.jpg", b"x")
    storage.put("elsewhere/other.txt", b"x")
    assert sweep.sweep_orphans(timedelta(hours=1)) == 0, "young files may still get their row"
    assert sweep.sweep_orphans(timedelta(0)) == 2
    assert storage.get("elsewhere/other.txt") == b"x"
    name = row(Photo, photo_id).filename
    for size in ("original", "web", "thumb"):
        assert storage.get(storage_key(event.id, name, size))
    assert storage.get(selfies.mine(guest.id).storage_key or "")


def test_a_rematch_asked_for_during_a_rematch_runs_again(event: Event) -> None:
    guest = guest_of(event)
    send_selfie(guest, 1)
    work()
    events.request_rematch(event.id)
    held = claim()
    with transaction() as session:
        membership = session.query(UserEvent).filter(UserEvent.user_id == guest.id).one()
        membership.requested_at = utcnow()
    jobs.run(held, DECODER)
    again = claim()
    assert (again.kind, again.id) == (UserEvent, held.id)
    jobs.run(again, DECODER)
    assert job_queue.claim_next() is None


def test_an_event_joined_while_the_selfie_is_looked_at_is_matched_too(event: Event) -> None:
    other = events.create(NewEvent("Other"))
    try:
        guest = guest_of(event)
        photo_id = send_photo(other, 1)
        work()
        send_selfie(guest, 1)
        held = claim()
        joining.join(guest.id, other.event_code, shown("fr"))
        jobs.run(held, DECODER)
        work()
        assert {each[0].id for each in photos.photos_with(guest, other.id, Page()).rows} == {photo_id}
    finally:
        removal.remove_event(other.id)


def test_the_older_of_two_selfies_never_wins(event: Event) -> None:
    guest = guest_of(event)
    one, two = send_photo(event, 1), send_photo(event, 2)
    older, first = send_selfie(guest, 1), claim()
    newer, second = send_selfie(guest, 2), claim()
    assert (first.id, second.id) == (older, newer)
    jobs.run(second, DECODER)
    jobs.run(first, DECODER)
    work()
    assert found_by(guest) == {two}
    assert row(Selfie, older) is None
    assert one != two
