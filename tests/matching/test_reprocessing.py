"""Photos whose renditions and faces are made again: what guests have stays until then, and what they said stays."""

import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

import storage
from database import reading, transaction
from events import service as events
from events.service import NewEvent
from faces.fake import ENGINE_ID, OTHER_ENGINE_ID
from guests import removal
from jobs import control, sweep, work
from jobs import queue as job_queue
from jobs.reprocessing import read_anew
from matching import confirmations, refusals
from matching.changing import service as changing
from models import (
    DONE,
    FAILED,
    PENDING,
    Confirmation,
    Erasure,
    Event,
    Face,
    FaceMatch,
    Favourite,
    Photo,
    Refusal,
    Reprocessing,
    User,
    utcnow,
)
from photos import reprocess
from photos import service as photo_service
from photos.keys import key_of, rendition_keys, storage_key
from photos.reprocessing import service as reprocessing
from photos.trash import service as trash
from settings import get_settings
from stored import erasure
from testkit.snapshot import Snapshot
from tests.conftest import DATABASES, fresh_database, snapshot_of
from tests.jobs.rows import DECODER, claim, found_by, guest_of, lose, row, send_photo, send_selfie, set_columns
from tests.matching.engines import Process

WHO = ((1,), (1, 2), (2, 3), (4,), (), (1, 3, 5))


@pytest.fixture(scope="module", params=DATABASES)
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("again"), JOB_BACKOFF_SECONDS="0"):
        yield


@dataclass
class Ball:
    """An event with photos of `WHO`, and guests by name."""

    event: Event
    photos: list[int]
    guests: dict[str, User]

    def matches(self) -> set[tuple[str, int, float, bool]]:
        """Every match: the guest's name, the place of the photo in the event, the score, and whether declared."""
        names = {guest.id: name for name, guest in self.guests.items()}
        with reading() as session:
            rows = session.execute(
                select(FaceMatch.user_id, FaceMatch.photo_id, FaceMatch.confidence_score, FaceMatch.declared)
                .join(Photo, Photo.id == FaceMatch.photo_id)
                .where(Photo.event_id == self.event.id)
            )
            return {(names[each[0]], self.photos.index(each[1]), each[2], each[3]) for each in rows}

    def face(self, place: int, number: int) -> Face:
        """A face of a photo, from the left."""
        with reading() as session:
            of_photo = session.scalars(select(Face).where(Face.photo_id == self.photos[place]).order_by(Face.id))
            return of_photo.all()[number]

    def jobs(self) -> dict[int, Reprocessing]:
        """The jobs of the last run, by the place of their photo."""
        with reading() as session:
            found = session.scalars(select(Reprocessing).where(Reprocessing.event_id == self.event.id))
            return {self.photos.index(each.photo_id): each for each in found if each.photo_id in self.photos}

    def photo(self, place: int) -> Photo:
        """A photo's row."""
        found: Photo = row(Photo, self.photos[place])
        return found


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, _database: None) -> Iterator[tuple[Ball, Snapshot]]:
    """An event, all matched, and the way back to it."""
    made = Ball(events.create(NewEvent("Ball")), [], {})
    made.photos = [send_photo(made.event, *who) for who in WHO]
    for name, person in (("amy", 1), ("ben", 2), ("cleo", 3)):
        made.guests[name] = guest_of(made.event, name)
        send_selfie(made.guests[name], person)
    do()
    for taken in snapshot_of(request):
        yield made, taken


@pytest.fixture
def ball(made: tuple[Ball, Snapshot]) -> Ball:
    """The event as it was made."""
    found, taken = made
    taken.restore()
    return Ball(found.event, [*found.photos], {**found.guests})


def do(at_most: int = 10_000) -> int:
    """Do at most that many of the jobs that can be claimed; return how many were done."""
    for number in range(at_most):
        held = job_queue.claim_next()
        if held is None:
            return number
        work.attempt(held, DECODER)
    return at_most


def age(ball: Ball, place: int, who: int) -> None:
    """Leave a photo as an older release made it: turned, without one of its faces, with other renditions."""
    photo = ball.photo(place)
    face = ball.face(place, WHO[place].index(who))
    with transaction() as session:
        session.execute(delete(Face).where(Face.id == face.id))
        session.execute(update(Event).where(Event.id == ball.event.id).values(version=Event.version + 1))
        session.execute(
            update(Photo)
            .where(Photo.id == photo.id)
            .values(width=photo.height, height=photo.width, mean_colour="#000000", taken_at=utcnow())
        )
        for other in session.scalars(select(Face).where(Face.photo_id == photo.id)):
            # As a picture that was shown turned to the left: x and y change places, y from the bottom.
            x, y, width, height = other.box
            other.box = [y, photo.width - x - width, height, width]
    for key in rendition_keys(photo.event_id, photo.filename):
        storage.put(key, b"of the release before")


def said(ball: Ball) -> dict[str, Any]:
    with reading() as session:
        return {
            "refused": {tuple(row) for row in session.execute(select(Refusal.user_id, Refusal.photo_id))},
            "kept": {tuple(row) for row in session.execute(select(Favourite.user_id, Favourite.photo_id))},
            "everyone": set(session.scalars(select(Photo.id).where(Photo.for_everyone))),
            "confirmed": {tuple(row) for row in session.execute(select(Confirmation.user_id, Confirmation.photo_id))},
        }


def test_what_is_made_anew_equals_a_fresh_event_and_what_guests_said_stays(ball: Ball) -> None:
    amy, ben, cleo = ball.guests.values()
    refusals.refuse(amy.id, ball.photos[0])
    confirmations.confirm(ben, ball.photos[1], ball.face(1, 1).id)
    with transaction() as session:
        session.add(Favourite(user_id=cleo.id, photo_id=ball.photos[2]))
        session.get_one(Photo, ball.photos[3]).for_everyone = True
    fresh, words, before = ball.matches(), said(ball), [ball.photo(place) for place in range(len(WHO))]
    age(ball, 2, 3)
    age(ball, 5, 1)
    aged = ball.matches()
    assert ("cleo", 2) not in {each[:2] for each in aged}
    assert ("amy", 5) not in {each[:2] for each in aged}
    planned = reprocessing.plan(ball.event.id)
    assert planned is not None
    assert planned.photos == len(WHO)
    for done in range(len(WHO)):
        (progress,) = reprocessing.under_way()
        assert progress[3:] == (done, len(WHO), 0, len(WHO) - done)
        assert aged <= ball.matches() | {("x", 0, 0.0, False)}, "old matches stay"
        assert do(1) == 1
    assert do() == 0
    assert reprocessing.under_way() == []
    assert ball.matches() == fresh
    assert said(ball) == words
    with reading() as session:
        known = session.get_one(Confirmation, (ben.id, ball.photos[1]))
        assert (known.face_id, known.box) == (ball.face(1, 1).id, ball.face(1, 1).box)
    for place, old in enumerate(before):
        photo, job = ball.photo(place), ball.jobs()[place]
        told = ("width", "height", "taken_at", "mean_colour", "engine_id", "status", "for_everyone", "content_type")
        assert {each: getattr(photo, each) for each in told} == {each: getattr(old, each) for each in told}
        assert (photo.rendition_set, job.status, job.replaced) == (job.id, DONE, 0)
        assert storage.get(key_of(photo, "web"))[:2] == storage.get(key_of(photo, "thumb"))[:2] == b"\xff\xd8"


def test_old_renditions_are_served_to_those_who_know_them_and_erased_later(ball: Ball) -> None:
    old = ball.photo(0)
    reprocessing.plan(ball.event.id)
    do()
    length, chunks = photo_service.open_bytes(old, "web")
    assert len(b"".join(chunks)) == length, "a request that read the row before"
    keys = rendition_keys(old.event_id, old.filename)
    assert sweep.sweep(timedelta(0)).moved == 0
    with transaction() as session:
        rows = session.scalars(select(Erasure).where(Erasure.key.in_(keys))).all()
        assert {each.key for each in rows} == set(keys)
        for each in rows:
            each.erased_at = utcnow() - timedelta(minutes=16)
    erasure.retry()
    assert not any(storage.exists(key) for key in keys)
    assert storage.exists(key_of(ball.photo(0), "web"))
    # Once more: the set from before is replaced too.
    reprocessing.plan(ball.event.id)
    do()
    assert ball.jobs()[0].replaced not in (0, ball.photo(0).rendition_set)
    photo_service.remove(_admin(), [ball.photos[0]])
    trash.erase_now(_admin(), [ball.photos[0]])
    with reading() as session:
        waiting = session.scalars(select(Erasure.key).where(Erasure.erased_at.is_(None))).all()
    assert list(waiting) == []
    assert not [key for batch in storage.objects(100) for key, _ in batch if old.filename.split(".")[0] in key]


def _admin() -> User:
    return User(id=0, user_type="admin", username="chief")


def test_a_run_is_planned_once_and_the_command_tells_how_far_it_is(
    ball: Ball, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["reprocess", *shlex.split(arguments)])
        reprocess.main()
        return capsys.readouterr().out

    code, other = ball.event.event_code, events.create(NewEvent("Empty"))
    assert told("--status") == "No photo is, or was, to be processed again.\n"
    assert told(f"--event ' {code.lower()} '").splitlines()[:2] == [
        f"{code} (Ball): 6 photos to process again",
        "Planned: 6 photos of 1 event.",
    ]
    do(2)
    ids = {each.id for each in ball.jobs().values()}
    assert told("").splitlines() == [
        f"{code} (Ball): already under way: 2 of 6 photos done, 4 left",
        "Planned: 0 photos of 0 events.",
    ]
    late = send_photo(ball.event, 9)
    do(1)
    storage.delete([storage_key(ball.event.id, ball.photo(2).filename, "original")])
    do(1)
    status = told(f"--event {code} --status")
    assert status.startswith(
        f"{code} (Ball): 2 of 6 photos done, 1 failed, 3 left\n  photo {ball.photos[2]}, p.jpg: Missing"
    )
    assert told(f"--event {code} --cancel") == "Cancelled: 3 photos. They keep what they have.\n"
    assert do() == 0
    assert {each.id for each in ball.jobs().values()} < ids
    assert ball.photo(5).rendition_set == 0
    assert row(Photo, late).rendition_set == 0
    assert "Planned: 7 photos of 1 event." in told("")
    monkeypatch.setattr(sys, "argv", ["reprocess", "--event", "NOSUCH"])
    with pytest.raises(SystemExit) as ended:
        reprocess.main()
    assert (ended.value.code, capsys.readouterr().err) == (2, "No event has the code 'NOSUCH'.\n")
    removal.remove_event(other.id)


def test_a_photo_that_cannot_be_read_again_keeps_what_it_has(ball: Ball) -> None:
    matches, old = ball.matches(), ball.photo(1)
    original = storage_key(old.event_id, old.filename, "original")
    data = storage.get(original)
    storage.delete([original])
    reprocessing.plan(ball.event.id)
    do()
    photo, job = ball.photo(1), ball.jobs()[1]
    assert (job.status, photo.status, photo.rendition_set, ball.matches()) == (FAILED, DONE, 0, matches)
    assert storage.exists(key_of(photo, "web"))
    (failed,) = reprocessing.failures(ball.event.id, 5)
    assert failed.photo_id == photo.id
    assert (failed.error or "").startswith("MissingObject")
    storage.put(original, data)
    assert control.retry(Reprocessing, job.id) == 1
    do()
    assert ball.photo(1).rendition_set == job.id


def test_a_photo_that_had_failed_is_tried_again(ball: Ball) -> None:
    set_columns(Photo, ball.photos[0], status=FAILED, error="UnsupportedImage", engine_id=None)
    with transaction() as session:
        session.execute(delete(Face).where(Face.photo_id == ball.photos[0]))
        session.execute(update(Event).where(Event.id == ball.event.id).values(version=Event.version + 1))
    assert ball.photos[0] not in found_by(ball.guests["amy"])
    reprocessing.plan(ball.event.id)
    do()
    photo = ball.photo(0)
    assert (photo.status, photo.error, photo.engine_id) == (DONE, None, ENGINE_ID)
    assert ball.photos[0] in found_by(ball.guests["amy"])


def test_an_attempt_that_lost_its_job_records_nothing(ball: Ball, monkeypatch: pytest.MonkeyPatch) -> None:
    reprocessing.plan(ball.event.id)
    held = claim()
    real = read_anew

    def slow(job_id: int, *args: Any) -> Any:
        read = real(job_id, *args)
        monkeypatch.setattr("jobs.work.read_anew", real)
        lose(held)
        do(1)
        return read

    monkeypatch.setattr("jobs.work.read_anew", slow)
    faces = [ball.face(0, 0).id]
    work.attempt(held, DECODER)
    photo = ball.photo(0)
    assert (photo.rendition_set, row(Reprocessing, held.id).attempts) == (held.id, 2)
    assert storage.exists(key_of(photo, "web"))
    assert ball.face(0, 0).id != faces[0]


@pytest.mark.parametrize("gone", ["job", "photo", "event"])
def test_what_is_deleted_while_it_is_made_anew_leaves_nothing(
    ball: Ball, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    other = events.create(NewEvent("Other"))
    photo_id = send_photo(other, 1)
    do()
    reprocessing.plan(other.id)
    held, real, photo = claim(), read_anew, row(Photo, photo_id)
    ways: dict[str, Callable[[], object]] = {
        "job": lambda: reprocessing.cancel(other.id),
        "photo": lambda: photo_service.remove(_admin(), [photo_id]),
        "event": lambda: removal.remove_event(other.id),
    }

    def slow(job_id: int, *args: Any) -> Any:
        read = real(job_id, *args)
        ways[gone]()
        for key in rendition_keys(photo.event_id, photo.filename, job_id):
            storage.put(key, b"late")
        return read

    monkeypatch.setattr("jobs.work.read_anew", slow)
    work.attempt(held, DECODER)
    left = [key for batch in storage.objects(1000) for key, _ in batch if photo.filename.split(".")[0] in key]
    now = row(Photo, photo_id)
    # In the trash are the original and two renditions, of the set from before.
    assert len(left) == {"job": 4, "photo": 3, "event": 0}[gone]
    assert now is None or (now.rendition_set, set(left) >= {key_of(now, "web")}) == (0, True)
    if gone != "event":
        removal.remove_event(other.id)


def test_new_photos_and_selfies_come_first(ball: Ball) -> None:
    reprocessing.plan(ball.event.id)
    late = send_photo(ball.event, 9)
    first = claim()
    assert (first.kind, first.id, claim().kind) == (Photo, late, Reprocessing)


def test_it_goes_with_a_change_of_engine(ball: Ball, monkeypatch: pytest.MonkeyPatch) -> None:
    ben = ball.guests["ben"]
    confirmations.confirm(ben, ball.photos[1], ball.face(1, 1).id)
    age(ball, 2, 3)
    old = ball.matches()
    reprocessing.plan(ball.event.id)
    process = Process(monkeypatch)
    process.restart("other-fake")
    work.change_engines()
    # The photos of which another process has made both.
    set_columns(Photo, ball.photos[4], status=PENDING)
    held = [job_queue.claim_next() for _ in range(20)]
    jobs = [each for each in held if each is not None]
    for each in reversed(jobs):
        if each.kind is Reprocessing:
            work.attempt(each, process.decoder)
            assert {match[:2] for match in old} <= {match[:2] for match in ball.matches()}
    assert ball.photo(2).width > ball.photo(2).height, "upright again"
    x, y, width, _ = ball.face(2, 0).box
    assert (x, y, width) == (60, 60, 160), "the faces in use have moved with the picture"
    for each in jobs:
        if each.kind is not Reprocessing:
            work.attempt(each, process.decoder)
    process.change()
    assert {row(Photo, each).engine_id for each in ball.photos} == {OTHER_ENGINE_ID}
    wanted = {("amy", 0), ("amy", 1), ("amy", 5), ("ben", 1), ("ben", 2), ("cleo", 2), ("cleo", 5)}
    assert {each[:2] for each in ball.matches()} == wanted
    assert changing.changes_to(OTHER_ENGINE_ID) == []
    with reading() as session:
        assert session.get_one(Confirmation, (ben.id, ball.photos[1])).face_id == ball.face(1, 1).id
    monkeypatch.setattr(get_settings(), "face_recognizer_provider", "fake")
