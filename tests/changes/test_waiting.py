"""Requests that wait: they are answered by a change, hold nothing, are bounded, and miss nothing."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from api.selfies.waiting import line
from api.sessions import SESSION_COOKIE
from changes.listener import ChangeListener
from database import get_engine, pool_state, transaction
from settings import get_settings
from testkit.application import application
from testkit.builders import Person, Service, people
from testkit.quick_client import QuickClient
from tests.changes.test_listener import end_of_listeners
from tests.conftest import DATABASES, fresh_database, wait_until

WAIT = "/api/rematch-status?wait=25"


@pytest.fixture(scope="module", params=DATABASES)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, which takes four open requests, five that wait, and two of one account."""
    folder = tmp_path_factory.mktemp("small")
    limits = {"MAX_OPEN_REQUESTS": "4", "MAX_WAITING_REQUESTS": "5", "MAX_WAITING_PER_ACCOUNT": "2"}
    with (
        fresh_database(request, folder, **limits),
        QuickClient(application(), raise_server_exceptions=False) as client,
    ):
        wait_until(parts(client).changes.is_hearing)
        yield Service(client, folder / "storage")


def parts(client: Any) -> Any:
    """Return the parts of the process."""
    return client.app.state


@pytest.fixture
def guest(small: Service) -> Iterator[Person]:
    """A guest whose portrait is in the queue until `finish`; no thread takes it."""
    line.clear()
    made = waiting_guest(small)
    yield made
    finish(made)
    wait_until(lambda: len(parts(small.client).waiters) == 0)


def waiting_guest(service: Service) -> Person:
    """Return a guest whose portrait waits in the queue for a hundred years."""
    made = service.guest(service.event())
    put_in_line(made, 1)
    return made


def put_in_line(guest: Person, count: int) -> None:
    """Queue portraits of a guest."""
    rows = [{"id": guest.id, "at": "2026-01-01 00:00:00", "until": "2100-01-01 00:00:00"}] * count
    insert = "INSERT INTO selfies (user_id, created_at, lease_until) VALUES (:id, :at, :until)"
    with transaction() as session:
        session.execute(text(insert), rows)


def finish(*guests: Person, status: str = "done") -> None:
    """End the matching of guests, in one transaction, as another process does: this one learns it by the database."""
    change = "UPDATE selfies SET status = :status WHERE user_id = :id AND status = 'pending'"
    with get_engine().begin() as connection:
        connection.execute(text(change), [{"id": each.id, "status": status} for each in guests])


class Asking:
    """Requests that wait, each in a thread of the test's own."""

    def __init__(self, service: Service) -> None:
        self._service, self._pool = service, ThreadPoolExecutor(8)

    def ask(self, who: Person, path: str = WAIT) -> "Future[Any]":
        """Begin to wait; returns once the service has read the state and waits for a change."""
        waiters = parts(self._service.client).waiters
        before = waiters.asleep
        answer = self._pool.submit(lambda: self._service.get(path, who))
        wait_until(lambda: waiters.asleep > before or answer.done())
        return answer


@pytest.fixture
def asking(small: Service) -> Asking:
    """Begins requests that wait."""
    return Asking(small)


def test_the_answer_comes_within_a_second_of_a_change_by_another_process(
    small: Service, guest: Person, asking: Asking
) -> None:
    answer = asking.ask(guest)
    assert not answer.done()
    began = time.monotonic()
    finish(guest)
    found = answer.result(10).json()
    assert time.monotonic() - began < 1.0
    assert (found["status"], found["next_poll_seconds"]) == ("done", 30)


def test_at_its_end_the_answer_says_how_it_is(small: Service, guest: Person, asking: Asking) -> None:
    began = time.monotonic()
    found = small.get("/api/rematch-status?wait=1", guest).json()
    assert 0.8 < time.monotonic() - began < 5
    assert (found["status"], found["scheduled"]) == ("queued", True)
    assert found["next_poll_seconds"] == 1


def test_waiting_takes_no_place_no_thread_and_no_connection(small: Service, guest: Person, asking: Asking) -> None:
    others = [waiting_guest(small) for _ in range(2)]
    threads = threading.active_count()
    answers = [asking.ask(each) for each in (guest, guest, others[0], others[0], others[1])]
    # Four open requests are the limit, and five wait.
    wait_until(lambda: bool(small.get("/api/me", others[1]).status_code == 200), 5)
    wait_until(lambda: pool_state()["checked_out"] == 0)
    # Each waits in a thread of the test. Of the service's threads, only those for short reads may be new.
    assert threading.active_count() - threads <= len(answers) + 3
    finish(guest, *others)
    assert {each.result(10).json()["status"] for each in answers} == {"done"}


def test_beyond_a_bound_the_answer_comes_at_once_and_says_when_to_ask(
    small: Service, guest: Person, asking: Asking
) -> None:
    answers = [asking.ask(guest) for _ in range(2)]
    began = time.monotonic()
    third = small.get(WAIT, guest)
    assert time.monotonic() - began < 5
    assert (third.status_code, third.json()["status"]) == (200, "queued")
    assert third.json()["next_poll_seconds"] >= 5
    # Others of the same process still wait, up to its own bound.
    others = [waiting_guest(small) for _ in range(2)]
    answers += [asking.ask(others[0]), asking.ask(others[0]), asking.ask(others[1])]
    assert len(parts(small.client).waiters) == 5
    assert small.get(WAIT, others[1]).json()["next_poll_seconds"] >= 5
    finish(guest, *others)
    assert {each.result(10).json()["status"] for each in answers} == {"done"}


def test_those_who_ask_are_told_to_ask_less_often_the_longer_the_line_is(small: Service, guest: Person) -> None:
    expected = {1: 1, 100: 11, 400: 30}
    for count, seconds in expected.items():
        put_in_line(guest, count)
        line.clear()
        assert small.get("/api/rematch-status", guest).json()["next_poll_seconds"] in (seconds, seconds + 1)
    finish(guest)
    line.clear()


def test_while_no_change_is_heard_the_state_is_read_again(small: Service, guest: Person, asking: Asking) -> None:
    here = parts(small.client)
    here.changes.stop(5)
    assert not here.waiters.hears()
    try:
        answer = asking.ask(guest)
        finish(guest, status="failed")
        assert answer.result(8).json()["status"] == "error"
    finally:
        here.changes = ChangeListener(get_settings(), here.waiters.report)
        here.waiters.want, here.waiters.hears = here.changes.want, here.changes.is_hearing
        here.changes.start()
        wait_until(here.changes.is_hearing)


def test_where_the_connection_that_listens_is_lost_those_who_wait_learn_of_changes(
    small: Service, guest: Person, asking: Asking
) -> None:
    if get_engine().dialect.name == "sqlite":
        pytest.skip("a file is not lost")
    answer = asking.ask(guest)
    end_of_listeners()
    finish(guest)
    assert answer.result(5).json()["status"] == "done"
    wait_until(parts(small.client).changes.is_hearing)


def test_the_gallery_is_answered_when_its_standing_changes(small: Service, guest: Person, asking: Asking) -> None:
    event = small.event()
    amy = small.guest(event)
    path = f"/photos/standing?event={event.id}"
    small.client.cookies.set(SESSION_COOKIE, amy.token)
    try:
        first = small.get(path).json()
        answer = asking.ask(amy, f"{path}&wait=25&known={first['mark']}")
        assert not answer.done()
        small.upload(event, people(1))
        then = answer.result(10).json()
        assert (first["photos"], then["photos"]) == (0, 1)
        assert then["mark"] != first["mark"]
        # What the page does not know yet comes at once.
        assert small.get(f"{path}&wait=25&known={first['mark']}").json()["photos"] == 1
    finally:
        small.client.cookies.clear()
    small.process_photos(event)


def test_the_studio_is_answered_when_photos_come(small: Service, guest: Person, asking: Asking) -> None:
    event = small.event()
    small.client.cookies.set(SESSION_COOKIE, event.photographer.token)
    try:
        mark = small.get(f"/studio/{event.id}/state").text.split('data-mark="')[1].split('"')[0]
        answer = asking.ask(event.photographer, f"/studio/{event.id}/state?wait=25&known={mark}")
        assert not answer.done()
        small.upload(event, people(1))
        assert 'data-received="1"' in answer.result(10).text
    finally:
        small.client.cookies.clear()
    small.process_photos(event)


def test_a_logged_out_guest_is_told_no_more(small: Service, guest: Person, asking: Asking) -> None:
    event = small.event()
    amy = small.guest(event)
    small.client.cookies.set(SESSION_COOKIE, amy.token)
    path = f"/photos/standing?event={event.id}"
    first = small.get(path).json()
    answer = asking.ask(amy, f"{path}&wait=25&known={first['mark']}")
    small.client.cookies.clear()
    assert small.post("/api/logout", amy).status_code == 200
    small.upload(event, people(1))
    found = answer.result(10)
    assert found.status_code in (303, 401), (first, found.text)
    small.process_photos(event)
