"""Missing indexes are created, also beside writers and other runs, and nothing else changes."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from add_performance_indexes import bring_up_to_date, main
from database import get_engine, transaction
from models import Base, User
from testkit import warm
from tests.conftest import DATABASES, fresh_database

COMMAND = ["add_performance_indexes.py"]


@pytest.fixture(params=DATABASES)
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated database without its indexes."""
    with fresh_database(request, tmp_path):
        engine = get_engine().execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for table in Base.metadata.tables:
                for index in inspect(connection).get_indexes(table):
                    # PostgreSQL also lists the index of a unique constraint; it is kept.
                    if "duplicates_constraint" not in index:
                        # A foreign key of PostgreSQL holds on to the unique index it refers to.
                        ending = " CASCADE" if engine.dialect.name == "postgresql" else ""
                        connection.execute(text(f"DROP INDEX {index['name']}{ending}"))
        yield engine


def declared() -> set[str]:
    return {str(index.name) for table in Base.metadata.tables.values() for index in table.indexes}


def existing(engine: Engine) -> set[str]:
    inspector = inspect(engine)
    return {str(each["name"]) for table in Base.metadata.tables for each in inspector.get_indexes(table)}


def execute(engine: Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.execute(text(statement))


def test_what_is_declared_is_made_once(bare: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert not existing(bare) & declared()
    assert main([]) == 0
    assert declared() <= existing(bare)
    first = capsys.readouterr().out
    for name in declared():
        assert f"created  {name} in " in first
    assert main([]) == 0
    assert "0 created, 0 failed, 0 skipped" in capsys.readouterr().out


def test_a_dry_run_says_all_and_changes_nothing(bare: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--dry-run"]) == 0
    output = capsys.readouterr().out
    assert all(name in output for name in declared())
    assert not existing(bare) & declared()
    if bare.dialect.name == "postgresql":
        assert output.count("INDEX CONCURRENTLY") == len(declared())


def test_presence_goes_by_what_an_index_is_not_by_its_name(bare: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    execute(bare, "CREATE INDEX my_own ON photos (event_id)")
    execute(bare, "CREATE INDEX idx_faces_photo_id ON faces (quality)")
    execute(bare, "CREATE INDEX wrong_order ON users (user_type, event_id)")
    execute(bare, "CREATE INDEX not_unique ON users (username_key) WHERE event_id IS NULL")
    execute(bare, "CREATE INDEX other_rows ON photos (status, id) WHERE status = 'done'")
    assert main([]) == 0
    output = capsys.readouterr().out
    assert "present  idx_photos_event_id (as my_own)" in output
    assert "created  idx_faces_photo_id_2 in" in output
    for name in ("idx_users_event_user_type", "uq_users_username_key_no_event", "idx_photos_failed"):
        assert f"created  {name} in" in output
    assert "idx_photos_event_id" not in existing(bare)


def test_rows_that_forbid_a_unique_index_are_named_and_the_others_made(
    bare: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    with transaction() as session:
        for number in range(2):
            person = {"username": "lea", "username_key": "lea", "email": f"{number}@x.org"}
            session.add(User(**person, email_key=f"{number}@x.org", hashed_password="x", user_type="admin"))
    assert main([]) == 1
    output = capsys.readouterr().out
    assert "FAILED   uq_users_username_key_no_event" in output
    assert "1 values of username_key stand more than once" in output
    assert declared() - existing(bare) == {"uq_users_username_key_no_event"}
    with transaction() as session:
        session.execute(text("UPDATE users SET username_key = email_key"))
    assert main([]) == 0
    assert declared() <= existing(bare)


def test_writers_go_on_while_indexes_are_made(bare: Engine) -> None:
    written, ended = [0], threading.Event()

    def write() -> None:
        while not ended.is_set():
            with transaction() as session:
                key = f"w{written[0]}"
                session.add(User(username=key, username_key=key, email=key, email_key=key, hashed_password="x"))
            written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert bring_up_to_date(bare) == 0
    finally:
        ended.set()
        writer.join()
    assert written[0] > 0
    assert declared() <= existing(bare)
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(User(username="w0", username_key="w0", email="o", email_key="o", hashed_password="x"))


@pytest.mark.long
@pytest.mark.server
@pytest.mark.postgresql_is_enough
def test_runs_at_once_all_succeed_and_make_each_index_once(bare: Engine) -> None:
    runs = warm.run_together([COMMAND] * 3, env=os.environ)
    outputs = [run.stdout + run.stderr for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], "\n".join(outputs)
    made = [line.split()[1] for output in outputs for line in output.splitlines() if line.startswith("created")]
    assert len(made) == len(set(made))
    assert not [name for name in made if name.endswith(("_2", "_3"))]
    assert declared() <= existing(bare)


def test_an_invalid_leftover_is_replaced(
    postgres: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = create_engine(postgres("psycopg"), isolation_level="AUTOCOMMIT")
    Base.metadata.create_all(engine)
    execute(engine, "DROP INDEX idx_photos_event_id")
    execute(engine, "CREATE INDEX idx_photos_event_id ON photos (event_id)")
    # The state that an interrupted CREATE INDEX CONCURRENTLY leaves.
    execute(engine, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_photos_event_id'::regclass")
    assert bring_up_to_date(engine) == 0
    output = capsys.readouterr().out
    assert "dropped  idx_photos_event_id, which was invalid" in output
    assert "created  idx_photos_event_id in" in output
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_index WHERE NOT indisvalid")) == 0
    engine.dispose()


def test_the_predecessors_tables_get_what_fits_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/old.db", isolation_level="AUTOCOMMIT")
    execute(engine, "CREATE TABLE user_events (id INTEGER PRIMARY KEY, user_id INT, event_id INT, joined_at TEXT)")
    assert bring_up_to_date(engine) == 0
    output = capsys.readouterr().out
    assert "created  idx_user_events_user_event in" in output
    assert "skipped  idx_user_events_open: user_events has no column lease_until, status" in output
    engine.dispose()


def test_a_short_address_of_a_hosting_provider_is_understood(postgres: Callable[[str], str]) -> None:
    url = make_url(postgres("psycopg"))
    Base.metadata.create_all(engine := create_engine(url))
    engine.dispose()
    short = url.render_as_string(hide_password=False).replace("postgresql+psycopg://", "postgres://")
    assert main(["--database-url", short, "--dry-run"]) == 0


@pytest.mark.server
@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("nonsense", "DATABASE_URL cannot be used"),
        ("postgres://nobody@127.0.0.1:1/nothing", "does not answer"),
        ("sqlite:///build-nothing.db", "holds none of the tables"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(tmp_path: Path, address: str, reason: str) -> None:
    address = address.replace("build-nothing", f"{tmp_path}/empty")
    done = warm.run([*COMMAND, "--database-url", address], env=os.environ)
    assert done.returncode == 1
    assert reason in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
