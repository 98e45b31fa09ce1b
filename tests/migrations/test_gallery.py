"""The migration that brings sections and a third rendition: photos of the release before have two."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from backup.queries import objects
from database import get_engine, reading
from migrations.upgrade import upgrade
from models import Base, Photo
from tests.migrations.before import EVENT, PHOTO, go_before

SECTION = "INSERT INTO event_sections (event_id, title, starts_at) VALUES (1, 'Dinner', '2026-06-20 18:30:00')"


def test_a_photo_of_the_release_before_has_no_medium_and_its_event_no_sections(database: None) -> None:
    go_before("0024", EVENT, PHOTO)
    with get_engine().connect() as connection:
        before = [each.key for each in objects(connection)]
    upgrade()
    with get_engine().begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert [each.key for each in objects(connection)] == before, "a backup does not miss what was never made"
        connection.execute(text(SECTION))
    with reading() as session:
        assert not session.get_one(Photo, 1).has_medium
    with get_engine().begin() as connection:
        connection.execute(text("DELETE FROM events"))
        assert connection.scalar(text("SELECT count(*) FROM event_sections")) == 0
