"""Dispatch by Procrastinate: woken by NOTIFY, nothing lost with a ticket, and no ticket left over."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from sqlalchemy import text

from database import get_engine, transaction
from decoding.decoder import InThisProcess
from events import service as events
from events.service import NewEvent
from faces.fake import FakeEngine
from guests import removal
from jobs import control, kinds
from jobs import queue as job_queue
from jobs.dispatch import tickets
from jobs.inference import InferenceThread
from models import Event, Photo, utcnow
from settings import get_settings
from tests.conftest import fresh_database, wait_until
from tests.jobs.rows import row, send_photo, set_columns
from tickets.app import QUEUES

Start = Callable[[], InferenceThread]


@pytest.fixture(scope="module", params=["procrastinate"])
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("tickets"), JOB_POLL_SECONDS="0.05"):
        yield


@pytest.fixture
def event(_database: None) -> Iterator[Event]:
    """An event without tickets; deleted with all its jobs afterwards."""
    run("DELETE FROM procrastinate_jobs")
    made = events.create(NewEvent("Tickets"))
    yield made
    removal.remove_event(made.id)


@pytest.fixture
def start(event: Event, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """A function that starts a thread that looks for lost tickets often; it is stopped afterwards."""
    monkeypatch.setattr(tickets, "CHECK_SECONDS", 0.2)
    with ExitStack() as stack:

        def begin() -> InferenceThread:
            thread = InferenceThread(
                InThisProcess(FakeEngine), sample=lambda: None, report=lambda: None, sweep=lambda: None
            )
            thread.start()
            stack.callback(thread.stop, 20)
            return thread

        yield begin


def run(statement: str) -> None:
    """Run a statement past the service's sessions, so that it defers nothing."""
    with get_engine().begin() as connection:
        connection.execute(text(statement))


def ask(statement: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    with get_engine().connect() as connection:
        return [tuple(each) for each in connection.execute(text(statement))]


def is_done(photo_id: int) -> bool:
    return bool(row(Photo, photo_id).status == "done")


def no_ticket_is_left() -> bool:
    return ask("SELECT 1 FROM procrastinate_jobs") == []


def test_the_queues_are_the_kinds_of_jobs_in_claiming_order() -> None:
    assert tuple(kind.__tablename__ for kind in kinds.KINDS) == QUEUES


def test_a_ticket_holds_nothing_and_goes_when_its_job_is_done(event: Event, start: Start) -> None:
    photo_id = send_photo(event, 1)
    (ticket,) = ask("SELECT queue_name, task_name, args::text, lock, queueing_lock FROM procrastinate_jobs")
    assert ticket == ("photos", "claim", "{}", None, None)
    start()
    wait_until(lambda: is_done(photo_id), 30)
    wait_until(no_ticket_is_left, 30)
    assert ask("SELECT 1 FROM procrastinate_events") == []


def test_a_row_of_another_process_is_noticed_at_once(
    event: Event, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "job_poll_seconds", 60)
    monkeypatch.setattr(tickets, "CHECK_SECONDS", 60)
    start()
    listens = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN%'"
    wait_until(lambda: ask(listens) != [], 30)
    # Nobody wakes the thread, and it looks by itself once a minute only.
    photo_id = send_photo(event, 1)
    wait_until(lambda: is_done(photo_id), 40)


def test_a_transaction_that_fails_leaves_no_ticket(event: Event) -> None:
    photo_id = send_photo(event, 1)
    run("DELETE FROM procrastinate_jobs")

    def queue_again() -> None:
        with transaction() as session:
            session.get_one(Photo, photo_id).finish("failed")
            session.flush()
            session.get_one(Photo, photo_id).requeue()
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        queue_again()
    send_photo(event, 2)
    assert ask("SELECT count(*) FROM procrastinate_jobs") == [(1,)]


@pytest.mark.parametrize("written", ["lost", "by the embedded engine"])
def test_a_row_without_a_ticket_gets_one(event: Event, start: Start, written: str) -> None:
    if written == "lost":
        photo_id = send_photo(event, 1)
        run("DELETE FROM procrastinate_jobs")
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(get_settings(), "job_engine", "embedded")
            photo_id = send_photo(event, 1)
    assert no_ticket_is_left()
    start()
    wait_until(lambda: is_done(photo_id), 30)


def test_a_row_whose_ticket_is_lost_while_the_thread_runs_gets_another(event: Event, start: Start) -> None:
    start()
    first = send_photo(event, 1)
    wait_until(lambda: is_done(first), 30)
    run("ALTER TABLE procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1")
    try:
        photo_id = send_photo(event, 2)
        run("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
        wait_until(lambda: is_done(photo_id), 30)
    finally:
        run("ALTER TABLE procrastinate_jobs ENABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1")


def test_the_ticket_of_a_worker_that_died_is_fetched_again(event: Event, start: Start) -> None:
    photo_id = send_photo(event, 1)
    assert job_queue.claim_next() is not None
    run("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
    run("UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)")
    set_columns(Photo, photo_id, lease_until=utcnow() - timedelta(seconds=1))
    start()
    wait_until(lambda: is_done(photo_id), 30)
    wait_until(no_ticket_is_left, 30)


def test_a_ticket_that_finds_nothing_ends(event: Event, start: Start) -> None:
    photo_id = send_photo(event, 1)
    set_columns(Photo, photo_id, status="done")
    start()
    wait_until(no_ticket_is_left, 30)


def test_tickets_of_unknown_tasks_and_queues_disturb_nothing(event: Event, start: Start) -> None:
    insert = "INSERT INTO procrastinate_jobs (queue_name, task_name, priority) VALUES "
    run(insert + "('photos', 'of a later release', 99), ('a later kind', 'claim', 99)")
    photo_id = send_photo(event, 1)
    start()
    wait_until(lambda: is_done(photo_id), 30)
    wait_until(lambda: ask("SELECT queue_name FROM procrastinate_jobs") == [("a later kind",)], 30)


def test_a_stop_returns_the_ticket_that_is_not_begun(event: Event, start: Start) -> None:
    photos = [send_photo(event, number) for number in range(8)]
    thread = start()
    wait_until(lambda: any(map(is_done, photos)), 30)
    thread.stop(20)
    left = sum(not is_done(each) for each in photos)
    assert ask("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'todo'") == [(0,)]
    # A check while a ticket was on its way to the thread may have added one.
    assert ask("SELECT count(*) FROM procrastinate_jobs") in ([(left,)], [(left + 1,)])
    assert ask("SELECT 1 FROM procrastinate_workers WHERE last_heartbeat > now() - interval '1 minute'") == []
    assert "tickets" not in [each.name for each in threading.enumerate()]


def test_a_database_that_drops_every_connection_is_connected_again(event: Event, start: Start) -> None:
    start()
    first = send_photo(event, 1)
    wait_until(lambda: is_done(first), 30)
    run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    second = send_photo(event, 2)
    wait_until(lambda: is_done(second), 20)


def test_jobs_are_done_while_procrastinate_cannot_be_reached(
    event: Event, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "listen_database_url", "postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    photo_id = send_photo(event, 1)
    start()
    wait_until(lambda: is_done(photo_id), 30)


def test_many_rows_of_one_transaction_get_a_bounded_number_of_tickets(
    event: Event, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [send_photo(event, number) for number in range(6)]
    run("DELETE FROM procrastinate_jobs")
    monkeypatch.setattr("tickets.deferring.MAX_TICKETS", 2)
    run("UPDATE photos SET status = 'failed'")
    assert control.retry_photos(event.id) == len(photos)
    assert ask("SELECT count(*) FROM procrastinate_jobs") == [(2,)]
    start()
    wait_until(lambda: all(map(is_done, photos)), 20)
