"""The migration of changes: what is there stays, the triggers tell of what comes, and a downgrade removes them."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from database import get_engine
from migrations.upgrade import upgrade
from models import Base
from tests.migrations.before import EVENT, PHOTO, go_before
from tests.migrations.test_rights import GUEST, MEMBER

WATCHED = {"selfies", "user_events", "face_matches", "given_photos", "photos", "withheld_photos"}


SQLITE = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%changed_by%'"
POSTGRESQL = "SELECT relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE tgname LIKE '%changed_by%'"


def triggers() -> set[str]:
    """Return the tables that have a trigger of the changes."""
    with get_engine().connect() as connection:
        statement = SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL
        return set(connection.execute(text(statement)).scalars())


def test_an_upgrade_keeps_what_is_there_and_a_downgrade_leaves_no_trigger(database: None) -> None:
    go_before("0037", EVENT, PHOTO, GUEST, MEMBER)
    assert triggers() == set()
    upgrade()
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert connection.scalar(text("SELECT count(*) FROM photos")) == 1
        assert connection.scalar(text("SELECT count(*) FROM changes")) == 0
    assert triggers() >= WATCHED
    go_before("0037")
    assert triggers() == set()
    with get_engine().begin() as connection:
        connection.execute(text("DELETE FROM events"))
    upgrade()
    assert triggers() >= WATCHED
