"""The migration of withheld photos, erased faces and reports: what guests saw before they see after."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from database import get_engine, reading, transaction
from migrations.upgrade import config, upgrade
from models import Base, ErasedFace, Event, PhotoReport, UserEvent, WithheldPhoto
from photos.visible.queries import visible_to_guest
from tests.migrations.before import EVENT, PHOTO, go_before

GUEST = (
    "INSERT INTO users (id, event_id, username, username_key, email, email_key, hashed_password, created_at) "
    "VALUES (1, 1, 'ann', 'ann', 'ann@e.org', 'ann@e.org', 'x', :now)"
)
MEMBER = "INSERT INTO user_events (id, user_id, event_id, joined_at, status) VALUES (1, 1, 1, :now, 'done')"
SHOWN = "UPDATE events SET guests_see_all_photos = true"


def test_nothing_is_withheld_after_the_upgrade(database: None) -> None:
    go_before("0029", EVENT, PHOTO, GUEST, MEMBER, SHOWN)
    upgrade()
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    with reading() as session:
        assert visible_to_guest(session, 1, 1) is not None
        assert not session.get_one(Event, 1).photos_need_approval
        assert not session.get_one(UserEvent, 1).hides_photos
    with transaction() as session:
        session.add(WithheldPhoto(photo_id=1, event_id=1, reason="staff"))
        session.add(ErasedFace(photo_id=1, box=[0.1, 0.1, 0.2, 0.2]))
        session.add(PhotoReport(photo_id=1, event_id=1, user_id=1, reason="other"))
    with reading() as session:
        assert visible_to_guest(session, 1, 1) is None
    command.downgrade(config(), "-1")
    with get_engine().begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM photos")) == 1
        connection.execute(text("DELETE FROM events"))
    upgrade()
