"""The migration that brings photos processed again: those of the release before keep their renditions."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from database import get_engine, reading
from migrations.upgrade import upgrade
from models import Base, Photo
from photos.keys import key_of, storage_key
from photos.reprocessing import service as reprocessing
from tests.migrations.before import EVENT, NOW, go_before
from tests.migrations.test_reembeddings import PHOTO


def test_photos_of_the_release_before_keep_their_renditions_and_can_be_made_anew(database: None) -> None:
    go_before("0021")
    with get_engine().begin() as connection:
        connection.execute(text(EVENT), {"now": NOW})
        for number, status in enumerate(("done", "failed", "pending"), 1):
            values = {"id": number, "name": f"{number:032x}.jpg", "now": NOW, "status": status}
            connection.execute(text(PHOTO), values)
    upgrade()
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    with reading() as session:
        photos = session.scalars(select(Photo)).all()
    assert [key_of(each, "web") for each in photos] == [storage_key(1, each.filename, "web") for each in photos]
    planned = reprocessing.plan(1)
    assert planned is not None
    assert planned.photos == 3
