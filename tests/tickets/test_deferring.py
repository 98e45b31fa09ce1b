"""Whatever makes rows pending defers as many tickets, in the same transaction, whichever statement it uses."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import insert, text, update

from database import get_engine, transaction
from evaluation import service as evaluation
from events import service as events
from events.service import NewEvent
from guests import joining, removal, wordings
from jobs import control, work
from jobs import queue as job_queue
from models import FAILED, Event, Photo, Reprocessing, UserEvent, utcnow
from photos.reprocessing import service as reprocessing
from tests.conftest import fresh_database
from tests.jobs.rows import (
    claim,
    guest_of,
    membership_of,
    send_photo,
    send_selfie,
)
from tests.jobs.rows import work as do_all
from tickets.app import QUEUES


@pytest.fixture(scope="module", params=["procrastinate"])
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("deferring")):
        # The database itself counts the rows that a statement writes as pending.
        with get_engine().begin() as connection:
            connection.execute(text("CREATE TABLE became_pending (queue text)"))
            connection.execute(
                text(
                    "CREATE FUNCTION count_pending() RETURNS trigger LANGUAGE plpgsql AS "
                    "$$ BEGIN INSERT INTO became_pending VALUES (TG_TABLE_NAME); RETURN NEW; END $$"
                )
            )
            for table in QUEUES:
                connection.execute(
                    text(
                        f"CREATE TRIGGER count_pending AFTER INSERT OR UPDATE OF status ON {table} FOR EACH ROW "
                        "WHEN (NEW.status = 'pending') EXECUTE FUNCTION count_pending()"
                    )
                )
        yield


@pytest.fixture
def event(_database: None) -> Iterator[Event]:
    """An event with three processed photos and two guests whose selfies are done; no tickets, and none expected."""
    made = events.create(NewEvent("Deferring"))
    for number in (1, 2, 3):
        send_photo(made, number)
    for name in ("amy", "ben"):
        send_selfie(guest_of(made, name), 1)
    do_all()
    clear()
    yield made
    removal.remove_event(made.id)


def clear() -> None:
    with get_engine().begin() as connection:
        connection.execute(text("DELETE FROM procrastinate_jobs"))
        connection.execute(text("DELETE FROM became_pending"))


def counted(statement: str) -> dict[str, int]:
    with get_engine().connect() as connection:
        return dict(iter(connection.execute(text(statement)).tuples()))


def a_photo(event: Event) -> None:
    send_photo(event, 7)


def a_selfie(event: Event) -> None:
    send_selfie(guest_of(event, "cleo"), 1)


def a_further_event(event: Event) -> None:
    guest = guest_of(event, "dora")
    send_selfie(guest, 1)
    joining.join(guest.id, events.create(NewEvent("Further")).event_code, wordings.shown("fr"))


def a_rematch(event: Event) -> None:
    events.request_rematch(event.id)


def a_failed_photo_retried(event: Event) -> None:
    fail_photos(event)
    assert control.retry_photos(event.id) == 3


def a_failed_photo_sent_again(event: Event) -> None:
    fail_photos(event)
    send_photo(event, 1)


def a_fault(event: Event) -> None:
    send_photo(event, 8)
    job_queue.retry_later(claim(), "the disk was away")


def a_stop(event: Event) -> None:
    send_photo(event, 9)
    job_queue.release(claim())


def another_engine(event: Event) -> None:
    with transaction() as session:
        session.execute(update(Photo).where(Photo.event_id == event.id).values(engine_id="another"))
    work.change_engines()


def photos_processed_again(event: Event) -> None:
    reprocessing.plan(event.id)


def an_evaluation(event: Event) -> None:
    guest = guest_of(event, "eve")
    send_selfie(guest, 1)
    do_all()
    evaluation.request(event.id, guest.id, None)


def many_objects(event: Event) -> None:
    with transaction() as session:
        session.add_all(Reprocessing(photo_id=photo.id, event_id=event.id) for photo in session.query(Photo).all())


def many_values(event: Event) -> None:
    with transaction() as session:
        photos = session.query(Photo).filter(Photo.event_id == event.id).all()
        session.execute(insert(Reprocessing), [{"photo_id": each.id, "event_id": event.id} for each in photos])


def many_changed_objects(event: Event) -> None:
    fail_photos(event)
    with transaction() as session:
        for photo in session.query(Photo).all():
            photo.requeue()


WRITERS: list[Callable[[Event], None]] = [
    a_photo, a_selfie, a_further_event, a_rematch, a_failed_photo_retried, a_failed_photo_sent_again, a_fault, a_stop,
    another_engine, photos_processed_again, an_evaluation, many_objects, many_values, many_changed_objects,
]  # fmt: skip


def fail_photos(event: Event) -> None:
    with transaction() as session:
        session.execute(update(Photo).where(Photo.event_id == event.id).values(status=FAILED))


@pytest.mark.parametrize("write", WRITERS, ids=lambda each: each.__name__)
def test_each_row_that_becomes_pending_has_a_ticket(event: Event, write: Callable[[Event], None]) -> None:
    write(event)
    expected = counted("SELECT queue, count(*) FROM became_pending GROUP BY queue")
    assert expected
    assert counted("SELECT queue_name, count(*) FROM procrastinate_jobs GROUP BY queue_name") == expected


def test_a_job_that_pauses_has_a_ticket_for_the_end_of_its_pause(event: Event) -> None:
    guest = guest_of(event, "fay")
    until = utcnow() + timedelta(minutes=5)
    with transaction() as session:
        session.get_one(UserEvent, membership_of(guest, event)).requeue(lease_until=until)
    with get_engine().connect() as connection:
        (at,) = connection.execute(text("SELECT scheduled_at FROM procrastinate_jobs")).scalars()
    assert at == until


def test_what_ends_or_goes_on_has_no_ticket(event: Event) -> None:
    send_photo(event, 5)
    clear()
    held = claim()
    job_queue.extend_lease(held)
    job_queue.fail(held, "no picture")
    assert counted("SELECT queue_name, count(*) FROM procrastinate_jobs GROUP BY queue_name") == {}
