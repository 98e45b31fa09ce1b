"""Moving in: every row comes, with its times, once, however the move is broken off; and the source is only read."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from database import forget_engine, reading
from events import queries as event_queries
from guests import erasure, registration, removal
from migrations.legacy import source
from migrations.legacy.__main__ import main
from migrations.legacy.ledger import Ledger
from models import Base, Event, Photo, Selfie, User, UserEvent
from photos.keys import storage_key
from testkit.builders import people
from tests.conftest import DATABASES
from tests.migrations.test_legacy import TODAY, Old, old_database

USERS, EVENTS, MEMBERSHIPS, SELFIES, PHOTOS = 4, 2, 4, 2, 4


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The predecessor's database, whose rows all hold their bytes: 4 users, 2 events, 2 selfies, 4 photos."""
    path = tmp_path_factory.mktemp("filled") / "old.db"
    old = old_database(f"sqlite:///{path}")
    with old.engine.begin() as connection:
        connection.execute(text("UPDATE users SET selfie_data = :data, selfie_path = NULL WHERE id = 3"), _bytes(2))
        connection.execute(text("UPDATE photos SET photo_data = :data, file_path = NULL WHERE id = 3"), _bytes(1, 2))
    old.user(40, "cleo", event_id=6, created_at=TODAY - timedelta(days=30))
    old.photo(50, photo_data=people(3))
    old.engine.dispose()
    return path


def _bytes(*numbers: int) -> dict[str, bytes]:
    return {"data": people(*numbers)}


@pytest.fixture
def old(filled: Path, tmp_path: Path) -> Iterator[Old]:
    """A copy of it."""
    path = tmp_path / "old.db"
    shutil.copy(filled, path)
    engine = create_engine(f"sqlite:///{path}")
    yield Old(engine, f"sqlite:///{path}")
    engine.dispose()


def rows(kind: type[Base]) -> int:
    """Return how many rows a table has."""
    with reading() as session:
        return session.query(kind).count()


def counts() -> tuple[int, ...]:
    """Return how many users, events, memberships, selfies and photos are here."""
    return tuple(rows(kind) for kind in (User, Event, UserEvent, Selfie, Photo))


def mark() -> int:
    """Return the number by which running processes notice new events."""
    with reading() as session:
        return event_queries.change_mark(session)


# A batch of one row, of as many as divide the rows of every table, of one more, and of more than there are.
@pytest.mark.parametrize("batch", [1, 2, 3, 500])
@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_rows_come_however_many_batches_they_fill(
    old: Old, target: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(source, "BATCH", batch)
    assert main([old.address]) == 0
    assert counts() == (USERS, EVENTS, MEMBERSHIPS, SELFIES, PHOTOS)


def test_times_and_owners_come_over(old: Old, target: Path) -> None:
    before = mark()
    assert main([old.address]) == 0
    assert mark() >= before + EVENTS, "running processes look for the codes again"
    with reading() as session:
        photos = {photo.original_filename: photo for photo in session.query(Photo)}
        users = {user.username: user for user in session.query(User)}
        memberships = {(each.user_id, each.event_id): each.joined_at for each in session.query(UserEvent)}
        moved = {event.event_code: event for event in session.query(Event)}
    for number in (1, 2, 3, 50):
        photo = photos[f"IMG_{number}.jpg"]
        assert photo.uploaded_at == _aware(TODAY - timedelta(hours=100 - number))
        assert (photo.photographer_id, photo.event_id) == (users["lens"].id, moved["Oldwed"].id)
    assert users["cleo"].created_at == _aware(TODAY - timedelta(days=30))
    assert memberships[users["amy"].id, moved["Oldwed"].id] == _aware(TODAY - timedelta(days=3))
    assert memberships[users["cleo"].id, moved["FAIR"].id] == _aware(TODAY - timedelta(days=30))
    assert moved["Oldwed"].date == TODAY.date()
    photo = photos["IMG_2.jpg"]
    assert (target / storage_key(photo.event_id, photo.filename, "original")).read_bytes() == people(2)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


class _Killed(BaseException):
    """What no handler of the move catches: the process is gone."""


@pytest.mark.long
@pytest.mark.parametrize(
    ("table", "source_id"),
    [("users", 1), ("events", 5), ("users", 2), ("user_events", 2), ("selfies", 2), ("photos", 1)],
)
def test_a_move_that_dies_before_it_notes_a_row_brings_nothing_twice(
    old: Old, target: Path, monkeypatch: pytest.MonkeyPatch, table: str, source_id: int
) -> None:
    real = Ledger.write

    def die(ledger: Ledger, session: Session, name: str, row_id: int, target_id: int | None) -> None:
        if (name, row_id) == (table, source_id):
            raise _Killed
        real(ledger, session, name, row_id, target_id)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "write", die)
        with pytest.raises(_Killed):
            main([old.address])
    forget_engine()
    assert main([old.address]) == 0
    assert counts() == (USERS, EVENTS, MEMBERSHIPS, SELFIES, PHOTOS)


@pytest.mark.long
def test_a_move_that_dies_after_it_noted_a_row_brings_nothing_twice(
    old: Old, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Ledger.keep

    def die(ledger: Ledger, name: str, row_id: int, target_id: int | None) -> None:
        real(ledger, name, row_id, target_id)
        raise _Killed

    runs = 0
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "keep", die)
        while counts() != (USERS, EVENTS, MEMBERSHIPS, SELFIES, PHOTOS):
            with pytest.raises(_Killed):
                main([old.address])
            runs += 1
            assert runs <= 20
    assert main([old.address]) == 0
    assert counts() == (USERS, EVENTS, MEMBERSHIPS, SELFIES, PHOTOS)


def test_what_was_erased_here_does_not_come_again(old: Old, target: Path) -> None:
    assert main([old.address]) == 0
    with reading() as session:
        user = session.query(User).filter(User.username == "ben").one()
        fair = session.query(Event).filter(Event.event_code == "FAIR").one()
    erasure.erase(user, "pw")
    removal.remove_event(fair.id)
    left = counts()
    assert main([old.address]) == 0
    assert counts() == left
    assert not registration.availability("ben", None, "Oldwed")[0]


@pytest.mark.parametrize("kind", DATABASES)
def test_the_source_is_only_read(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    address = f"sqlite:///{tmp_path}/old.db" if kind == "sqlite" else request.getfixturevalue("postgres")("psycopg")
    writer = create_engine(address)
    with writer.begin() as connection:
        connection.execute(text("CREATE TABLE users (id INTEGER)"))
    engine = source.open_source(address)
    statement = text("INSERT INTO users VALUES (1)")
    with engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(statement)
    for each in (engine, writer):
        each.dispose()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sqlite:///old.db", "--files", str(tmp_path / "nowhere")]) == 1
    assert f"there is no folder {tmp_path}/nowhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("2026-05-01 12:00:00", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("2026-05-01T14:00:00+02:00", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        (datetime(2026, 5, 1, 12), datetime(2026, 5, 1, 12, tzinfo=UTC)),  # noqa: DTZ001 - as the predecessor has them
        ("yesterday", None),
        (None, None),
    ],
)
def test_the_predecessors_times_are_read_as_utc(stored: Any, wanted: datetime | None) -> None:
    otherwise = datetime(2000, 1, 1, tzinfo=UTC)
    assert source.moment(stored, otherwise) == (wanted or otherwise)
    assert source.day(stored) == (wanted.date() if wanted else None)
