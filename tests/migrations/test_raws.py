"""The migration that brings RAW files leaves the photos of the release before alone."""

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
    "uploaded_at) VALUES (1, 1, 'IMG_1.JPG', 'a.jpg', 'image/jpeg', 'aa', 9, 4, 3, :now)"
)
RAW = (
    "INSERT INTO photo_raws (photo_id, event_id, filename, original_filename, content_type, sha256, size, alone, "
    "uploaded_at) VALUES (1, 1, 'a.cr2', 'IMG_1.CR2', 'image/x-canon-cr2', 'bb', 99, false, :now)"
)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    with fresh_database(request, tmp_path):
        yield


def test_a_photo_of_the_release_before_takes_a_raw_file_and_is_deleted_with_it(database: None) -> None:
    before = ScriptDirectory.from_config(config()).get_revision("0018").down_revision
    assert isinstance(before, str)
    command.downgrade(config(), before)
    with get_engine().begin() as connection:
        for statement in (EVENT, PHOTO):
            connection.execute(text(statement), {"now": NOW})
    upgrade()
    with get_engine().begin() as connection:
        connection.execute(text(RAW), {"now": NOW})
        assert connection.scalar(text("SELECT original_filename FROM photos")) == "IMG_1.JPG"
        connection.execute(text("DELETE FROM photos"))
        assert connection.scalar(text("SELECT count(*) FROM photo_raws")) == 0
