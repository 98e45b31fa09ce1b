"""The migration of badges: guests see after it what they saw before, and none has a badge."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from database import get_engine, reading, transaction
from migrations.upgrade import upgrade
from models import Badge, BadgeMark, Base, Event, GivenPhoto, WithheldPhoto
from photos.visible.queries import visible_to_guest
from tests.migrations.before import EVENT, PHOTO, go_before
from tests.migrations.test_rights import GUEST, MEMBER

WITHHELD = "INSERT INTO withheld_photos (id, photo_id, event_id, reason, created_at) VALUES (7, 1, 1, 'staff', :now)"


def test_an_upgrade_gives_no_photo_and_a_downgrade_shows_badges_again(database: None) -> None:
    go_before("0033", EVENT, PHOTO, GUEST, MEMBER, WITHHELD)
    upgrade()
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    with reading() as session:
        event = session.get_one(Event, 1)
        assert (event.badges, event.badge_seconds) == (False, 90)
        assert session.get_one(WithheldPhoto, 7).reason == "staff"
    with transaction() as session:
        session.delete(session.get_one(WithheldPhoto, 7))
        session.get_one(Event, 1).badges_used = True
        badge = Badge(user_id=1, event_id=1, number="ABCD2345")
        session.add(badge)
        session.flush()
        session.add(BadgeMark(event_id=1, photo_id=1, kind="seen", badge_id=badge.id))
        session.add(GivenPhoto(user_id=1, event_id=1, photo_id=1, given_by="badge", shown=True))
        session.add(WithheldPhoto(photo_id=1, event_id=1, reason="badge"))
    with reading() as session:
        assert visible_to_guest(session, 1, 1) is not None
    go_before("0033")
    with get_engine().begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM withheld_photos")) == 0
        assert connection.scalar(text("SELECT count(*) FROM photos")) == 1
        connection.execute(text("DELETE FROM events"))
    upgrade()
