"""Backups taken while the service works, restored into an empty place, and every reason to refuse one."""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, create_engine, inspect, text

import storage
from backup import take
from backup.files import MANIFEST, SEAL
from database import get_engine
from photos.reprocessing import service as reprocessing
from settings import get_settings
from stored import quarantine
from testkit import warm
from testkit.builders import EventInfo, Person, Service, people
from testkit.passwords import PASSWORD
from testkit.servers import ROOT, Api, run_server, wait_until

pytestmark = pytest.mark.server
# The running service adds a sample each minute, and says that it runs, also while a test compares.
GROWING = {"machine_counters", "running_processes", "samples"}
# A restored copy has an id of its own.
OF_ITS_OWN = {"installation"}
# What says whose storage it is, and that a backup was restored into it.
MARKS = {".installation", ".restored"}
# What a migrated database without content has rows in.
UNUSED = {"alembic_version", "change_marks", "changes", "installation"}


@dataclass
class Place:
    """A database and a storage that a command works on."""

    database_url: str
    storage: Path

    def run(self, command: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run `python -m backup.COMMAND`."""
        given = {**os.environ, "DATABASE_URL": self.database_url, "STORAGE_URL": f"file://{self.storage}"}
        return warm.run(["-m", f"backup.{command}", *map(str, arguments)], env=given)

    def engine(self) -> Engine:
        """Return an engine of the test's own."""
        return create_engine(self.database_url)

    def files(self) -> dict[str, str]:
        """Return the SHA-256 of every stored file."""
        found = [path for path in self.storage.rglob("*") if path.is_file() and path.name not in MARKS]
        return {str(path.relative_to(self.storage)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table."""
        engine, metadata = self.engine(), MetaData()
        with engine.connect() as connection:
            metadata.reflect(connection)
            found = {
                name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
                for name, table in metadata.tables.items()
            }
        engine.dispose()
        return found

    def is_untouched(self) -> bool:
        """Tell whether there is neither a table nor a file."""
        if self.database_url.startswith("sqlite"):
            without_tables = not Path(self.database_url.removeprefix("sqlite:///")).exists()
        else:
            engine = self.engine()
            without_tables = inspect(engine).get_table_names() == []
            engine.dispose()
        return without_tables and self.files() == {}


@pytest.fixture(scope="module")
def source(service: Service) -> Place:
    """Where the running service keeps its rows and files."""
    return Place(get_settings().database_url, service.storage)


@pytest.fixture
def empty(service: Service, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    """An empty place on the same kind of database."""
    if get_engine().dialect.name == "sqlite":
        return Place(f"sqlite:///{tmp_path}/restored.db", tmp_path / "restored")
    new_database: Callable[[str], str] = request.getfixturevalue("postgres")
    return Place(new_database("psycopg"), tmp_path / "restored")


@pytest.fixture(scope="module")
def party(service: Service) -> tuple[EventInfo, list[Person]]:
    """An event with four photos and two guests who found theirs."""
    event = service.event()
    guests = [service.guest(event), service.guest(event)]
    for number, guest in enumerate(guests):
        service.send_selfie(guest, people(number))
    service.upload(event, *(people(number, number + 1) for number in range(4)))
    service.process_photos(event)
    for guest in guests:
        service.settle(guest)
    return event, guests


@pytest.fixture(scope="module")
def taken(source: Place, party: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the event at rest. Tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("backups") / "one"
    done = source.run("take", folder)
    assert done.returncode == 0, done.stderr
    # Fourteen, and those of events of tests that ran before in this process.
    stored = sum(1 for key in source.files() if key.startswith(("photos/", "selfies/")))
    assert stored >= 18
    assert f" {stored} stored files" in done.stdout
    return folder


def reseal(folder: Path, **changes: Any) -> None:
    """Change the manifest, with a checksum that fits."""
    manifest = json.loads((folder / MANIFEST).read_text()) | changes
    (folder / MANIFEST).write_text(json.dumps(manifest))
    digest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    (folder / SEAL).write_text(f"{digest}  {MANIFEST}\n")


def test_every_row_and_file_comes_back(source: Place, taken: Path, empty: Place) -> None:
    done = empty.run("restore", taken)
    assert done.returncode == 0, done.stderr
    here, there = source.rows(), empty.rows()
    assert here.keys() == there.keys()
    for table in here.keys() - GROWING - OF_ITS_OWN:
        assert there[table] == here[table], table
    (original,), (restored,) = here["installation"], there["installation"]
    assert restored[1] != original[1]
    assert (empty.storage / ".installation").read_text() == restored[1]
    assert (source.storage / ".installation").read_text() == original[1]
    assert len(here["faces"]) == 8
    assert len(here["face_matches"]) == 3
    assert set(there["samples"]) <= set(here["samples"])
    assert empty.files() == source.files()
    assert len(empty.files()) == 18


@pytest.mark.sqlite_is_enough
def test_a_backup_is_for_its_owner_alone(taken: Path) -> None:
    assert stat.S_IMODE(taken.stat().st_mode) == 0o700
    for path in taken.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.postgresql_is_enough
def test_numbers_of_deleted_rows_are_not_given_again(
    service: Service, source: Place, empty: Place, tmp_path: Path
) -> None:
    event = service.event()
    photo = service.upload(event, people(7))["uploaded_photos"][0]["id"]
    service.process_photos(event)
    assert service.delete(f"/api/photos/{photo}", event.photographer).status_code == 200
    assert source.run("take", tmp_path / "backup").returncode == 0
    assert empty.run("restore", tmp_path / "backup").returncode == 0
    with (
        run_server(
            tmp_path, empty.database_url, STORAGE_URL=f"file://{empty.storage}", GUNICORN_WORKERS="1"
        ) as server,
        Api(server) as anyone,
    ):
        (tmp_path / "new.jpg").write_bytes(people(8))
        photographer = anyone.logged_in(event.photographer.name, PASSWORD)
        assert photographer.upload(event.id, [tmp_path / "new.jpg"])["uploaded_photos"][0]["id"] > photo


@pytest.mark.long
def test_what_was_accepted_before_a_backup_under_load_is_finished_after_the_restore(
    service: Service, source: Place, empty: Place, tmp_path: Path
) -> None:
    event = service.event()
    guest = service.guest(event)
    service.send_selfie(guest, people(1))
    photos = [people(1, number + 2, block=500) for number in range(20)]
    accepted = [each["id"] for each in service.upload(event, *photos)["uploaded_photos"]]
    manifest = take.take(tmp_path / "backup")
    assert manifest.rows["photos"] >= 20
    listed = json.loads((tmp_path / "backup" / MANIFEST).read_text())["files"]
    assert any(entry["path"].endswith(".jpg") for entry in listed)
    done = empty.run("restore", tmp_path / "backup")
    assert done.returncode == 0, done.stderr
    open_states = ("pending", "processing")
    waiting = [row for row in empty.rows()["photos"] if set(open_states) & set(map(str, row))]
    assert waiting, "the service was through before the backup began: the test showed nothing"
    service.process_photos(event)
    service.settle(guest)
    with run_server(
        tmp_path, empty.database_url, STORAGE_URL=f"file://{empty.storage}", JOB_LEASE_SECONDS="2",
        JOB_HEARTBEAT_SECONDS="0.5", FACE_RECOGNIZER_PROVIDER="fake",
    ) as server, Api(server) as anyone:  # fmt: skip
        photographer = anyone.logged_in(event.photographer.name, PASSWORD)

        def all_done() -> bool:
            found = photographer.call("GET", f"/api/photographer/events/{event.id}/photos")
            assert sorted(photo["id"] for photo in found) == sorted(accepted)
            return all(photo["processing_status"] == "done" for photo in found)

        wait_until(all_done, 60, "the photos of the backup")
        restored = anyone.logged_in(guest.name, PASSWORD, event.code)
        wait_until(lambda: restored.call("GET", "/api/rematch-status")["status"] == "done", 20, "the selfie")
        there = {photo["id"]: photo["confidence_score"] for photo in restored.call("GET", "/api/my-photos")}
    assert there == {photo["id"]: photo["confidence_score"] for photo in service.my_photos(guest)}
    assert sorted(there) == sorted(accepted)
    of_event = f"photos/{event.id}/"
    here = {key: digest for key, digest in source.files().items() if key.startswith(of_event)}
    assert here == {key: digest for key, digest in empty.files().items() if key.startswith(of_event)}
    # Of each photo the original and three renditions.
    assert len(here) == 4 * len(photos)


@pytest.mark.sqlite_is_enough
def test_what_is_erased_while_the_backup_is_taken_does_not_come_back(
    service: Service, source: Place, empty: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = service.event()
    kept, goes = (each["id"] for each in service.upload(event, people(1), people(2))["uploaded_photos"])
    service.process_photos(event)
    guest = service.guest(event)
    service.send_selfie(guest, people(2))
    service.settle(guest)
    copy = take._copy

    def erase_then_copy(*given: Any) -> Any:
        # Between the snapshot and the files, as happens when a person presses the button at that moment.
        service.erase_photos(event, goes)
        assert service.delete("/api/my-selfie", guest).status_code == 200
        return copy(*given)

    monkeypatch.setattr(take, "_copy", erase_then_copy)
    manifest = take.take(tmp_path / "backup")
    assert manifest.deleted.photos == {goes}
    assert manifest.lost == []
    done = empty.run("restore", tmp_path / "backup")
    assert done.returncode == 0, done.stderr
    engine = empty.engine()
    with engine.connect() as connection:
        photos = connection.execute(text("SELECT id FROM photos WHERE event_id = :id"), {"id": event.id}).scalars()
        assert list(photos) == [kept]
        for table in ("selfies", "face_matches"):
            left = text(f"SELECT count(*) FROM {table} WHERE user_id = :id")  # noqa: S608 - of two names
            assert connection.execute(left, {"id": guest.id}).scalar_one() == 0
    engine.dispose()
    assert empty.files() == source.files()


@pytest.mark.sqlite_is_enough
def test_renditions_made_anew_while_the_backup_is_taken_stand_for_those_they_replaced(
    service: Service, source: Place, empty: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = service.event()
    service.upload(event, people(1))
    service.process_photos(event)
    copy = take._copy

    def make_anew_then_copy(*given: Any) -> Any:
        assert reprocessing.plan(event.id) is not None
        wait_until(lambda: not reprocessing.under_way(), 20, "the photo")
        for key in source.files():
            if key.startswith((f"photos/{event.id}/web", f"photos/{event.id}/thumb")) and "-" not in key:
                storage.delete([key])
        return copy(*given)

    monkeypatch.setattr(take, "_copy", make_anew_then_copy)
    manifest = take.take(tmp_path / "backup")
    assert (manifest.lost, manifest.deleted.photos) == ([], set())
    assert empty.run("restore", tmp_path / "backup").returncode == 0
    kept = [key for key in empty.files() if key.startswith(f"photos/{event.id}/")]
    assert len(kept) == 4


@pytest.mark.sqlite_is_enough
def test_a_file_that_is_lost_is_named_and_the_rest_is_backed_up(
    service: Service, source: Place, empty: Place, tmp_path: Path
) -> None:
    event = service.event()
    service.upload(event, people(3))
    (photo,) = service.process_photos(event)
    lost = next(source.storage.glob(f"photos/{event.id}/thumb/*"))
    kept = lost.read_bytes()
    lost.unlink()
    try:
        done = source.run("take", tmp_path / "backup")
    finally:
        lost.write_bytes(kept)
    assert done.returncode == 0
    assert done.stderr == f"Warning: {lost.relative_to(source.storage)} is named by a row and not in the storage.\n"
    assert empty.run("restore", tmp_path / "backup").returncode == 0
    assert photo["id"] in [row[0] for row in empty.rows()["photos"]]


@pytest.mark.sqlite_is_enough
def test_a_file_in_the_quarantine_that_a_row_names_is_backed_up(
    service: Service, source: Place, tmp_path: Path
) -> None:
    event = service.event()
    service.upload(event, people(5))
    service.process_photos(event)
    (original,) = source.storage.glob(f"photos/{event.id}/original/*")
    key = str(original.relative_to(source.storage))
    quarantine.put_in(key, "2026-11-25")
    manifest = take.take(tmp_path / "backup")
    assert quarantine.take_out("2026-11-25", key)
    assert manifest.lost == []
    assert (tmp_path / "backup" / "storage" / key).read_bytes() == original.read_bytes()


@pytest.mark.sqlite_is_enough
def test_a_backup_of_an_older_schema_is_restored_and_brought_up_to_date(empty: Place, tmp_path: Path) -> None:
    old = Place(empty.database_url, tmp_path / "old")
    start = "from migrations.upgrade import upgrade; upgrade('0004')"
    given = {**os.environ, "DATABASE_URL": old.database_url}
    subprocess.run([sys.executable, "-c", start], cwd=ROOT, env=given, check=True, timeout=60)
    engine = old.engine()
    with engine.begin() as connection:
        columns = "name, event_code, code_key, expires_at, active_engine_id, created_at"
        values = "'Old', 'OLD', 'old', '2026-01-01 00:00:00', 'fake', '2026-01-01 00:00:00'"
        connection.execute(text(f"INSERT INTO events ({columns}) VALUES ({values})"))  # noqa: S608
    assert old.run("take", tmp_path / "backup").returncode == 0
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM events"))
    engine.dispose()
    done = old.run("restore", tmp_path / "backup")
    assert done.returncode == 0, done.stderr
    assert old.rows()["alembic_version"] == [("0004",)]
    assert warm.run(["-m", "migrations.upgrade"], env=given).returncode == 0
    (event,) = old.rows()["events"]
    assert "Old" in event
    assert not (old.storage / ".installation").exists(), "the first start makes the id"
    assert old.rows()["alembic_version"] != [("0004",)]


def test_psycopg2_is_backed_up_too(source: Place, taken: Path, tmp_path: Path) -> None:
    if source.database_url.startswith("sqlite"):
        pytest.skip("a driver of PostgreSQL")
    other = Place(source.database_url.replace("+psycopg:", "+psycopg2:"), source.storage)
    assert other.database_url != source.database_url
    assert other.run("take", tmp_path / "backup").returncode == 0


# --- refusals ----------------------------------------------------------------------------------------


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _largest(folder: Path) -> Path:
    return max(folder.iterdir(), key=lambda path: path.stat().st_size)


def _a_stored_file(folder: Path) -> Path:
    return next(path for path in sorted((folder / "storage").rglob("*")) if path.is_file())


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "interrupted": (lambda folder: (folder / SEAL).unlink(), "the backup is incomplete"),
    "no backup": (shutil.rmtree, "there is no backup"),
    "a changed picture": (lambda folder: _flip(_a_stored_file(folder)), "is damaged: its checksum does not fit"),
    "a missing picture": (lambda folder: _a_stored_file(folder).unlink(), "is missing"),
    "a changed database": (
        lambda folder: _flip(_largest(folder / "database")),
        "is damaged: its checksum does not fit",
    ),
    "a changed manifest": (lambda folder: _flip(folder / MANIFEST), "manifest.json is damaged"),
    "a newer schema": (lambda folder: reseal(folder, revision="9999"), "a newer release took this backup"),
    "a newer format": (lambda folder: reseal(folder, format=2), "a newer release took this backup"),
    "a path outside": (
        lambda folder: reseal(folder, files=[{"path": "storage/../../x", "size": 1, "sha256": "0"}]),
        "is not a path within the backup",
    ),
}


def refused(done: "subprocess.CompletedProcess[str]", reason: str) -> None:
    """One clear line, a status that a script sees, and nothing else."""
    assert done.returncode == 1
    assert done.stderr.startswith("Nothing was restored: ")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("name", BAD)
def test_a_bad_backup_changes_nothing(name: str, taken: Path, empty: Place, tmp_path: Path) -> None:
    if get_engine().dialect.name != "sqlite" and name not in ("interrupted", "a changed database"):
        pytest.skip("the folder is judged before the database is asked")
    spoil, reason = BAD[name]
    folder = tmp_path / "copy"
    shutil.copytree(taken, folder)
    spoil(folder)
    refused(empty.run("restore", folder), reason)
    assert empty.is_untouched()


def test_a_restore_that_fails_half_way_takes_back_what_it_stored(taken: Path, empty: Place, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(taken, folder)
    manifest = json.loads((folder / MANIFEST).read_text())
    if get_engine().dialect.name == "sqlite":
        (folder / "database" / "reperio.db").write_bytes(b"no database at all" * 1000)
    else:
        (folder / "database" / "faces.copy").write_bytes(b"no row of faces\n")
    for entry in manifest["files"]:
        content = (folder / entry["path"]).read_bytes()
        entry.update(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    # Checksums that fit: only the database can find out.
    reseal(folder, files=manifest["files"])
    refused(empty.run("restore", folder), "")
    assert empty.files() == {}
    assert {table: rows for table, rows in empty.rows().items() if rows and table not in UNUSED} == {}
    done = empty.run("restore", taken)
    assert done.returncode == 0, done.stderr


def test_a_database_with_rows_is_left_alone(source: Place, taken: Path, tmp_path: Path) -> None:
    before = source.rows()
    refused(Place(source.database_url, tmp_path / "empty").run("restore", taken), "the database is not empty")
    after = source.rows()
    assert {table: after[table] for table in after.keys() - GROWING} == {
        table: before[table] for table in before.keys() - GROWING
    }
    assert not list((tmp_path / "empty").rglob("*"))


@pytest.mark.sqlite_is_enough
def test_a_storage_with_pictures_is_left_alone(source: Place, taken: Path, empty: Place) -> None:
    before = source.files()
    refused(Place(empty.database_url, source.storage).run("restore", taken), "the storage is not empty")
    assert source.files() == before
    assert empty.is_untouched()


def test_the_other_kind_of_database_is_refused(source: Place, taken: Path, empty: Place, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(taken, folder)
    other = "postgresql" if source.database_url.startswith("sqlite") else "sqlite"
    reseal(folder, database=other)
    refused(empty.run("restore", folder), "the backup is of")
    assert empty.is_untouched()


@pytest.mark.sqlite_is_enough
def test_a_database_that_does_not_answer_is_named_in_one_line(taken: Path, empty: Place, tmp_path: Path) -> None:
    away = Place("postgresql://nobody@127.0.0.1:1/nothing", empty.storage)
    refused(away.run("restore", taken), "")
    done = away.run("take", tmp_path / "new")
    assert done.returncode == 1
    assert done.stderr.startswith("No backup was taken: ")
    assert done.stderr.count("\n") == 1
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.sqlite_is_enough
def test_a_backup_is_never_written_over_something(source: Place, taken: Path) -> None:
    before = sorted(taken.rglob("*"))
    done = source.run("take", taken)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"No backup was taken: {taken} is not empty; name a new folder.\n"
    assert sorted(taken.rglob("*")) == before
