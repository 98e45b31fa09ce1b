"""The audit finds nothing in a calm event, and names each of the faults that are seeded here."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text

import storage
from azure_face.shared import face_service
from database import get_engine, reading, transaction
from encryption import keys
from encryption import store as key_store
from encryption.templates import template_of
from ending import service as ending
from events import service as events
from events.service import NewEvent
from faces.fake import FakeEngine
from guests import erasure, joining, removal
from guests.wordings import shown
from jobs import dates, pairing
from matching.azure import lists
from models import (
    ADMIN,
    ErasedFace,
    Event,
    Face,
    FaceCandidate,
    FaceMatch,
    Photo,
    Selfie,
    User,
    UserEvent,
    new_event_key,
    utcnow,
)
from photos import service as photos
from photos.badges.service import own_badge
from photos.keys import key_of
from privacy import audit as audits
from privacy.audit import audit
from privacy.checks import CHECKS
from privacy.findings import Check, Finding, Scope
from settings import get_settings
from stored import identity
from testkit import metadata
from testkit.azure_face_server import face_server
from testkit.in_process import clear_caches
from testkit.snapshot import Snapshot
from tests.conftest import DATABASES, fresh_database, snapshot_of
from tests.jobs.rows import guest_of, matches_of, row, send_photo, send_selfie, work

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = Scope(timedelta(0), pictures=None)
LONG_AGO = utcnow() - timedelta(days=200)


@pytest.fixture(scope="module", params=DATABASES)
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("audit")):
        assert pairing.problem() is None
        yield


@dataclass
class Party:
    """An event with a photo of two guests."""

    event: Event
    amy: User
    bob: User
    photo: Photo

    @property
    def rendition(self) -> str:
        """The storage key of the photo's thumbnail."""
        return key_of(self.photo, "thumb")


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, _database: None) -> Iterator[tuple[Party, Snapshot]]:
    event = events.create(NewEvent("Calm"))
    amy, bob = guest_of(event, "amy"), guest_of(event, "bob")
    for number, guest in enumerate((amy, bob), 1):
        send_selfie(guest, number)
    photo_id = send_photo(event, 1, 2)
    work()
    assert (matches_of(amy), matches_of(bob)) == (1, 1)
    assert found() == set()
    for taken in snapshot_of(request):
        yield Party(event, amy, bob, row(Photo, photo_id)), taken


@pytest.fixture
def party(made: tuple[Party, Snapshot]) -> Party:
    found, taken = made
    taken.restore()
    return found


@contextmanager
def anything_goes() -> Iterator[Any]:
    """A connection on which the database does not mind what rows refer to."""
    with get_engine().connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
        else:
            connection.execute(text("SET session_replication_role = replica"))
        yield connection
        connection.commit()
        if sqlite:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[union-attr]
        else:
            connection.execute(text("SET session_replication_role = DEFAULT"))
            connection.commit()


def run(statement: str, **values: Any) -> None:
    with anything_goes() as connection:
        assert connection.execute(text(statement), values).rowcount > 0


def found(scope: Scope = EVERYTHING) -> set[tuple[str, str, str]]:
    return {(each.check, each.place, item) for each in audit(scope, pause=0) for item in each.items}


def test_a_calm_event_has_nothing_to_find(party: Party, capsys: pytest.CaptureFixture[str]) -> None:
    assert found() == set()
    assert ran("--pictures") == 0
    assert capsys.readouterr().out == f"{len(CHECKS)} checks, 0 findings\n"


def ran(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["audit", *arguments])
        return audits.main()


def test_a_selfie_goes_with_the_last_event_in_which_its_guest_consents(party: Party) -> None:
    other, third = events.create(NewEvent("No consent")), events.create(NewEvent("Consent"))
    joining.join(party.amy.id, other.event_code, withdrawn=True)
    joining.join(party.bob.id, third.event_code, shown("fr"))
    work()
    removal.remove_event(party.event.id)
    with reading() as session:
        kept = [
            each.user_id for each in session.query(Selfie).filter(Selfie.user_id.in_((party.amy.id, party.bob.id)))
        ]
        assert session.get(User, party.amy.id) is not None
    assert kept == [party.bob.id]
    assert not {each for each in found() if each[0] in ("selfie-without-consent", "orphan-file")}


def test_strangers_that_are_not_due_yet_are_no_finding(party: Party) -> None:
    run("UPDATE events SET bystander_days = 7 WHERE id = :id", id=party.event.id)
    forget_candidates(party)
    assert found() == set()


def test_the_face_beside_an_erased_one_is_no_finding(party: Party) -> None:
    erasure.erase_guest(party.amy.id)
    assert matches_of(party.bob) == 1
    assert "erased-face" not in {check for check, _, _ in found()}


# --- faults ------------------------------------------------------------------------------------------


def without_consent(party: Party) -> None:
    run("UPDATE consents SET basis = 'unknown' WHERE user_id = :id", id=party.amy.id)


def unknown_words(party: Party) -> None:
    run("UPDATE consents SET text_sha256 = :none WHERE user_id = :id", none="0" * 64, id=party.bob.id)


def words_of_tomorrow(party: Party) -> None:
    run("UPDATE consents SET version = '2099-01', text_sha256 = NULL WHERE user_id = :id", id=party.bob.id)


def erased_without_rows(party: Party) -> None:
    run("DELETE FROM users WHERE id = :id", id=party.amy.id)


def face_of_nothing(party: Party) -> None:
    run("DELETE FROM faces WHERE photo_id = :id", id=party.photo.id)


def camera_of_nothing(party: Party) -> None:
    run("UPDATE photos SET camera_id = 4711 WHERE id = :id", id=party.photo.id)


def matched_by_another(party: Party) -> None:
    run(
        "UPDATE face_matches SET selfie_id = (SELECT id FROM selfies WHERE user_id = :bob) WHERE user_id = :amy",
        amy=party.amy.id,
        bob=party.bob.id,
    )


def given_to_a_stranger(party: Party) -> None:
    elsewhere = events.create(NewEvent("Elsewhere"))
    joining.join(party.amy.id, elsewhere.event_code, withdrawn=True)
    run(
        "INSERT INTO given_photos (user_id, event_id, photo_id, given_by, shown, created_at) "
        "VALUES (:amy, :event, :photo, 'hand', true, :then)",
        amy=party.amy.id,
        event=elsewhere.id,
        photo=party.photo.id,
        then=LONG_AGO,
    )


def badge_of_no_guest(party: Party) -> None:
    run(
        "INSERT INTO badges (user_id, event_id, number, created_at) VALUES (4711, :event, 'ABCD2345', :then)",
        event=party.event.id,
        then=LONG_AGO,
    )


def badge_after_the_end(party: Party) -> None:
    over = events.create(NewEvent("Over", badges=True, photos_until=LONG_AGO, expires_at=LONG_AGO))
    with transaction() as session:
        session.add(UserEvent(user_id=party.bob.id, event_id=over.id))
    own_badge(party.bob.id, over)
    with transaction() as session:
        session.get_one(Event, over.id).photos_ended_at = LONG_AGO


def file_without_row(party: Party) -> None:
    storage.put(f"photos/{party.event.id}/web/{'a' * 32}.jpg", b"left")


def row_without_file(party: Party) -> None:
    storage.delete([party.rendition])


def trash_without_file(party: Party) -> None:
    photos.remove(User(id=0, user_type=ADMIN), [party.photo.id])
    storage.delete([key_of(party.photo, "original")])


def face_stored_again(party: Party) -> None:
    erasure.erase_guest(party.amy.id)
    with transaction() as session:
        place = session.query(ErasedFace).filter_by(photo_id=party.photo.id).one()
        x, y, width, height = place.box
        # As another engine sees it.
        left = session.query(Face).filter_by(photo_id=party.photo.id).one()
        fields = ("photo_id", "event_id", "landmarks", "quality", "engine_id", "embedding")
        sides = (party.photo.width, party.photo.height) * 2
        box = [share * side for share, side in zip((x, y + height * 0.1, width, height * 1.1), sides, strict=True)]
        session.add(Face(**{name: getattr(left, name) for name in fields}, box=box))


def not_erased(party: Party) -> None:
    key = f"selfies/erased-{party.event.id}.jpg"
    storage.put(key, b"still there")
    run("INSERT INTO erasures (key, requested_at, late) VALUES (:key, :then, false)", key=key, then=LONG_AGO)


def with_a_place(party: Party) -> None:
    exif = metadata.exif_of({}, {1: "N", 2: (48.0, 51.0, 24.0)})
    storage.put(party.rendition, metadata.with_segments(storage.get(party.rendition), b"Exif\0\0" + exif))


def with_something_behind(party: Party) -> None:
    storage.put(party.rendition, storage.get(party.rendition) + b"trailer")


def session_long_over(party: Party) -> None:
    run(
        "INSERT INTO sessions (id, user_id, token_version, created_at, last_used_at, expires_at) "
        "VALUES (:id, :user, 0, :then, :then, :then)",
        id=f"s{party.amy.id}",
        user=party.amy.id,
        then=LONG_AGO,
    )


def choice_long_over(party: Party) -> None:
    run(
        "INSERT INTO photo_choices (user_id, event_id, photo_ids, created_at) VALUES (:user, :event, '[]', :then)",
        user=party.amy.id,
        event=party.event.id,
        then=LONG_AGO,
    )


def stranger_where_none_is_stored(party: Party) -> None:
    run("UPDATE events SET bystanders = 'none' WHERE id = :id", id=party.event.id)
    forget_candidates(party)


def stranger_after_the_expiry(party: Party) -> None:
    run("UPDATE events SET expires_at = :then WHERE id = :id", id=party.event.id, then=LONG_AGO)
    forget_candidates(party)


def stranger_after_some_days(party: Party) -> None:
    run("UPDATE events SET bystander_days = 7 WHERE id = :id", id=party.event.id)
    run("UPDATE photos SET uploaded_at = :then WHERE id = :id", id=party.photo.id, then=LONG_AGO)
    forget_candidates(party)


def forget_candidates(party: Party) -> None:
    """Let a face be nobody's."""
    with transaction() as session:
        for table in (FaceCandidate, FaceMatch):
            session.execute(delete(table).where(table.user_id == party.amy.id))


def unlogged(party: Party) -> None:
    run(
        "INSERT INTO erasure_receipts (number, kind, erased_at, counts, digests) "
        "VALUES (:n, 'event', :then, '{}', '[]')",
        n=f"{party.event.id:032}",
        then=LONG_AGO,
    )


def child_with_a_login(party: Party) -> None:
    run("UPDATE users SET guardian_id = :bob WHERE id = :amy", bob=party.bob.id, amy=party.amy.id)


def plain_template(party: Party) -> None:
    with transaction() as session:
        for face in session.query(Face).filter_by(photo_id=party.photo.id):
            face.embedding = template_of(session, face) or b""


def key_that_is_gone(party: Party) -> None:
    with reading() as session:
        (selfie,) = session.query(Selfie).filter(Selfie.user_id == party.amy.id)
    key_store.destroy([keys.of_portrait(str(selfie.storage_key))])


def key_of_an_erased_event(_: Party) -> None:
    keys.ensure(new_event_key())


FAULTS = (
    (without_consent, "template-without-consent", "selfie_embeddings"),
    (without_consent, "template-without-consent", "face_matches"),
    (without_consent, "selfie-without-consent", "selfies"),
    (unknown_words, "unknown-wording", "consents"),
    (words_of_tomorrow, "unknown-wording", "consents"),
    (erased_without_rows, "orphan-row", "face_matches.user_id"),
    (face_of_nothing, "orphan-row", "face_candidates.face_id"),
    (camera_of_nothing, "orphan-row", "photos.camera_id"),
    (matched_by_another, "stranger", "face_matches"),
    (given_to_a_stranger, "stranger", "given_photos"),
    (badge_of_no_guest, "orphan-row", "badges.user_id,event_id"),
    (badge_after_the_end, "past-its-date", "badges"),
    pytest.param(file_without_row, "orphan-file", "storage", marks=pytest.mark.sqlite_is_enough),
    pytest.param(row_without_file, "missing-file", "photos", marks=pytest.mark.sqlite_is_enough),
    pytest.param(trash_without_file, "missing-file", "trashed_photos", marks=pytest.mark.sqlite_is_enough),
    (face_stored_again, "erased-face", "faces"),
    (not_erased, "erasure-overdue", "storage"),
    pytest.param(with_a_place, "metadata", "storage", marks=pytest.mark.sqlite_is_enough),
    pytest.param(with_something_behind, "metadata", "storage", marks=pytest.mark.sqlite_is_enough),
    (unlogged, "erasure-not-logged", "erasure_receipts"),
    (stranger_where_none_is_stored, "bystander", "faces"),
    (stranger_after_the_expiry, "bystander", "faces"),
    (stranger_after_some_days, "bystander", "faces"),
    (session_long_over, "past-its-date", "sessions"),
    (choice_long_over, "past-its-date", "photo_choices"),
    (plain_template, "plain-template", "faces"),
    (key_that_is_gone, "lost-key", "selfies"),
    pytest.param(key_of_an_erased_event, "orphan-key", "key store", marks=pytest.mark.sqlite_is_enough),
    (child_with_a_login, "child", "users"),
)


@pytest.mark.parametrize(("seed", "check", "place"), FAULTS, ids=lambda each: getattr(each, "__name__", str(each)))
def test_a_fault_is_named(
    party: Party, seed: Callable[[Party], None], check: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(party)
    assert ran("--json", "--pause", "0", "--pictures", "--grace", "0") == 1
    printed = capsys.readouterr().out
    assert (check, place) in {(each["check"], each["place"]) for each in json.loads(printed)["findings"]}
    assert not re.search("amy|bob|example.org", printed)


def test_what_is_past_its_date_goes_with_the_next_sweep(party: Party) -> None:
    session_long_over(party)
    choice_long_over(party)
    dates.erase_old()
    ending.sweep()
    assert not {each for each in found() if each[0] == "past-its-date"}


def test_a_storage_of_another_installation_is_named(party: Party) -> None:
    own = storage.get(identity.KEY)
    identity.take_storage("another")
    try:
        assert "unpaired-storage" in {check for check, _, _ in found()}
    finally:
        storage.put(identity.KEY, own)


@pytest.mark.sqlite_is_enough
def test_what_azure_keeps_without_a_row_is_named(party: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    with face_server(FakeEngine()) as server:
        monkeypatch.setattr(get_settings(), "azure_face_endpoint", server.endpoint)
        monkeypatch.setattr(get_settings(), "azure_face_key", server.state.key)
        clear_caches()
        service = face_service()
        assert service is not None
        with reading() as session:
            name = f"{lists.prefix(session)}99-photos"
        service.make_list(name)
        assert ("provider", "provider", name) in found()
    clear_caches()


# --- what is in flux, what cannot be read, how it is told -----------------------------------------------


def test_what_is_gone_at_the_second_look_is_no_finding() -> None:
    looks = iter([[Finding("t", "1"), Finding("t", "2")], [Finding("t", "2"), Finding("t", "3")]])
    (only,) = audit(EVERYTHING, 0, [Check("changing", "", lambda _: next(looks))])
    assert only.line() == "changing: t: 1 (2)"


def test_a_million_findings_are_cut_off() -> None:
    (only,) = audit(EVERYTHING, 0, [Check("many", "", lambda _: (Finding("t", f"{n:07}") for n in range(10**6)))])
    assert len(only.items) == audits.MOST_HELD
    assert only.line() == "many: t: 10000 or more (0000000, 0000001, 0000002, 0000003, 0000004, …)"


@pytest.mark.usefixtures("_database")
def test_a_database_that_does_not_answer_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise storage.StorageError("it is away")

    monkeypatch.setattr(storage, "objects", fail)
    assert ran("--pause", "0") == 2
    assert capsys.readouterr().err == "Not audited: it is away\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [("--grace", "nan"), ("--grace", "inf"), ("--pause", "-1"), ("--sample", "-1"), ("--sample", "9" * 20)],
)
def test_a_number_that_is_none_is_refused(name: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ran(name, value)
    assert capsys.readouterr().err.count("is needed") == 1


def test_each_check_is_in_the_document() -> None:
    document = (ROOT / "docs" / "privacy.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", document, re.MULTILINE))
    assert {check.name: check.sentence for check in CHECKS}.items() <= rows.items()
    assert len({check.name for check in CHECKS}) == len(CHECKS)
