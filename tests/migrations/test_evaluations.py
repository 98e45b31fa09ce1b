"""The migration that brings evaluations leaves the rows of the release before alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from database import get_engine
from migrations.upgrade import config, upgrade
from tests.conftest import DATABASES, fresh_database

NOW = "2026-11-25 10:00:00"
EVENT = (
    "INSERT INTO events (id, name, event_code, code_key, expires_at, active_engine_id, created_at) "
    "VALUES (1, 'Before', 'OLD', 'old', :now, 'fake', :now)"
)
GUEST = (
    "INSERT INTO users (id, event_id, username, username_key, email, email_key, hashed_password, created_at) "
    "VALUES (1, 1, 'amy', 'amy', 'amy@example.org', 'amy@example.org', 'x', :now)"
)
EVALUATION = "INSERT INTO evaluations (id, event_id, user_id, provider, created_at) VALUES (1, 1, 1, 'local', :now)"


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    with fresh_database(request, tmp_path):
        yield


def test_a_guest_of_the_release_before_can_be_evaluated_and_erased(database: None) -> None:
    before = ScriptDirectory.from_config(config()).get_revision("0015").down_revision
    assert isinstance(before, str)
    command.downgrade(config(), before)
    with get_engine().begin() as connection:
        for statement in (EVENT, GUEST):
            connection.execute(text(statement), {"now": NOW})
    upgrade()
    with get_engine().begin() as connection:
        connection.execute(text(EVALUATION), {"now": NOW})
        found = connection.execute(text("SELECT status, attempts FROM evaluations")).one()
        assert tuple(found) == ("pending", 0)
        connection.execute(text("DELETE FROM events"))
        assert connection.scalar(text("SELECT count(*) FROM evaluations")) == 0
