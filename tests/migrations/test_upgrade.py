"""The migrations create the schema of the models, on both databases, also when several run at once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, select, text

import storage
from accounts import sessions, tokens
from accounts.service import user_of
from database import get_engine, reading
from events import service as events
from events.service import NewEvent
from jobs import pairing, sweep
from migrations.upgrade import MigrationProblem, config, upgrade
from models import Base, Photo, User, utcnow
from photos.keys import storage_key
from settings import get_settings
from stored import identity
from testkit import warm
from testkit.in_process import use_database
from tests.conftest import fresh_database

PLANNED = {
    "face_matches": {"idx_face_matches_user_id", "idx_face_matches_photo_id", "idx_face_matches_user_photo"},
    "photos": {"idx_photos_event_id", "idx_photos_photographer_id", "idx_photos_event_photographer"},
    "user_events": {"idx_user_events_user_id", "idx_user_events_event_id", "idx_user_events_user_event"},
    "users": {"idx_users_user_type", "idx_users_event_user_type"},
}


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("migrations")):
        yield


@pytest.mark.usefixtures("database")
def test_the_migrated_schema_is_the_declared_one() -> None:
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.usefixtures("database")
def test_the_plans_indexes_are_there_by_name() -> None:
    found = inspect(get_engine())
    for table, wanted in PLANNED.items():
        assert wanted <= {index["name"] for index in found.get_indexes(table)}


def _schema(url: str) -> dict[str, Any]:
    """Return the revision, and every table with its columns, indexes and number of rows."""
    engine = create_engine(url)
    found = inspect(engine)
    with engine.connect() as connection:
        state: dict[str, Any] = {
            table: (
                [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table)],
                sorted(str(index["name"]) for index in found.get_indexes(table)),
                connection.scalar(text(f"SELECT count(*) FROM {table}")),  # noqa: S608 - a name of ours
            )
            for table in found.get_table_names()
        }
        state["revision"] = connection.scalar(text("SELECT version_num FROM alembic_version"))
    engine.dispose()
    return state


@pytest.mark.usefixtures("database")
def test_migrating_again_changes_nothing() -> None:
    url = get_engine().url.render_as_string(hide_password=False)
    events.create(NewEvent("Kept"))
    before = _schema(url)
    assert set(Base.metadata.tables) <= set(before)
    assert before["events"][2] == 1
    upgrade()
    assert _schema(url) == before


@pytest.mark.usefixtures("database")
def test_an_account_and_its_token_from_before_sessions_stay_good() -> None:
    command.downgrade(config(), "0005")
    known = {"name": "lea", "address": "lea@example.org", "now": utcnow().isoformat(" ")}
    columns = "username, username_key, email, email_key, hashed_password, user_type, created_at"
    values = ":name, :name, :address, :address, 'x', 'admin', :now"
    with get_engine().begin() as connection:
        connection.execute(text(f"INSERT INTO users ({columns}) VALUES ({values})"), known)  # noqa: S608
    upgrade()
    with reading() as session:
        user = session.scalars(select(User).where(User.username == "lea")).one()
    token = tokens.issue(user.id, user.token_version, timedelta(hours=1))
    assert user_of(tokens.read(token)).id == user.id
    grant = sessions.start(user, "Firefox · Linux")
    assert user_of(tokens.read(grant.access_token)).session_id is not None


@pytest.mark.server
@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_two_that_start_at_once_both_succeed(request: pytest.FixtureRequest, database: None, tmp_path: Path) -> None:
    url = get_engine().url.render_as_string(hide_password=False)
    if url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path}/both.db"
    else:
        with get_engine().begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    environment = {"DATABASE_URL": url, "PATH": "/usr/bin:/bin", "SECRET_KEY": "x" * 40}
    for run in warm.run_together([["-m", "migrations.upgrade"]] * 3, env=environment):
        assert run.returncode == 0, run.stderr
    assert set(Base.metadata.tables) <= set(_schema(url))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_an_installation_of_the_release_before_keeps_its_files(
    request: pytest.FixtureRequest, database: None, tmp_path: Path
) -> None:
    if get_engine().dialect.name == "sqlite":
        use_database(f"sqlite:///{tmp_path}/before.db")
    else:
        use_database(request.getfixturevalue("postgres")("psycopg"))
    get_settings().storage_url = f"file://{tmp_path}/storage"
    upgrade("0005")
    key = storage_key(1, f"{0:032x}.jpg", "original")
    storage.put(key, b"a photo")
    with get_engine().begin() as connection:
        columns = "id, name, event_code, code_key, expires_at, active_engine_id, created_at"
        values = "1, 'Before', 'OLD', 'old', '2026-01-01 00:00:00', 'fake', '2026-01-01 00:00:00'"
        connection.execute(text(f"INSERT INTO events ({columns}) VALUES ({values})"))  # noqa: S608
        columns = "id, event_id, original_filename, filename, content_type, sha256, size, width, height, uploaded_at"
        values = f"1, 1, 'a.jpg', '{0:032x}.jpg', 'image/jpeg', 'x', 7, 1, 1, '2026-01-01 00:00:00'"
        connection.execute(text(f"INSERT INTO photos ({columns}) VALUES ({values})"))  # noqa: S608
    upgrade()
    sweep.at_start()
    assert identity.of_storage() == pairing.own().uuid
    assert sweep.sweep(timedelta(0)).refused is None
    assert storage.get(key) == b"a photo"
    with reading() as session:
        assert session.get_one(Photo, 1).for_everyone is False


@pytest.mark.usefixtures("database")
def test_a_database_of_a_newer_release_is_refused() -> None:
    with get_engine().begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MigrationProblem, match="newer"):
        upgrade()
