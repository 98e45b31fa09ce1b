"""The migration that brings mails keeps the accounts of the release before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from database import get_engine
from migrations.upgrade import config, upgrade
from models import Base
from tests.conftest import DATABASES, fresh_database

ACCOUNT = (
    "INSERT INTO users (username, username_key, email, email_key, hashed_password, created_at) "
    "VALUES ('Amy', 'amy', 'Amy@example.org', 'amy@example.org', 'x', '2026-11-25 10:00:00')"
)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    with fresh_database(request, tmp_path):
        yield


def test_accounts_of_the_release_before_are_kept_and_not_confirmed(database: None) -> None:
    before = ScriptDirectory.from_config(config()).get_revision("0008").down_revision
    assert isinstance(before, str)
    command.downgrade(config(), before)
    with get_engine().begin() as connection:
        connection.execute(text(ACCOUNT))
    upgrade()
    with get_engine().connect() as connection:
        rows = connection.execute(text("SELECT username, email, email_confirmed_at FROM users")).all()
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert [tuple(row) for row in rows] == [("Amy", "Amy@example.org", None)]
