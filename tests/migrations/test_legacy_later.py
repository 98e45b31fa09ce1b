"""Import from the predecessor's later releases: accounts per event, photos for everyone, and too much refused."""

import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from database import get_engine, reading
from migrations.legacy.__main__ import main
from models import Event, Photo, Selfie, User, UserEvent
from testkit import warm
from testkit.application import application
from testkit.builders import Service, people
from testkit.quick_client import QuickClient
from testkit.warm import WarmProcess
from tests.conftest import wait_until
from tests.migrations.later import LINES, check_visits
from tests.migrations.test_legacy import Old, on_pairs
from tests.migrations.test_legacy_rows import rows

SQLITE = pytest.mark.parametrize(("later", "target"), [("sqlite", "sqlite")], indirect=True)


@on_pairs("later", ("sqlite", "postgresql"))
def test_everybody_logs_in_and_sees_the_same_photos(
    later: Old, target: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([later.address, "--objects", folder.as_uri()])
    output = capsys.readouterr().out
    assert [line for line in LINES if line not in output] == []
    assert status == 0
    with QuickClient(application(), raise_server_exceptions=False) as client:
        check_visits(Service(client, target))


@pytest.mark.server
@on_pairs("later", ("postgresql", "sqlite"))
def test_a_move_that_is_killed_goes_on_where_it_was(later: Old, target: Path, folder: Path) -> None:
    for number in range(100, 125):
        # A person who is not a guest; other bytes each time.
        (folder / f"{number}.jpg").write_bytes(people(30, block=200 + number))
        later.photo(number, s3_key=f"{number}.jpg")
    command = ["-m", "migrations.legacy", later.address, "--objects", folder.as_uri()]
    with Path(os.devnull).open("w") as nowhere:
        run = WarmProcess(command, os.environ, nowhere.fileno(), nowhere.fileno())
        wait_until(lambda: rows(Photo) >= 5, 60)
        run.kill()
        assert run.wait() == -signal.SIGKILL
    done = warm.run(command, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    with QuickClient(application(), raise_server_exceptions=False) as client:
        check_visits(Service(client, target))
        assert rows(Photo) == 33


# --- what guests see -------------------------------------------------------------------------------


def shown() -> dict[str, bool]:
    """Return, by code, whether the guests of an event here see all its photos."""
    with reading() as session:
        return {event.event_code: event.guests_see_all_photos for event in session.query(Event)}


@SQLITE
def test_where_a_photographer_had_chosen_photos_guests_never_see_all(
    later: Old, target: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [later.address, "--objects", folder.as_uri()]
    assert main([*command, "--guests-see-all"]) == 0
    assert shown() == {"WEDDING": False, "FAIR": True}
    output = capsys.readouterr().out
    assert "changed  events 5: its guests see their own photos and the 1 chosen for everyone" in output
    assert "events: their guests see all photos (--guests-see-all)" in output
    later.add("events", id=8, name="Third", event_code="THIRD")
    later.add("events", id=9, name="Fourth", event_code="FOURTH")
    assert main(command) == 0, "a run that goes on keeps what the first one was told"
    assert shown()["THIRD"]
    later.add("events", id=10, name="Fifth", event_code="FIFTH")
    assert main([*command, "--guests-see-own"]) == 0
    assert shown() == {"WEDDING": False, "FAIR": True, "THIRD": True, "FOURTH": True, "FIFTH": False}


@SQLITE
@pytest.mark.parametrize(("answers", "wanted"), [(["what?", "a"], True), ([], False)])
def test_what_guests_see_is_asked_at_a_terminal(
    later: Old, target: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, answers: list[str], wanted: bool
) -> None:
    def answer(question: str) -> str:
        assert "Guests of the events" in question
        if not answers:
            raise EOFError
        return answers.pop(0)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", answer)
    assert main([later.address, "--objects", folder.as_uri()]) == 0
    assert shown()["FAIR"] is wanted


def test_one_cannot_ask_for_both(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sqlite:///later.db", "--guests-see-all", "--guests-see-own"])
    assert "not allowed with" in capsys.readouterr().err


# --- too many refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "target"),
    [("postgresql", "sqlite"), pytest.param("sqlite", "postgresql", marks=pytest.mark.long)],
    indirect=True,
)
def test_a_source_of_which_much_would_be_refused_is_left_until_it_is_wanted_anyway(
    later: Old, target: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later.user(30, "robot", user_type="ROBOT", event_id=5)
    later.user(31, "android", user_type="ROBOT", event_id=5)
    with get_engine().begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS legacy_rows"))
    assert main([later.address]) == 1
    errors = capsys.readouterr().err
    assert "8 of 28 rows would be refused, more than one in ten:" in errors
    assert "  6 x photos: give --objects" in errors
    assert "  2 x users: unknown user_type 'ROBOT'" in errors
    assert "Nothing was written." in errors
    assert "--anyway" in errors
    assert rows(User) == 0
    assert not inspect(get_engine()).has_table("legacy_rows")
    assert not target.exists()
    assert main([later.address, "--anyway"]) == 2
    output = capsys.readouterr().out
    assert "refused  photos 1: its bytes are in a bucket, under 'raw/event_5/1.jpg'; give --objects" in output
    assert "refused  users 30: unknown user_type 'ROBOT'" in output
    assert (rows(User), rows(Photo)) == (7, 2)
    assert main([later.address, "--objects", folder.as_uri()]) == 2, "two of 28 are fewer than one in ten"
    assert rows(Photo) == 8


@SQLITE
def test_accounts_that_are_refused_stop_the_move_however_many_photos_there_are(
    later: Old, target: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with later.engine.begin() as connection:
        connection.execute(text("UPDATE users SET user_type = 'robot'"))
        connection.execute(text("DELETE FROM user_events"))
    for number in range(100, 190):
        later.photo(number, photo_data=b"x")
    assert main([later.address, "--objects", folder.as_uri()]) == 1
    assert "7 of 7 accounts would be refused, more than half:" in capsys.readouterr().err


@SQLITE
def test_names_taken_within_an_event_count_as_refused(
    later: Old, target: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(("Amy", "AMY", "aMy", "amY", "aMY", "AmY", "AMy"), 50):
        later.user(number, name, event_id=5)
    assert main([later.address, "--objects", folder.as_uri()]) == 1
    assert "7 x users: Username or email already in use" in capsys.readouterr().err


# --- columns and tables ----------------------------------------------------------------------------


@SQLITE
def test_a_mixed_schema_comes_with_the_columns_it_has(later: Old, target: Path, folder: Path) -> None:
    with later.engine.begin() as connection:
        for table in ("user_events", "face_matches", "photo_faces"):
            connection.execute(text(f"DROP TABLE {table}"))
        for column in ("processing_status", "expires_at", "is_indexed", "file_path", "photo_type"):
            connection.execute(text(f"ALTER TABLE photos DROP COLUMN {column}"))
        for column in ("selfie_path", "selfie_status", "created_at"):
            connection.execute(text(f"ALTER TABLE users DROP COLUMN {column}"))
        connection.execute(text("UPDATE photos SET uploaded_at = 'yesterday'"))
        connection.execute(text("UPDATE users SET is_active = 'false' WHERE username = 'dan'"))
        connection.execute(text("CREATE TABLE notes (id INTEGER PRIMARY KEY)"))
    assert main([later.address, "--objects", folder.as_uri()]) == 0
    assert (rows(User), rows(Photo), rows(UserEvent), rows(Selfie)) == (7, 8, 5, 4)
    with reading() as session:
        assert [user.username for user in session.query(User).filter(User.is_active.is_(False))] == ["dan"]
        assert [photo.original_filename for photo in session.query(Photo).filter(Photo.for_everyone)] == ["IMG_4.jpg"]


@SQLITE
def test_a_selfie_that_was_not_looked_at_there_is_judged_as_a_new_one(later: Old, target: Path, folder: Path) -> None:
    assert main([later.address, "--objects", folder.as_uri()]) == 0
    with reading() as session:
        strict = dict(session.query(User.username, Selfie.strict).filter(Selfie.user_id == User.id).all())
    assert strict == {"amy": False, "ben": True}
