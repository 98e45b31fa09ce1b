"""Import of the predecessor's data: everything once, passwords stay valid, rows that cannot be imported are named."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from sqlalchemy import Engine, create_engine, text

from migrations.legacy.__main__ import main
from testkit import warm
from testkit.application import application
from testkit.builders import EventInfo, Person, Service, people
from testkit.quick_client import QuickClient
from testkit.warm import WarmProcess

TODAY = datetime.now(UTC).replace(tzinfo=None)
TABLES = """
CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR UNIQUE, email VARCHAR UNIQUE, hashed_password VARCHAR,
  user_type VARCHAR, selfie_path VARCHAR, selfie_data {bytes}, is_active BOOLEAN, created_at TIMESTAMP,
  event_id INTEGER);
CREATE TABLE events (id INTEGER PRIMARY KEY, name VARCHAR, event_code VARCHAR UNIQUE, date TIMESTAMP,
  photographer_id INTEGER);
CREATE TABLE user_events (id INTEGER PRIMARY KEY, user_id INTEGER, event_id INTEGER, joined_at TIMESTAMP);
CREATE TABLE photos (id INTEGER PRIMARY KEY, filename VARCHAR, original_filename VARCHAR, file_path VARCHAR,
  photo_data {bytes}, content_type VARCHAR, photo_type VARCHAR, user_id INTEGER, photographer_id INTEGER,
  uploaded_at TIMESTAMP, event_id INTEGER);
CREATE TABLE face_matches (id INTEGER PRIMARY KEY, photo_id INTEGER, user_id INTEGER, confidence_score FLOAT,
  detected_at TIMESTAMP);
"""
LONG_PASSWORD = "é" * 50


def hashed(password: str, prefix: bytes = b"2b") -> str:
    """Return a bcrypt hash of the predecessor's form, at the lowest cost."""
    found = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4))
    return found.replace(b"$2b$", b"$" + prefix + b"$", 1).decode()


@dataclass
class Old:
    """The predecessor's database; the methods add rows."""

    engine: Engine
    address: str

    def add(self, table: str, **values: Any) -> None:
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        with self.engine.begin() as connection:
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)  # noqa: S608

    def user(self, number: int, name: str, **values: Any) -> None:
        given = {"user_type": "user", "hashed_password": hashed("pw"), "is_active": True, "created_at": TODAY}
        self.add("users", id=number, username=name, email=f"{name}@example.org", **{**given, **values})

    def photo(self, number: int, **values: Any) -> None:
        given = {"original_filename": f"IMG_{number}.jpg", "photographer_id": 1, "event_id": 5}
        taken = TODAY - timedelta(hours=100 - number)
        self.add("photos", id=number, filename=f"{number}.jpg", uploaded_at=taken, **{**given, **values})


def old_database(address: str) -> Old:
    """The predecessor's tables, with an event of two guests and three photos."""
    engine = create_engine(address)
    kind = "BLOB" if engine.dialect.name == "sqlite" else "BYTEA"
    with engine.begin() as connection:
        for statement in TABLES.format(bytes=kind).split(";")[:-1]:
            connection.execute(text(statement))
    old = Old(engine, engine.url.render_as_string(hide_password=False))
    old.user(1, "lens", user_type="photographer")
    old.add("events", id=5, name="Wedding", event_code="Oldwed", date=TODAY, photographer_id=1)
    old.add("events", id=6, name="Fair", event_code="FAIR", date=TODAY, photographer_id=None)
    old.user(2, "amy", event_id=5, selfie_data=people(1), hashed_password=hashed(LONG_PASSWORD, b"2y"))
    old.user(3, "ben", event_id=5, selfie_path="uploads/selfies/ben.jpg", hashed_password=hashed("pw", b"2a"))
    old.add("user_events", id=1, user_id=2, event_id=5, joined_at=TODAY - timedelta(days=3))
    old.add("user_events", id=2, user_id=2, event_id=6, joined_at=TODAY)
    old.photo(1, photo_data=people(1))
    old.photo(2, photo_data=people(2))
    old.photo(3, file_path="uploads/photos/3.jpg")
    old.add("face_matches", id=1, photo_id=2, user_id=2, confidence_score=99.0, detected_at=TODAY)
    return old


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The predecessor's folder of files."""
    folder = tmp_path / "old files"
    (folder / "selfies").mkdir(parents=True)
    (folder / "photos").mkdir()
    (folder / "selfies" / "ben.jpg").write_bytes(people(2))
    (folder / "photos" / "3.jpg").write_bytes(people(1, 2))
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Old]:
    """The predecessor's database."""
    if request.param == "sqlite":
        found = old_database(f"sqlite:///{tmp_path}/old.db")
    else:
        new_database: Callable[[str], str] = request.getfixturevalue("postgres")
        found = old_database(new_database("psycopg"))
    yield found
    found.engine.dispose()


def on_pairs(source: str, *quick: tuple[str, str]) -> pytest.MarkDecorator:
    """Run a test with each kind of database as source and `target`; all pairs but `quick` ones are long tests."""
    kinds = itertools.product(("sqlite", "postgresql"), repeat=2)
    pairs = [pair if pair in quick else pytest.param(*pair, marks=pytest.mark.long) for pair in kinds]
    return pytest.mark.parametrize((source, "target"), pairs, indirect=True)


def log_in(service: Service, name: str, password: str = "pw") -> Person:
    return Person(0, name, service.log_in(name, password))


def names(photos: list[dict[str, Any]]) -> list[str]:
    return [photo["original_filename"] for photo in photos]


@on_pairs("old", ("postgresql", "sqlite"))
def test_everything_comes_and_guests_find_their_photos(
    old: Old, target: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([old.address, "--files", str(files)]) == 0, capsys.readouterr().out
    output = capsys.readouterr().out
    assert "photos: 3 moved" in output
    assert "1 stay behind" in output
    with QuickClient(application(), raise_server_exceptions=False) as client:
        service = Service(client, target)
        amy, ben = log_in(service, "amy", LONG_PASSWORD), log_in(service, "ben@example.org")
        for guest in (amy, ben):
            assert service.settle(guest)["status"] == "done"
        lens = log_in(service, "lens")
        (event,) = service.get("/api/photographer/events", lens).json()
        assert (event["name"], event["event_code"]) == ("Wedding", "Oldwed")
        service.process_photos(EventInfo(event["id"], event["event_code"], lens))
        # Not photo 2: the predecessor's match of amy was wrong. Newest first.
        assert names(service.my_photos(amy)) == ["IMG_3.jpg", "IMG_1.jpg"]
        assert names(service.my_photos(ben)) == ["IMG_3.jpg", "IMG_2.jpg"]
        assert [each["name"] for each in service.get("/api/user/events", amy).json()] == ["Wedding", "Fair"]
        given = service.get("/api/my-consents", amy).json()
        assert {(each["event_name"], each["basis"], each["taken_over"]) for each in given} == {
            ("Wedding", "selfie", True),
            ("Fair", "selfie", True),
        }
        assert service.post("/api/check-event-code", json={"event_code": "oldwed"}).json() == {"valid": True}
        assert service.post("/api/login", json={"username": "amy", "password": LONG_PASSWORD}).status_code == 200
        assert service.post("/api/login", json={"username": "amy", "password": "é" * 20}).status_code == 401


@on_pairs("old", ("sqlite", "postgresql"))
def test_a_second_run_brings_only_what_is_new(
    old: Old, target: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([old.address, "--anyway"]) == 2
    output = capsys.readouterr().out
    assert "photos 3: there are no bytes and no file 'uploads/photos/3.jpg'; give --files" in output
    assert "selfies 3: there are no bytes" in output
    old.user(9, "cleo", event_id=6)
    assert main([old.address, "--files", str(files)]) == 0
    output = capsys.readouterr().out
    assert "photos: 1 moved, 2 were here already" in output
    assert "users: 1 moved, 3 were here already" in output
    assert "selfies: 1 moved, 1 were here already" in output
    assert main([old.address, "--files", str(files)]) == 0
    assert " 0 moved, 3 were here already" in capsys.readouterr().out


def test_rows_that_cannot_come_are_named_and_the_others_come(
    target: Path, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = old_database(f"sqlite:///{tmp_path}/old.db")
    (tmp_path / "secret.jpg").write_bytes(people(3))
    old.user(20, "AMY ", event_id=5)
    old.user(21, "odd", hashed_password="plain")
    old.user(22, "robot", user_type="machine")
    old.user(23, "lost", event_id=77)
    old.user(24, "zoe@elsewhere.org", event_id=5)
    old.user(25, "closed", event_id=5, is_active=False)
    old.add("events", id=7, name="Twice", event_code="oldwed ", date=None, photographer_id=99)
    old.add("events", id=8, name="Orphan", event_code="ORPHAN", date=None, photographer_id=99)
    old.add("user_events", id=30, user_id=99, event_id=5)
    old.photo(40, photo_data=b"no picture")
    old.photo(41, photo_data=people(4), event_id=None)
    old.photo(42, photo_data=people(5), photo_type="selfie")
    old.photo(43, file_path="../secret.jpg")
    assert main([old.address, "--files", str(files), "--anyway"]) == 2
    output = capsys.readouterr().out
    for line in (
        "refused  users 20: ",
        "refused  users 21: the password's hash is not bcrypt",
        "refused  users 22: unknown user_type 'machine'",
        "refused  users 23: its event 77 did not come",
        "changed  users 24: ",
        "refused  events 7: the code 'oldwed' is another event's here",
        "changed  events 8: its photographer did not come",
        "refused  user_events 30: its user 99 did not come",
        "refused  photos 40: ",
        "refused  photos 41: its event None did not come",
        "refused  photos 42: a selfie among the photos",
        "refused  photos 43: there are no bytes",
        "photos: 3 moved",
        "users: 5 moved",
    ):
        assert line in output
    with QuickClient(application()) as client:
        service = Service(client, target)
        assert log_in(service, "zoe@elsewhere.org@example.org")
        assert service.post("/api/login", json={"username": "closed", "password": "pw"}).status_code == 401
    old.engine.dispose()


def killed_three_times(command: list[str]) -> None:
    """Run the import, killing it while photos, selfies and events come; then to its end."""
    for kills, table in enumerate(("photos:", "selfies:", "events:")):
        read, write = os.pipe()
        run = WarmProcess(command, os.environ, write, write)
        os.close(write)
        with os.fdopen(read) as output:
            for line in output:
                if line.startswith(table):
                    break
            time.sleep(0.15 if kills == 0 else 0.01)
            run.kill()
            run.wait()
    done = warm.run(command, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.server
@on_pairs("old")
def test_a_move_that_is_killed_goes_on_where_it_was(old: Old, target: Path, files: Path) -> None:
    for number in range(100, 160):
        old.photo(number, photo_data=people(number % 60, block=400))
    killed_three_times(["-m", "migrations.legacy", old.address, "--files", str(files)])
    with QuickClient(application(), raise_server_exceptions=False) as client:
        service = Service(client, target)
        lens = log_in(service, "lens")
        event = service.get("/api/photographer/events", lens).json()[0]
        photos = service.process_photos(EventInfo(event["id"], event["event_code"], lens))
        assert sorted(names(photos)) == sorted(f"IMG_{number}.jpg" for number in (1, 2, 3, *range(100, 160)))
        amy, ben = log_in(service, "amy", LONG_PASSWORD), log_in(service, "ben")
        for guest, numbers in ((amy, (3, 1, 121)), (ben, (3, 2, 122))):
            assert service.settle(guest)["status"] == "done"
            assert set(names(service.my_photos(guest))) == {f"IMG_{number}.jpg" for number in numbers}
            assert service.get("/api/all-photos", guest).json() == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("nonsense", "SOURCE_URL cannot be used"),
        ("sqlite:////nowhere/old.db", "there is no file"),
        ("postgres://nobody@127.0.0.1:1/nothing", "does not answer"),
        ("sqlite:///{folder}/empty.db", "the source has no table"),
    ],
)
def test_a_source_that_cannot_be_used_is_named_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, reason: str
) -> None:
    (tmp_path / "empty.db").touch()
    assert main([source.format(folder=tmp_path)]) == 1
    errors = capsys.readouterr().err
    assert reason in errors
    assert len(errors.strip().splitlines()) == 1
