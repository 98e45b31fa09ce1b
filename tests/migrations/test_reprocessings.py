"""The migration that brings photos made anew: those of the release before keep their renditions."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from database import get_engine, reading
from migrations.upgrade import config, upgrade
from models import Base, Photo
from photos.keys import key_of, storage_key
from photos.reprocessing import service as reprocessing
from tests.conftest import DATABASES, fresh_database
from tests.migrations.test_reembeddings import EVENT, NOW, PHOTO


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    with fresh_database(request, tmp_path):
        yield


def test_photos_of_the_release_before_keep_their_renditions_and_can_be_made_anew(database: None) -> None:
    before = ScriptDirectory.from_config(config()).get_revision("0021").down_revision
    assert isinstance(before, str)
    command.downgrade(config(), before)
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
