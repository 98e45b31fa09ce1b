"""The migration that brings the warning leaves the photos of the release before without one."""

from alembic import command
from sqlalchemy import text

from database import get_engine
from migrations.upgrade import config, upgrade
from tests.migrations.before import EVENT, PHOTO, go_before


def test_photos_of_the_release_before_have_no_warning(database: None) -> None:
    before = go_before("0016", EVENT, PHOTO)
    upgrade()
    with get_engine().begin() as connection:
        assert connection.execute(text("SELECT status, warning FROM photos")).one() == ("done", None)
        connection.execute(text("UPDATE photos SET warning = 'incomplete'"))
    command.downgrade(config(), before)
    with get_engine().connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM photos")) == 1
    upgrade()
