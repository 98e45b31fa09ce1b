"""What a provider would find is told without changing anything, survives deaths, pauses, and is erased in time."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

import errors
from database import reading, transaction
from decoding.decoder import StoredPhoto
from evaluation import queries, service
from events import service as events
from events.service import NewEvent
from faces.providers import engine_id_of
from guests import consent, portraits, removal
from jobs import queue as job_queue
from jobs import work as jobs
from jobs.sweep import PeriodicSweep
from matching import refusals
from models import EvaluatedPhoto, Evaluation, Event, Face, FaceMatch, Photo, SelfieEmbedding, User, utcnow
from tests.jobs.rows import DECODER, claim, found_by, guest_of, lose, row, send_photo, send_selfie, set_columns, work

OTHER_ENGINE = engine_id_of("local")


@pytest.fixture
def event(quiet_database: None) -> Iterator[Event]:
    """An event whose faces are those of the provider of the settings; deleted with all its jobs afterwards."""
    made = events.create(NewEvent("Evaluated"))
    yield made
    removal.remove_event(made.id)


@pytest.fixture
def guest(event: Event) -> User:
    """A guest with an accepted portrait, found in the first two of four photos."""
    made = guest_of(event)
    send_selfie(made, 1)
    for who in ((1,), (1, 2), (3,), ()):
        send_photo(event, *who)
    work()
    return made


def photos_of(event: Event) -> list[int]:
    with reading() as session:
        return list(queries.processed_photos(session, event.id))


def use_another_engine(event: Event) -> None:
    """Let the event be matched by another engine, so that the one of the settings must read the photos again."""
    with transaction() as session:
        session.get_one(Event, event.id).active_engine_id = OTHER_ENGINE


def evaluated(event: Event, guest: User) -> dict[str, Any]:
    """Ask for an evaluation, have it done, and return its result."""
    number = service.request(event.id, guest.id, None)
    work()
    shown = service.show(number).evaluation
    assert (shown.status, shown.error) == ("done", None)
    assert shown.result is not None
    return shown.result


def real_rows() -> list[int]:
    """Return how many rows the real matching has, and their highest ids."""
    with reading() as session:
        return [
            session.scalar(select(found(table.id))) or 0
            for table in (Face, FaceMatch, SelfieEmbedding)
            for found in (func.count, func.max)
        ]


def rows_read() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(EvaluatedPhoto)) or 0


@pytest.mark.parametrize("again", [False, True], ids=["stored faces", "read again"])
def test_it_tells_what_is_found_and_changes_nothing(event: Event, guest: User, again: bool) -> None:
    both, beside, other, empty = photos_of(event)
    if again:
        use_another_engine(event)
    before = real_rows()
    result = evaluated(event, guest)
    assert {each["photo_id"] for each in result["matched"]} == {both, beside}
    assert all(each["matched_now"] and each["similarity"] > 0.9 for each in result["matched"])
    assert [each["photo_id"] for each in result["unmatched"]] == [other, empty]
    assert result["unmatched"][1]["similarity"] is None
    assert (result["added"], result["dropped"], result["errors"]) == ([], [], {})
    counts = result["counts"]
    assert (counts["photos"], counts["photos_compared"], counts["faces_found"], counts["portraits"]) == (4, 4, 4, 1)
    assert (counts["matched"], counts["unmatched"], counts["matched_now"]) == (2, 2, 2)
    assert result["similarities"]["highest_unmatched"] < result["threshold"]
    assert result["timings"]["photos_read"] == (4 if again else 0)
    assert real_rows() == before
    assert rows_read() == 0


def test_it_tells_what_would_be_added_and_dropped(event: Event, guest: User) -> None:
    both, beside, other, _ = photos_of(event)
    with transaction() as session:
        match = session.scalars(select(FaceMatch).where(FaceMatch.photo_id == beside)).one()
        match.photo_id = other
    result = evaluated(event, guest)
    assert (result["added"], result["dropped"]) == ([beside], [other])
    assert both not in result["added"]


def test_a_refused_photo_is_neither_matched_nor_missing(event: Event, guest: User) -> None:
    both, beside, *_ = photos_of(event)
    refusals.refuse(guest.id, both)
    result = evaluated(event, guest)
    assert [each["photo_id"] for each in result["matched"]] == [beside]
    assert both not in [each["photo_id"] for each in result["unmatched"]]
    assert result["counts"]["photos_refused"] == 1


def test_a_photo_that_cannot_be_read_is_listed_and_the_others_are_compared(event: Event, guest: User) -> None:
    lost = photos_of(event)[0]
    use_another_engine(event)
    set_columns(Photo, lost, filename=f"{0:032x}.jpg")
    result = evaluated(event, guest)
    assert [*result["errors"]] == [str(lost)]
    assert result["errors"][str(lost)].startswith("MissingObject")
    assert (result["counts"]["photos_failed"], result["counts"]["photos_compared"]) == (1, 3)
    assert lost not in result["dropped"], "it was not compared"


def test_it_pauses_for_a_guest_and_goes_on_where_it_was(event: Event, guest: User) -> None:
    use_another_engine(event)
    number = service.request(event.id, guest.id, None)
    held = claim()
    assert held.kind is Evaluation
    newcomer = guest_of(event, "ben")
    selfie_id = send_selfie(newcomer, 2)
    jobs.attempt(held, DECODER)
    paused = row(Evaluation, number)
    assert (paused.status, paused.attempts, rows_read()) == ("pending", 0, 1)
    assert claim().id == selfie_id
    before = {each.photo_id: each.milliseconds for each in read_photos(number)}
    jobs.attempt(claim(), DECODER)
    shown = service.show(number).evaluation
    assert shown.status == "done"
    assert shown.result is not None
    assert shown.result["timings"]["photos_read"] == 4
    assert before, "the first photo was not read again"


def read_photos(number: int) -> list[EvaluatedPhoto]:
    with reading() as session:
        found = session.get_one(Evaluation, number)
        return [each for each, _ in queries.read_photos(session, found.event_id, number)]


def test_another_process_goes_on_when_the_first_is_killed(
    event: Event, guest: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_another_engine(event)
    number = service.request(event.id, guest.id, None)
    killed = claim()
    read: list[str] = []
    look = DECODER.photo

    def until_the_third(photo: StoredPhoto) -> Any:
        if len(read) == 2:
            raise KeyboardInterrupt
        read.append(photo.original)
        return look(photo)

    monkeypatch.setattr(DECODER, "photo", until_the_third)
    with pytest.raises(KeyboardInterrupt):
        jobs.attempt(killed, DECODER)
    monkeypatch.undo()
    assert (row(Evaluation, number).status, rows_read()) == ("processing", 2)
    lose(killed)
    second = claim()
    assert (second.id, second.attempt) == (number, 2)
    # The first one was only frozen: it records nothing any more.
    jobs.attempt(killed, DECODER)
    assert (row(Evaluation, number).attempts, rows_read()) == (2, 2)
    jobs.attempt(second, DECODER)
    found = service.show(number).evaluation
    assert found.status == "done"
    assert found.result is not None
    assert found.result["counts"]["matched"] == 2


def test_the_last_of_all_jobs_is_claimed_last(event: Event, guest: User) -> None:
    number = service.request(event.id, guest.id, None)
    photo_id = send_photo(event, 5)
    assert [(held.kind, held.id) for held in (claim(), claim())] == [(Photo, photo_id), (Evaluation, number)]
    assert job_queue.claim_next() is None


def test_the_same_asked_twice_is_one_evaluation(event: Event, guest: User) -> None:
    first = service.request(event.id, guest.id, None)
    assert service.request(event.id, guest.id, "fake") == first
    work()
    assert service.request(event.id, guest.id, None) != first


@pytest.mark.parametrize("way", ["selfie", "consent", "photo", "guest"])
@pytest.mark.long
def test_what_is_erased_is_erased_from_evaluations_too(event: Event, guest: User, way: str) -> None:
    done = service.request(event.id, guest.id, None)
    work()
    use_another_engine(event)
    begun = service.request(event.id, guest.id, None)
    held, photo_id = claim(), photos_of(event)[0]
    send_selfie(guest_of(event, "ben"), 2)
    jobs.attempt(held, DECODER)
    assert rows_read() == 1
    if way == "photo":
        delete_photo(photo_id)
        shown = service.show(done).evaluation
        assert shown.result is not None
        assert photo_id not in [each["photo_id"] for each in shown.result["matched"]]
    else:
        if way == "selfie":
            portraits.remove_all(guest.id)
        elif way == "consent":
            consent.withdraw(guest.id, event.id)
        else:
            with transaction() as session:
                session.delete(session.get_one(User, guest.id))
        for number in (done, begun):
            with pytest.raises(errors.NoSuchEvaluation):
                service.show(number)
    assert rows_read() == 0
    work()


def delete_photo(photo_id: int) -> None:
    with transaction() as session:
        session.delete(session.get_one(Photo, photo_id))


def test_results_are_kept_for_a_day_and_what_a_failed_one_had_read_is_not(event: Event, guest: User) -> None:
    done = service.request(event.id, guest.id, None)
    work()
    use_another_engine(event)
    failed = service.request(event.id, guest.id, None)
    held = claim()
    send_selfie(guest_of(event, "ben"), 2)
    jobs.attempt(held, DECODER)
    set_columns(Evaluation, failed, status="failed", finished_at=utcnow())
    set_columns(Evaluation, done, finished_at=utcnow() - timedelta(hours=23))
    PeriodicSweep().tick()
    assert rows_read() == 0
    assert service.show(done).evaluation.result is not None
    set_columns(Evaluation, done, finished_at=utcnow() - timedelta(hours=25))
    PeriodicSweep().tick()
    with pytest.raises(errors.NoSuchEvaluation):
        service.show(done)
    assert service.show(failed).evaluation.status == "failed"
    work()


def test_an_evaluation_goes_with_a_portrait_that_is_replaced_meanwhile(
    event: Event, guest: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_another_engine(event)
    number = service.request(event.id, guest.id, None)
    held, look = claim(), DECODER.photo

    def replaced_first(photo: StoredPhoto) -> Any:
        monkeypatch.undo()
        send_selfie(guest, 1)
        work()
        return look(photo)

    monkeypatch.setattr(DECODER, "photo", replaced_first)
    jobs.attempt(held, DECODER)
    with pytest.raises(errors.NoSuchEvaluation):
        service.show(number)


def test_a_portrait_without_a_face_for_that_engine_fails_in_words(event: Event, guest: User) -> None:
    number = service.request(event.id, guest.id, "local")
    work()
    found = service.show(number).evaluation
    assert (found.status, found.error) == ("failed", "local finds no face in the guest's portrait")


def test_who_cannot_be_evaluated_is_told_why(event: Event, guest: User) -> None:
    cases: list[tuple[type[errors.AppError], int, int, str | None]] = [
        (errors.NoSuchEvent, 909_090, guest.id, None),
        (errors.NoSuchUser, event.id, 909_090, None),
        (errors.GuestHasNoPortrait, event.id, guest_of(event, "ben").id, None),
        (errors.UnknownProvider, event.id, guest.id, "retina"),
        (errors.ProviderNotConfigured, event.id, guest.id, "azure"),
    ]
    for expected, event_id, user_id, provider in cases:
        with pytest.raises(expected):
            service.request(event_id, user_id, provider)
    other = events.create(NewEvent("Other"))
    with pytest.raises(errors.GuestNotInEvent):
        service.request(other.id, guest.id, None)
    removal.remove_event(other.id)
    consent.withdraw(guest.id, event.id)
    with pytest.raises(errors.GuestHasWithdrawn):
        service.request(event.id, guest.id, None)
    assert found_by(guest) == set()


def test_a_photo_of_the_event_that_is_still_in_the_queue_is_counted(event: Event, guest: User) -> None:
    number = service.request(event.id, guest.id, None)
    held = claim()
    send_photo(event, 6)
    jobs.attempt(held, DECODER)
    result = service.show(number).evaluation.result
    assert result is not None
    assert (result["counts"]["photos_not_processed"], result["counts"]["photos_compared"]) == (1, 4)
    work()
