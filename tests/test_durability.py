"""What was answered is on disk, and nothing is erased before its row is gone for good."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as orm_events
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import storage
from accounts import service as accounts
from accounts.passwords import hash_password
from accounts.service import NewAccount
from database import get_engine, reading, transaction
from errors import InvalidToken
from events import service as events
from events.service import NewEvent
from guests import erasure, portraits, removal
from jobs import queue as job_queue
from jobs import work as jobs
from models import ADMIN, DONE, REJECTED, Event, Photo, Selfie, User
from photos import service as photos
from testkit.passwords import PASSWORD
from tests.conftest import DATABASES, fresh_database
from tests.jobs.rows import DECODER, claim, found_by, guest_of, row, send_photo, send_selfie, work


@pytest.fixture(scope="module", params=DATABASES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder with the storage, and with the database where it is a file."""
    found = tmp_path_factory.mktemp("durability")
    with fresh_database(request, found, JOB_BACKOFF_SECONDS="0"):
        yield found


@pytest.fixture
def event(folder: Path) -> Iterator[Event]:
    """An event; deleted with all its jobs afterwards."""
    made = events.create(NewEvent("Durable"))
    yield made
    removal.remove_event(made.id)


@pytest.fixture(scope="module")
def admin(folder: Path) -> User:
    """An administrator."""
    return accounts.create_staff(NewAccount("boss", "boss@example.org", PASSWORD), ADMIN)


def files(folder: Path) -> set[Path]:
    """Return every file in storage."""
    return {path for path in (folder / "storage").rglob("*") if path.is_file()}


def rows(kind: type[Photo] | type[Selfie] | type[User]) -> int:
    """Return how many rows a table has."""
    with reading() as session:
        return session.query(kind).count()


# --- on disk before the answer ---------------------------------------------------------------------


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, int, int]]:
    """What is flushed to disk, in order, each with the number of photos and selfies that had a row then."""
    real, found = os.fsync, list[tuple[Path, int, int]]()

    def fsync(descriptor: int) -> None:
        found.append((Path(f"/proc/self/fd/{descriptor}").readlink(), rows(Photo), rows(Selfie)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def up_to(path: Path, top: Path) -> list[Path]:
    """Return the path and every folder above it, up to `top`."""
    return [path, *[each for each in path.parents if each.is_relative_to(top)]]


def test_a_photo_and_every_folder_that_names_it_are_on_disk_before_its_row(
    event: Event, folder: Path, synced: list[tuple[Path, int, int]]
) -> None:
    before = files(folder)
    send_photo(event, 1)
    (path,) = files(folder) - before
    assert {each[0] for each in synced} >= set(up_to(path, folder / "storage"))
    assert {each[1] for each in synced} == {0}


def test_a_selfie_and_every_folder_that_names_it_are_on_disk_before_its_row(
    event: Event, folder: Path, synced: list[tuple[Path, int, int]]
) -> None:
    guest, before = guest_of(event), files(folder)
    send_selfie(guest, 1)
    (path,) = files(folder) - before
    assert {each[0] for each in synced} >= set(up_to(path, folder / "storage"))
    assert {each[2] for each in synced} == {0}


def test_bytes_that_cannot_be_flushed_are_not_taken(
    event: Event, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(folder)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(storage.StorageFullError):
        send_photo(event, 1)
    assert (files(folder), rows(Photo)) == (before, 0)


def test_only_the_owner_opens_the_storage_folder(event: Event, folder: Path) -> None:
    send_photo(event, 1)
    assert (folder / "storage").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("folder", ["sqlite"], indirect=True)
@pytest.mark.parametrize("session_of", [reading, transaction])
def test_sqlite_flushes_each_commit_and_keeps_its_promises(folder: Path, session_of: Callable[[], Any]) -> None:
    wanted = {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1, "secure_delete": 1}
    with session_of() as session:
        found = {name: session.scalar(text(f"PRAGMA {name}")) for name in wanted}
    assert found == wanted


@pytest.mark.parametrize("folder", ["sqlite"], indirect=True)
def test_an_erased_name_is_overwritten_in_the_file(folder: Path, event: Event) -> None:
    name = "wilhelmina-of-the-hill"
    guest = guest_of(event, name, hash_password(PASSWORD))
    erasure.erase(guest, PASSWORD)
    with get_engine().connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    assert name.encode() not in (folder / "test.db").read_bytes()


@pytest.mark.parametrize("folder", ["sqlite"], indirect=True)
def test_a_writer_waits_for_a_writer_and_not_for_a_reader(folder: Path) -> None:
    def can_write() -> bool:
        with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("PRAGMA busy_timeout=0"))
            try:
                connection.execute(text("BEGIN IMMEDIATE"))
                connection.execute(text("ROLLBACK"))
            except OperationalError:
                return False
            finally:
                connection.execute(text("PRAGMA busy_timeout=30000"))
        return True

    for session_of, wanted in ((reading, True), (transaction, False)):
        with session_of() as session:
            session.scalar(text("SELECT 1 FROM users"))
            assert can_write() is wanted


# --- nothing half done -----------------------------------------------------------------------------


@contextmanager
def failing_commits(only: Callable[[Session], bool] = lambda _: True) -> Iterator[None]:
    """Let commits fail, as when the database goes away at that moment."""

    def fail(session: Session) -> None:
        if only(session):
            raise OperationalError("COMMIT", None, Exception("the server closed the connection"))

    orm_events.listen(Session, "before_commit", fail)
    try:
        yield
    finally:
        orm_events.remove(Session, "before_commit", fail)


def test_a_block_that_fails_writes_nothing_and_a_reading_one_never_does(event: Event) -> None:
    def write_half() -> None:
        with transaction() as session:
            session.get_one(Event, event.id).name = "Half"
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    with reading() as session:
        session.get_one(Event, event.id).name = "Half"
        session.flush()
    with reading() as session:
        assert session.get_one(Event, event.id).name == "Durable"


def test_a_photo_that_gets_no_row_leaves_no_bytes(event: Event, folder: Path) -> None:
    before = files(folder)
    with failing_commits(), pytest.raises(OperationalError):
        send_photo(event, 1)
    assert (files(folder), rows(Photo)) == (before, 0)


def test_a_selfie_that_gets_no_row_leaves_no_bytes(event: Event, folder: Path) -> None:
    guest, before = guest_of(event), files(folder)
    with failing_commits(), pytest.raises(OperationalError):
        send_selfie(guest, 1)
    assert (files(folder), rows(Selfie)) == (before, 0)


def test_the_same_photo_sent_twice_at_once_is_one_photo_and_one_file(
    event: Event, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real, ids = files(folder), storage.put, list[int]()

    def put(key: str, data: bytes) -> None:
        real(key, data)
        with monkeypatch.context() as patch:
            patch.setattr(storage, "put", real)
            ids.append(send_photo(event, 1))

    monkeypatch.setattr(storage, "put", put)
    assert [send_photo(event, 1)] == ids
    assert (rows(Photo), len(files(folder) - before)) == (1, 1)


def test_a_selfie_of_an_account_that_was_just_erased_leaves_no_bytes(
    event: Event, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, real = guest_of(event, hashed=hash_password(PASSWORD)), storage.put
    before = files(folder)

    def put(key: str, data: bytes) -> None:
        real(key, data)
        erasure.erase(guest, PASSWORD)

    monkeypatch.setattr(storage, "put", put)
    with pytest.raises(InvalidToken):
        send_selfie(guest, 1)
    assert files(folder) == before


# --- erased after the commit -----------------------------------------------------------------------

ERASING: dict[str, Callable[[User, Event, User, int], object]] = {
    "account": lambda guest, _, __, ___: erasure.erase(guest, PASSWORD),
    "selfie": lambda guest, _, __, ___: portraits.remove_all(guest.id),
    "photo": lambda _, __, admin, photo_id: photos.remove(admin, [photo_id]),
    "event": lambda _, event, __, ___: removal.remove_event(event.id),
}


@pytest.mark.parametrize("what", ERASING)
def test_an_erasure_that_fails_leaves_rows_and_files(folder: Path, admin: User, what: str) -> None:
    event = events.create(NewEvent("Erased"))
    guest = guest_of(event, hashed=hash_password(PASSWORD))
    photo_id = send_photo(event, 1)
    send_selfie(guest, 1)
    work()
    before = files(folder), rows(User), rows(Selfie), rows(Photo)
    with failing_commits(), pytest.raises(OperationalError):
        ERASING[what](guest, event, admin, photo_id)
    assert (files(folder), rows(User), rows(Selfie), rows(Photo)) == before
    assert found_by(guest) == {photo_id}
    ERASING[what](guest, event, admin, photo_id)
    # Of a photo three files go on into the trash.
    assert len(files(folder)) == len(before[0]) - {"account": 1, "selfie": 1, "photo": 1, "event": 5}[what]
    if what != "event":
        removal.remove_event(event.id)


@pytest.mark.parametrize("end", [DONE, REJECTED])
def test_a_replaced_or_refused_selfie_is_erased_after_the_commit(event: Event, folder: Path, end: str) -> None:
    guest = guest_of(event)
    first = send_selfie(guest, 1)
    work()
    second = send_selfie(guest, *([1] if end == DONE else []))
    before, erased = files(folder), row(Selfie, first if end == DONE else second).storage_key

    def ends(session: Session) -> bool:
        return any(isinstance(each, Selfie) and each.status == end and each.id == second for each in session)

    held = claim()
    with failing_commits(ends):
        jobs.attempt(held, DECODER)
    assert files(folder) == before
    assert [row(Selfie, each).status for each in (first, second)] == ["done", "pending"]
    jobs.attempt(claim(), DECODER)
    assert before - files(folder) == {folder / "storage" / erased}


def test_an_error_of_the_database_in_a_job_is_tried_again(event: Event) -> None:
    photo_id = send_photo(event, 1)
    held = claim()

    def ends(session: Session) -> bool:
        return any(isinstance(each, Photo) and each.status == DONE for each in session)

    with failing_commits(ends):
        jobs.attempt(held, DECODER)
    photo = row(Photo, photo_id)
    assert (photo.status, photo.error) == ("pending", "database: the server closed the connection")
    work()
    assert row(Photo, photo_id).status == "done"
    assert job_queue.claim_next() is None


def test_a_key_without_bytes_does_not_keep_the_others_from_being_erased(event: Event) -> None:
    storage.put("selfies/there.jpg", b"x")
    storage.delete(["selfies/missing.jpg", "selfies/there.jpg"])
    with pytest.raises(storage.MissingObject):
        storage.get("selfies/there.jpg")


def test_the_check_of_the_storage_leaves_nothing(event: Event, folder: Path) -> None:
    before = files(folder)
    storage.check()
    assert files(folder) == before
