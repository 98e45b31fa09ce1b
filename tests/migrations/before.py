"""A database as the release before a migration left it."""

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from database import get_engine
from migrations.upgrade import config

NOW = "2026-11-25 10:00:00"
EVENT = (
    "INSERT INTO events (id, name, event_code, code_key, expires_at, active_engine_id, created_at) "
    "VALUES (1, 'Before', 'OLD', 'old', :now, 'fake', :now)"
)
# The time of capture is that of the upload.
PHOTO = (
    "INSERT INTO photos (id, event_id, original_filename, filename, content_type, sha256, size, width, height, "
    "status, taken_at, uploaded_at) "
    "VALUES (1, 1, 'IMG_1.JPG', 'a.jpg', 'image/jpeg', 'aa', 9, 4, 3, 'done', :now, :now)"
)


def go_before(revision: str, *statements: str) -> str:
    """Take the database back to before a migration and execute statements there, in which `:now` is a time.

    Returns the revision that the database then has.
    """
    before = ScriptDirectory.from_config(config()).get_revision(revision).down_revision
    assert isinstance(before, str)
    command.downgrade(config(), before)
    with get_engine().begin() as connection:
        for statement in statements:
            connection.execute(text(statement), {"now": NOW})
    return before
