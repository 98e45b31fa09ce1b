"""The migration that brings the end: nothing of an event that was there ends within thirty days."""

from datetime import timedelta

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from database import get_engine, reading
from events import ending
from migrations.upgrade import upgrade
from models import Base, Event, utcnow
from tests.migrations.before import EVENT, PHOTO, go_before


def test_an_event_that_was_over_for_years_has_thirty_days(database: None) -> None:
    go_before("0030", EVENT.replace(":now, 'fake", "'2020-01-01 00:00:00', 'fake"), PHOTO)
    upgrade()
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    with reading() as session:
        event = session.get_one(Event, 1)
    soonest = utcnow() + timedelta(days=29, hours=23)
    assert ending.faces_until(event) > soonest
    assert ending.photos_until(event) > soonest
    assert ending.compares_faces(event)
