"""What was erased after a backup is erased again after its restore, and nothing else."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import InstrumentedAttribute

from accounts.service import NewAccount, create_staff
from backup import take
from database import get_engine, reading, transaction
from encryption import store
from events import service as events
from events.service import NewEvent
from guests import consent, erasure, portraits, removal
from guests.wordings import shown
from jobs import pairing, sweep
from models import ADMIN, ErasureReceipt, Event, Photo, Selfie, User, WithheldPhoto
from photos import service as photos
from photos.trash import service as trash
from privacy import reapply
from settings import get_settings
from stored import erasure as file_erasure
from stored import erasure_log, receipts, restored
from testkit import warm
from tests.conftest import DATABASES, fresh_database
from tests.jobs.rows import guest_of, row, send_photo, send_selfie, work
from tests.privacy.searching import hits_in_file, hits_in_files, hits_in_rows, number_from

FIRST = {"users": 770_000, "photos": 880_000, "events": 660_000, "selfies": 550_000}


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("reapply")):
        assert pairing.problem() is None
        number_from(get_engine(), FIRST)
        yield


@dataclass
class Place:
    """Where a backup is restored to, with the log of erasures and the key store of where it was taken."""

    database_url: str
    storage: Path
    log: Path
    keys: str

    def run(self, module: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run a command there."""
        given = {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "STORAGE_URL": f"file://{self.storage}",
            "ERASURE_LOG": str(self.log),
            "KEY_STORE_URL": self.keys,
        }
        return warm.run(["-m", module, *map(str, arguments)], env=given)


@pytest.fixture
def empty(database: None, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    log = erasure_log.place()
    if get_engine().dialect.name == "sqlite":
        return Place(f"sqlite:///{tmp_path}/restored.db", tmp_path / "restored", log, store.url())
    new_database: Callable[[str], str] = request.getfixturevalue("postgres")
    return Place(new_database("psycopg"), tmp_path / "restored", log, store.url())


def erase(guest: User, *, hide_photos: bool = False) -> None:
    with transaction() as session:
        # A guest without a password.
        found = session.get_one(User, guest.id)
        found.hashed_password = None
    erasure.erase(found, "", hide_photos=hide_photos)


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in erasure_log.place().read_text().splitlines()]


def ids_in(place: Place, column: InstrumentedAttribute[int]) -> set[int]:
    engine = create_engine(place.database_url)
    with engine.connect() as connection:
        found = set(connection.execute(select(column)).scalars())
    engine.dispose()
    return found


def test_erasures_since_a_backup_are_repeated_after_its_restore(empty: Place, tmp_path: Path) -> None:
    event, other = events.create(NewEvent("Stays")), events.create(NewEvent("Goesaway"))
    staff = create_staff(NewAccount("boss", "boss@example.org", "a long passphrase"), ADMIN)
    gone, withdrew, kept, unseen = (
        guest_of(event, f"{name}-pers") for name in ("gone", "withdrew", "kept", "unseen")
    )
    back, hidden = guest_of(event, "again-pers"), guest_of(event, "hidden-pers")
    for number, guest in enumerate((gone, withdrew, kept, unseen, back, hidden), 1):
        send_selfie(guest, number)
    photo, stays, hides = send_photo(event, 1, 2, 3), send_photo(event, 4, 5), send_photo(event, 3, 6)
    send_photo(other, 1)
    work()
    with reading() as session:
        keys = {each.user_id: str(each.storage_key) for each in session.query(Selfie)}
    name = row(Photo, photo).filename
    take.take(tmp_path / "backup")

    later = guest_of(event, "later-pers")
    for guest in (gone, later):
        erase(guest)
    erase(hidden, hide_photos=True)
    consent.withdraw(withdrew.id, event.id)
    consent.withdraw(back.id, event.id)
    consent.give(back.id, event.id, shown("fr"))
    portraits.remove_all(unseen.id)
    photos.remove(staff, [photo])
    trash.erase_now(staff, [photo])
    removal.remove_event(other.id)
    needles = [
        # The number of an event stays in the audit log; it names nobody.
        *(str(each) for each in (gone.id, photo, later.id, hidden.id)),
        *(keys[each.id].removeprefix("selfies/") for each in (gone, withdrew, unseen, back, hidden)),
        *("gone-pers", "later-pers", "hidden-pers", "Goesaway", name.rsplit(".", 1)[0]),
    ]
    assert hits_in_rows(get_engine(), needles) == []
    assert hits_in_file(get_engine(), needles) == []
    assert hits_in_files(Path(get_settings().storage_url.removeprefix("file://")), needles) == []
    assert hits_in_files(empty.log.parent, needles) == []
    assert [each["kind"] for each in lines()][-9:] == [
        *("account", "account", "account-hiding", "withdrawal", "withdrawal"),
        *("selfies", "photos", "trash", "event"),
    ]

    done = empty.run("backup.restore", tmp_path / "backup")
    assert "python -m privacy.reapply" in done.stdout, done.stderr
    audited = empty.run("privacy.audit", "--pause", "0")
    assert audited.returncode == 1, audited.stdout + audited.stderr
    found = {line.partition(":")[0] for line in audited.stdout.splitlines()[:-1]}
    assert found == {"erasure-not-logged", "lost-key"}, "what was erased cannot be read in the backup either"
    assert "erasure-not-logged: storage: 1 (.restored" in audited.stdout
    before = ids_in(empty, User.id)
    assert gone.id in before
    tried = empty.run("privacy.reapply", "--dry-run")
    # The photo of the event that goes counts too.
    told = "again: 1 event, 1 account, 1 account-hiding, 0 staff, 1 photos, 1 trash, 1 selfies, 2 withdrawal\n"
    assert tried.stdout == f"Would be erased {told}", tried.stderr
    assert ids_in(empty, User.id) == before
    done = empty.run("privacy.reapply")
    assert (done.returncode, done.stdout) == (0, f"Erased {told}"), done.stderr
    again = empty.run("privacy.reapply")
    assert again.stdout == f"Erased {told}".replace("1", "0").replace("2", "0")

    engine = create_engine(empty.database_url)
    assert hits_in_rows(engine, needles) == []
    assert hits_in_file(engine, needles) == []
    engine.dispose()
    assert hits_in_files(empty.storage, needles) == []
    assert ids_in(empty, User.id) == before - {gone.id, hidden.id}
    assert ids_in(empty, Photo.id) >= {stays, hides}
    assert ids_in(empty, WithheldPhoto.photo_id) == {hides}
    audited = empty.run("privacy.audit", "--pause", "0", "--pictures", "--grace", "0")
    assert audited.returncode == 0, audited.stdout + audited.stderr


def test_a_row_that_was_given_the_number_of_an_erased_one_stays(database: None) -> None:
    event = events.create(NewEvent("Again"))
    guest = guest_of(event)
    with reading() as session:
        subject = receipts.subject_of(session.get_one(User, guest.id))
    erase(guest)
    assert erasure_log.digest_of(receipts.ACCOUNT, subject) in lines()[-1]["digests"]
    assert subject != receipts.subject(guest.id, event.created_at)


def test_a_receipt_says_what_and_how_much_and_nothing_more(database: None) -> None:
    event = events.create(NewEvent("Receipt"))
    guest = guest_of(event, "nobody-knows")
    send_selfie(guest, 1)
    erase(guest)
    line = lines()[-1]
    with reading() as session:
        receipt = session.get_one(ErasureReceipt, line["number"])
    assert (receipt.kind, receipt.counts, receipt.digests) == ("account", {"selfies": 1}, None)
    assert line.keys() == {"number", "kind", "at", "counts", "key", "digests"}
    assert erasure_log.place().stat().st_mode & 0o077 == 0


def test_what_a_crash_left_unlogged_is_logged_later(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    event = events.create(NewEvent("Crash"))

    def fail(*_: object) -> None:
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(erasure_log, "append", fail)
        removal.remove_event(event.id)
    with reading() as session:
        (waiting,) = session.query(ErasureReceipt).filter(ErasureReceipt.digests.is_not(None))
        assert session.get(Event, event.id) is None
    # The next line begins after half a line that a killed process left.
    with erasure_log.place().open("a") as file:
        file.write('{"number":"half')
    file_erasure.retry()
    assert [each.number for each in erasure_log.read(erasure_log.place()) if each][-1] == waiting.number
    with reading() as session:
        assert session.get_one(ErasureReceipt, waiting.number).digests is None
    assert sum(each is None for each in erasure_log.read(erasure_log.place())) == 1


@pytest.mark.sqlite_is_enough
@pytest.mark.usefixtures("database")
def test_a_start_says_that_erasures_are_to_be_repeated(caplog: pytest.LogCaptureFixture) -> None:
    restored.mark("2026-11-26 10:00")
    sweep.at_start()
    reapply.reapply(reapply.Erased())
    sweep.at_start()
    (told,) = [each for each in caplog.records if "privacy.reapply" in each.message]
    assert (told.levelname, "2026-11-26 10:00 UTC" in told.message) == ("ERROR", True)


@pytest.mark.sqlite_is_enough
def test_a_log_that_is_missing_or_under_another_key_is_one_line(empty: Place, tmp_path: Path) -> None:
    missing = empty.run("privacy.reapply", "--log", tmp_path / "nowhere")
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert f"{tmp_path / 'nowhere'}; name it with --log, or pass --no-log" in missing.stderr
    log = tmp_path / "log"
    line = {"number": "1", "kind": "account", "at": "2026-11-26T10:00:00+00:00", "counts": {}, "key": "other"}
    log.write_text(json.dumps({**line, "digests": []}) + "\n")
    other = empty.run("privacy.reapply", "--log", log)
    assert (other.returncode, "set ERASURE_LOG_KEY" in other.stderr) == (2, True)
    log.write_bytes(b"\x1f\x8b no text\n" * 3)
    wrong = empty.run("privacy.reapply", "--log", log)
    assert (wrong.returncode, "is no log of erasures" in wrong.stderr) == (2, True)
    assert not Path(empty.database_url.removeprefix("sqlite:///")).exists()
