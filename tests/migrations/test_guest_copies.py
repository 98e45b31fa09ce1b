"""The migration that brings copies for guests: photos of the release before get theirs when they are asked for."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import storage
from backup.queries import objects
from database import get_engine, reading, transaction
from migrations.upgrade import upgrade
from models import Base, Event, GuestCopy, Photo
from photos.copies.service import given_to_guests, plan_some
from photos.keys import storage_key
from testkit.builders import people
from testkit.metadata import exif_of, with_segments
from tests.migrations.before import EVENT, PHOTO, go_before


def test_a_photo_of_the_release_before_is_stripped_for_guests(database: None) -> None:
    go_before("0027", EVENT, PHOTO)
    with get_engine().connect() as connection:
        before = [each.key for each in objects(connection)]
    upgrade()
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert [each.key for each in objects(connection)] == before, "a backup misses nothing that was never made"
    data = with_segments(people(1), exif_of({0xA431: "SERIAL-77"}))
    storage.put(storage_key(1, "a.jpg", "original"), data)
    with transaction() as session:
        assert not session.get_one(Event, 1).keep_capture_details
        session.get_one(Photo, 1).size = len(data)
    assert plan_some(0, 9) == 1
    with reading() as session:
        assert session.get_one(GuestCopy, (1, False)).size == len(people(1))
    source = given_to_guests(1).source
    assert b"".join(source.opened(0, source.size)) == people(1)
    with transaction() as session:
        session.delete(session.get_one(Photo, 1))
    with reading() as session:
        assert session.get(GuestCopy, (1, False)) is None
