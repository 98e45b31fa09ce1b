"""The migration that brings the warning leaves the photos of the release before without one."""

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
PHOTO = (
    "INSERT INTO photos (id, event_id, original_filename, filename, content_type, sha256, size, width, height, "
    "status, uploaded_at) VALUES (1, 1, 'p', 'p.jpg', 'image/jpeg', 'p', 1, 9, 9, 'done', :now)"
)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    with fresh_database(request, tmp_path):
        yield


def test_photos_of_the_release_before_have_no_warning(database: None) -> None:
    before = ScriptDirectory.from_config(config()).get_revision("0016").down_revision
    assert isinstance(before, str)
    command.downgrade(config(), before)
    with get_engine().begin() as connection:
        for statement in (EVENT, PHOTO):
            connection.execute(text(statement), {"now": NOW})
    upgrade()
    with get_engine().begin() as connection:
        assert connection.execute(text("SELECT status, warning FROM photos")).one() == ("done", None)
        connection.execute(text("UPDATE photos SET warning = 'incomplete'"))
    command.downgrade(config(), before)
    with get_engine().connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM photos")) == 1
    upgrade()
