"""The sweep takes away what no row names: only where storage and database belong together, and never much at once."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import operations.service
import photos.service
import storage
from database import get_engine, reading
from events import service as events
from events.service import NewEvent
from guests import removal
from jobs import pairing, sweep
from models import ADMIN, Event, Photo, User, utcnow
from photos.trash import service as trash
from settings import ROOT, get_settings
from stored import erasure, identity, quarantine
from stored import queries as stored_queries
from testkit.deployed import make_bucket, s3_server
from tests.conftest import DATABASES, fresh_database, wait_until
from tests.jobs.rows import guest_of, row, send_photo, send_selfie, work

NOW = timedelta(0)


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("sweep")):
        yield


@pytest.fixture
def place(database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty storage of its own for the test, beside a database that has never been started."""
    monkeypatch.setattr(get_settings(), "storage_url", f"file://{tmp_path}/storage")
    forget()
    yield tmp_path / "storage"
    with reading() as session:
        left = [event.id for event in session.query(Event)]
    for event_id in left:
        removal.remove_event(event_id)


def forget() -> None:
    """Make the database one that has never been started."""
    with get_engine().begin() as connection:
        connection.execute(text("DELETE FROM installation"))
        connection.execute(text("DELETE FROM erasures"))


@pytest.fixture
def event(place: Path) -> Event:
    """An event of a database that is paired with the empty storage."""
    assert pairing.problem() is None
    return events.create(NewEvent("Swept"))


def orphans(count: int, prefix: str = "photos/1/web") -> list[str]:
    """Store files that no row names."""
    keys = [f"{prefix}/{number:032x}.jpg" for number in range(count)]
    for key in keys:
        path = Path(get_settings().storage_url.removeprefix("file://")) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return keys


def stored() -> set[str]:
    """Return the keys of all images."""
    return {key for batch in storage.objects(100) for key, _ in batch}


def quarantined() -> set[str]:
    """Return the former keys of what is in the quarantine."""
    return {key for batch in quarantine.contents(100) for _, key in batch}


def said() -> str:
    """Return what /readyz says about the sweep now."""
    operations.service.forget_counts()
    return operations.service.readiness(None).sweep or ""


def original_of(photo_id: int) -> str:
    photo = row(Photo, photo_id)
    return f"photos/{photo.event_id}/original/{photo.filename}"


# --- which storage is one's own --------------------------------------------------------------------


def test_an_empty_database_takes_nothing_from_a_full_storage_and_says_so(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = orphans(3)
    found = sweep.sweep(NOW)
    assert (found.moved, stored(), quarantined()) == (0, set(keys), set())
    assert "knows none of them" in (found.refused or "")
    assert [record.levelname for record in caplog.records if "refuses" in record.message] == ["ERROR"]
    assert "knows none of them" in said()
    assert b"reperio_sweep_refused 1.0" in operations.service.metrics()


def written_now(path: Path) -> float:
    """Write a file and return when it was written."""
    path.write_bytes(b"x")
    return path.stat().st_mtime


def test_what_is_uploaded_to_a_wrong_database_does_not_make_the_storage_its_own(place: Path) -> None:
    keys = orphans(3)
    assert pairing.problem() is not None
    seen = time.time()
    # The clock of files goes in steps of some milliseconds.
    wait_until(lambda: written_now(place.with_name("clock")) > seen)
    photo_id = send_photo(events.create(NewEvent("Wrong")), 1)
    assert sweep.sweep(NOW).refused is not None
    assert stored() == {*keys, original_of(photo_id)}


def test_an_installation_from_before_is_paired_where_the_database_knows_a_file(place: Path) -> None:
    keys = orphans(3)
    photo_id = send_photo(events.create(NewEvent("Before")), 1)
    found = sweep.sweep(NOW)
    assert (found.refused, found.moved) == (None, 3)
    assert (stored(), quarantined()) == ({original_of(photo_id)}, set(keys))
    assert said() == ""


def test_a_moved_storage_is_not_touched_until_it_is_paired_on_purpose(
    event: Event, place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    send_photo(event, 1)
    with monkeypatch.context() as patch:
        patch.setattr(get_settings(), "storage_url", f"file://{tmp_path}/new")
        keys = orphans(2)
        assert "does not carry the id" in (sweep.sweep(NOW).refused or "")
        assert "does not carry the id" in said()
        assert stored() == set(keys)
        assert pairing.compare() == pairing.Comparison(files=2, known=0, missing=1)
        pairing.pair()
        assert (sweep.sweep(NOW).moved, said()) == (2, "")
    # Back at the old one, the ids fit again: both are this installation's.
    assert sweep.sweep(NOW).refused is None


def test_a_storage_of_another_installation_is_not_touched_nor_are_its_files_erased(event: Event, place: Path) -> None:
    photo_id = send_photo(event, 1)
    key = original_of(photo_id)
    identity.take_storage("another")
    assert "another installation" in (sweep.sweep(NOW).refused or "")
    assert "another installation" in said()
    removal.remove_event(event.id)
    assert stored() == {key}, "the other installation may have this file too: a copy of the database points here"
    with reading() as session:
        own = stored_queries.installation(session)
    assert own is not None
    identity.take_storage(own.uuid)
    # The event's key is one of them.
    assert erasure.retry() == 6
    assert stored() == set()


def test_a_storage_that_is_away_for_a_start_is_paired_when_it_is_back(place: Path) -> None:
    send_photo(events.create(NewEvent("Mounted")), 1)
    away = place.rename(place.with_name("away"))
    assert "none of the files that the database knows" in (pairing.problem() or "")
    place.rmdir() if place.exists() else None
    away.rename(place)
    assert pairing.problem() is None


def test_all_that_start_at_once_agree(place: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: pairing.problem(), range(4))) == {None}
    assert pairing.own().uuid == identity.of_storage()


# --- how much may go -------------------------------------------------------------------------------


def test_more_than_a_hundred_files_go_only_by_force(event: Event) -> None:
    keys = orphans(101)
    found = sweep.sweep(NOW)
    assert (found.moved, len(stored())) == (0, 101)
    assert "101 of 101 files have no row" in said()
    assert sweep.sweep(NOW, force=True).moved == 101
    assert (stored(), quarantined()) == (set(), set(keys))
    # What a person let go does not count against the next sweep.
    orphans(1, "selfies")
    assert (sweep.sweep(NOW).moved, said()) == (1, "")


def test_many_small_sweeps_take_no_more_than_one_large_one(event: Event) -> None:
    orphans(60)
    assert sweep.sweep(NOW).moved == 60
    keys = orphans(60, "photos/2/web")
    assert sweep.sweep(NOW).refused is not None
    assert stored() == set(keys)


def test_a_dry_run_tells_and_changes_nothing(event: Event, capsys: pytest.CaptureFixture[str]) -> None:
    keys = orphans(2)
    *named, sums = run(capsys, "--dry-run", "--grace", "0")[0].splitlines()
    # The storage lists its files in an order of its own.
    assert sorted(named) == [f"would go: {key}" for key in sorted(keys)]
    assert sums == (
        "2 of 2 files would go into the quarantine, 0 would return from it, 0 would be erased, 0 would stay in it"
    )
    assert (stored(), quarantined()) == (set(keys), set())


def test_a_dry_run_beside_a_wrong_storage_says_why_it_would_refuse(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orphans(2)
    output, problems = run(capsys, "--dry-run", "--grace", "0")
    assert "2 of 2 files would go" in output
    assert "knows none of them" in problems
    with reading() as session:
        assert stored_queries.installation(session) is None


# --- the quarantine --------------------------------------------------------------------------------


def relabel(days: int) -> None:
    """Let the files of the quarantine lie there for so many days."""
    label = quarantine.label_of(utcnow() - timedelta(days=days), forced=False)
    for batch in list(quarantine.contents(100)):
        for old, key in batch:
            storage.move(f"{quarantine.PREFIX}{old}/{key}", f"{quarantine.PREFIX}{label}/{key}")


def test_files_are_erased_after_seven_days_in_the_quarantine(event: Event, place: Path) -> None:
    orphans(1)
    sweep.sweep(NOW)
    relabel(7)
    assert (sweep.sweep(NOW).erased, len(quarantined())) == (0, 1)
    relabel(8)
    assert (sweep.sweep(NOW).erased, quarantined()) == (1, set())


def test_a_file_that_gets_its_row_late_comes_back(event: Event) -> None:
    photo_id = send_photo(event, 1)
    key = original_of(photo_id)
    quarantine.put_in(key, quarantine.label_of(utcnow() - timedelta(days=30), forced=False))
    found = sweep.sweep(NOW)
    assert (found.returned, found.erased, stored(), quarantined()) == (1, 0, {key}, set())


def test_everything_in_the_quarantine_can_be_restored(event: Event, capsys: pytest.CaptureFixture[str]) -> None:
    keys = orphans(2)
    sweep.sweep(NOW)
    assert run(capsys, "--restore")[0] == "2 files returned from the quarantine\n"
    assert (stored(), quarantined()) == (set(keys), set())


def test_a_selfie_in_the_quarantine_is_erased_with_its_guest(event: Event) -> None:
    guest = guest_of(event)
    send_selfie(guest, 1)
    (key,) = stored()
    quarantine.put_in(key, quarantine.label_of(utcnow(), forced=False))
    removal.remove_event(event.id)
    assert (stored(), quarantined()) == (set(), set())


# --- erased on purpose -----------------------------------------------------------------------------


def test_an_event_of_any_size_is_erased_at_once(event: Event) -> None:
    photo_id = send_photo(event, 1)
    name = row(Photo, photo_id).filename
    work()
    with get_engine().begin() as connection:
        columns = "original_filename, content_type, photo_type, size, width, height, uploaded_at, attempts, status"
        for number in range(120):
            connection.execute(
                text(
                    f"INSERT INTO photos (event_id, filename, sha256, {columns}) "  # noqa: S608 - names of columns
                    f"SELECT event_id, :name, :name, {columns} FROM photos WHERE filename = :like"
                ),
                {"name": f"{number:032x}.png", "like": name},
            )
    orphans(120, f"photos/{event.id}/web")
    removal.remove_event(event.id)
    assert (stored(), quarantined()) == (set(), set())
    with reading() as session:
        assert stored_queries.count_waiting(session) == 0


def test_a_storage_that_fails_erases_later(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    send_photo(event, 1)
    work()

    def away(_: object, *, url: str = "") -> None:
        raise storage.StorageError("the share is not mounted")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "delete", away)
        removal.remove_event(event.id)
        assert erasure.retry() == 0
    assert len(stored()) == 4
    assert b"reperio_erasures_waiting 6.0" in operations.service.metrics()
    assert sweep.sweep(NOW).moved == 0, "they are erased, not quarantined"
    assert (stored(), quarantined()) == (set(), set())
    assert b"reperio_erasures_waiting 0.0" in operations.service.metrics()


def test_a_rendition_that_is_written_after_its_photo_was_erased_goes_too(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo_id = send_photo(event, 1)
    name = row(Photo, photo_id).filename.rsplit(".", 1)[0]
    photos.service.remove(User(id=0, user_type=ADMIN), [photo_id])
    # A job under way, whose process is killed right after.
    storage.put(f"photos/{event.id}/thumb/{name}.jpg", b"late")
    assert erasure.retry() == 0
    monkeypatch.setattr(erasure, "LATE_WRITERS", timedelta(0))
    assert erasure.retry() == 4
    trash.erase_now(User(id=0, user_type=ADMIN), [photo_id])
    assert stored() == set()


KILLED = """
import os, signal
from guests import removal
from stored import quarantine
quarantine.erase = lambda keys: os.kill(os.getpid(), signal.SIGKILL)
removal.remove_event(int(os.environ["EVENT"]))
"""


def test_a_kill_between_commit_and_erasing_leaves_no_file(event: Event) -> None:
    guest = guest_of(event)
    send_selfie(guest, 1)
    photo_id = send_photo(event, 1)
    work()
    environment = {**os.environ, "EVENT": str(event.id), "STORAGE_URL": get_settings().storage_url}
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, env=environment, timeout=60, check=False)
    assert done.returncode == -9
    assert row(Photo, photo_id) is None
    assert len(stored()) == 5
    sweep.at_start()
    assert (stored(), quarantined()) == (set(), set())


# --- on S3 -----------------------------------------------------------------------------------------


@pytest.mark.server
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.long
def test_all_of_it_on_s3(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("moto")
    with s3_server(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        make_bucket(environment, "swept")
        monkeypatch.setattr(get_settings(), "storage_url", "s3://swept")
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(identity.claim_storage, "abcd")) == {identity.of_storage()}
        storage.delete([identity.KEY])
        assert pairing.problem() is None
        made = events.create(NewEvent("S3"))
        kept = original_of(send_photo(made, 1))
        for key in ("selfies/nobody.jpg", "photos/9/web/nothing.jpg"):
            storage.put(key, b"x")
        # The server's times have no fractions of a second.
        assert sweep.sweep(timedelta(seconds=-2)).moved == 2
        assert (stored(), quarantined()) == ({kept}, {"selfies/nobody.jpg", "photos/9/web/nothing.jpg"})
        quarantine.put_in(kept, "2026-01-01")
        assert sweep.sweep(NOW).returned == 1
        quarantine.erase(["selfies/nobody.jpg"])
        assert quarantined() == {"photos/9/web/nothing.jpg"}
        removal.remove_event(made.id)
        assert stored() == set()


# --- the command -----------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """Run `python -m jobs.sweep ARGUMENTS` in this process; return its output and its errors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["jobs.sweep", *arguments])
        sweep.main()
    printed = capsys.readouterr()
    return printed.out, printed.err


@pytest.mark.parametrize("given", ["-1", "nan", "inf", "1e300", "soon"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_grace_that_is_no_time_is_refused_with_words(
    place: Path, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    with pytest.raises(SystemExit) as end:
        run(capsys, f"--grace={given}")
    assert end.value.code == 2
    assert f"{given}: a number of seconds from 0" in capsys.readouterr().err


def test_pairing_shows_what_differs_before_it_pairs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orphans(3)
    shown, _ = run(capsys, "--pair")
    assert "3 files in storage: a row names 0, no row names 3" in shown
    assert "python -m jobs.sweep --pair --force" in shown
    assert identity.of_storage() is None
    assert "are paired now" in run(capsys, "--pair", "--force")[0]
    assert identity.of_storage() == pairing.own().uuid


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_database_without_tables_is_named(place: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    orphans(1)
    environment: dict[str, Any] = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{tmp_path}/new.db",
        "STORAGE_URL": get_settings().storage_url,
    }
    done = subprocess.run(
        [sys.executable, "-m", "jobs.sweep", "--grace", "0"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, len(stored())) == (1, "", 1)
    assert done.stderr.startswith("Nothing was swept: ")
    assert "migrations.upgrade" in done.stderr
