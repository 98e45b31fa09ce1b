"""What a process hears of changes: which ones, of which process, and after its connection was lost."""

import logging
import time
from collections.abc import Callable, Collection, Iterator

import pytest
from sqlalchemy import create_engine, text

from changes.listener import ChangeListener
from changes.notify import changed
from changes.subjects import JOBS, event, guest
from database import get_engine, reading, transaction
from events import service as events
from events.service import NewEvent
from guests import erasure, portraits
from models import ADMIN, Event, Photo, User, WithheldPhoto
from photos import sharing
from settings import get_settings
from tests.conftest import wait_until
from tests.jobs.rows import guest_of, send_photo, send_selfie, work

pytestmark = pytest.mark.usefixtures("quiet_database")
numbers = iter(range(1, 1000))


class Ear:
    """A listener, and the subjects that it has reported since `forget`; `None` among them for "anything"."""

    def __init__(self) -> None:
        self.heard: list[str | None] = []
        self.listener = ChangeListener(get_settings(), self._report)
        self.listener.want(True)
        self.listener.start()
        wait_until(self.listener.is_hearing)
        self.heard.clear()

    def _report(self, subjects: Collection[str] | None) -> None:
        self.heard += [None] if subjects is None else subjects

    def hears(self, subject: str | None, action: Callable[[], object]) -> None:
        """Assert that an action makes this subject heard within a second, and return."""
        self.heard.clear()
        action()
        wait_until(lambda: subject in self.heard, 1.0)


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    yield made
    made.listener.stop(3)


@pytest.fixture
def party() -> tuple[Event, User]:
    """An event with a guest."""
    number = next(numbers)
    here = events.create(NewEvent(f"Event {number}", f"CODE{number}"))
    return here, guest_of(here, f"guest{number}")


def test_what_happens_to_a_guest_and_to_photos_is_heard(ear: Ear, party: tuple[Event, User]) -> None:
    here, amy = party
    ear.hears(guest(amy.id), lambda: send_selfie(amy, 1))
    ear.hears(guest(amy.id), work)
    photo = 0

    def send() -> None:
        nonlocal photo
        photo = send_photo(here, 1, 2)

    ear.hears(event(here.id), send)
    ear.hears(event(here.id), work)
    assert guest(amy.id) in ear.heard
    ear.hears(guest(amy.id), lambda: send_selfie(amy))
    ear.hears(guest(amy.id), work)
    ear.hears(guest(amy.id), lambda: portraits.remove_all(amy.id))
    ear.hears(event(here.id), lambda: sharing.share(staff(), [photo], for_everyone=True))
    ear.hears(event(here.id), lambda: withhold(photo))


def staff() -> User:
    """Return an admin who is not stored."""
    return User(id=0, user_type=ADMIN, username="admin")


def withhold(photo: int) -> None:
    """Hide a photo from guests."""
    with transaction() as session:
        event_id = session.get_one(Photo, photo).event_id
        session.add(WithheldPhoto(photo_id=photo, event_id=event_id, reason="staff"))


def test_only_what_is_committed_is_heard_and_of_a_claim_nothing(ear: Ear, party: tuple[Event, User]) -> None:
    here, amy = party
    with reading() as session:
        session.execute(text("UPDATE user_events SET status = 'failed' WHERE user_id = :id"), {"id": amy.id})
        session.rollback()
    photo = send_photo(here, 1)
    wait_until(lambda: event(here.id) in ear.heard, 1.0)
    ear.heard.clear()
    with transaction() as session:
        session.execute(text("UPDATE photos SET status = 'processing' WHERE id = :id"), {"id": photo})
    # The next change is heard, and nothing before it.
    ear.hears(JOBS, _tell_jobs)
    assert ear.heard == [JOBS]
    with transaction() as session:
        session.execute(text("UPDATE photos SET status = 'pending' WHERE id = :id"), {"id": photo})
    work()


def _tell_jobs() -> None:
    with transaction() as session:
        changed(session, JOBS)
        changed(session, JOBS)


def test_a_callback_is_called_for_its_subject_alone(ear: Ear, party: tuple[Event, User]) -> None:
    called: list[float] = []
    ear.listener.on(JOBS, lambda: called.append(time.monotonic()))
    ear.hears(event(party[0].id), lambda: send_photo(party[0], 1))
    assert called == []
    _tell_jobs()
    wait_until(lambda: len(called) == 1, 1.0)
    work()


def test_an_erased_guest_leaves_no_number(ear: Ear, party: tuple[Event, User]) -> None:
    here, amy = party
    send_selfie(amy, 1)
    work()
    erasure.erase_guest(amy.id)
    with get_engine().connect() as connection:
        left = connection.execute(text("SELECT subject FROM changes")).scalars().all()
    assert guest(amy.id) not in left
    events_left = [each for each in left if each == event(here.id)]
    assert len(events_left) <= 1


def test_after_a_lost_connection_anything_may_have_changed(
    ear: Ear, party: tuple[Event, User], caplog: pytest.LogCaptureFixture
) -> None:
    if get_engine().dialect.name == "sqlite":
        pytest.skip("a file is not lost")
    end_of_listeners()
    wait_until(lambda: None in ear.heard, 10)
    ear.hears(guest(party[1].id), lambda: send_selfie(party[1], 1))
    assert sum("changes are not heard" in each.message for each in caplog.records) == 1
    work()


def end_of_listeners() -> None:
    """End the connections of all listeners to this database, as a database that restarts does."""
    with get_engine().begin() as connection:
        ended = connection.scalar(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name = 'reperio listener' AND datname = current_database()"
            )
        )
    assert ended


def test_where_no_notification_arrives_the_log_says_what_to_set(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, party: tuple[Event, User]
) -> None:
    """As through a pooler: what listens is connected to another database than what notifies."""
    if get_engine().dialect.name == "sqlite":
        pytest.skip("there is no pooler")
    monkeypatch.setattr("changes.listener.PROBE_SECONDS", 0.3)
    other = get_engine().url.set(database="postgres").render_as_string(hide_password=False)
    settings = get_settings().model_copy(update={"listen_database_url": other})
    listener = ChangeListener(settings, lambda _: None)
    with caplog.at_level(logging.WARNING, "reperio.changes"):
        listener.start()
        wait_until(lambda: any("LISTEN_DATABASE_URL" in each.message for each in caplog.records), 5)
    assert not listener.is_hearing()
    listener.stop(3)
    create_engine(other).dispose()
