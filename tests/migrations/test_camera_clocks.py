"""The migration that brings cameras leaves the photos of the release before as they are."""

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
    "taken_at, uploaded_at) VALUES (1, 1, 'a.jpg', 'a.jpg', 'image/jpeg', 'a', 1, 1, 1, :now, :now)"
)
CAMERA = "INSERT INTO camera_clocks (id, event_id, camera_key, make, model) VALUES (1, 1, 'key', 'Canon', 'R5')"
OF_CAMERA = "UPDATE photos SET camera_id = 1, recorded_at = taken_at"


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    with fresh_database(request, tmp_path):
        yield


def test_a_photo_of_the_release_before_keeps_its_time_and_has_no_camera(database: None) -> None:
    before = ScriptDirectory.from_config(config()).get_revision("0017").down_revision
    assert isinstance(before, str)
    command.downgrade(config(), before)
    with get_engine().begin() as connection:
        for statement in (EVENT, PHOTO):
            connection.execute(text(statement), {"now": NOW})
    upgrade()
    with get_engine().begin() as connection:
        found = connection.execute(text("SELECT taken_at, recorded_at, camera_id FROM photos")).one()
        assert str(found.taken_at).startswith(NOW)
        assert (found.recorded_at, found.camera_id) == (None, None)
        for statement in (CAMERA, OF_CAMERA):
            connection.execute(text(statement))
        connection.execute(text("DELETE FROM events"))
        for table in ("photos", "camera_clocks"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608
