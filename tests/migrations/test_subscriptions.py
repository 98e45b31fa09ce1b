"""The migration that brings messages about new photos: guests of the release before can ask for them."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from database import get_engine, transaction
from guests import consent
from guests.wordings import shown
from migrations.upgrade import upgrade
from models import Base, Subscription, User
from notifications import service as notifications
from notifications.endpoints import Device
from tests.migrations.before import EVENT, NOW, go_before

GUEST = (
    "INSERT INTO users (id, event_id, username, username_key, email, email_key, hashed_password, created_at) "
    "VALUES (1, 1, 'amy', 'amy', 'amy@example.org', 'amy@example.org', 'x', :now)"
)
MEMBERSHIP = "INSERT INTO user_events (id, user_id, event_id, joined_at, status) VALUES (1, 1, 1, :now, 'done')"


def test_guests_of_the_release_before_can_ask_to_be_told(database: None) -> None:
    go_before("0023", EVENT, GUEST, MEMBERSHIP)
    upgrade()
    with get_engine().begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        # The test of the release before gives its event no end to speak of.
        connection.execute(text("UPDATE events SET expires_at = :later"), {"later": "2036-01-01 00:00:00"})
        connection.execute(text("UPDATE users SET email_confirmed_at = :now"), {"now": NOW})
    consent.give(1, 1, shown("fr"))
    with transaction() as session:
        guest = session.get_one(User, 1)
    keys = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    device = Device("https://fcm.googleapis.com/x", keys, "BTBZMqHH6r4Tts7J_aSIgg")
    notifications.tell_device(guest, 1, device, "fr")
    with transaction() as session:
        assert session.query(Subscription).count() == 1
        session.execute(text("DELETE FROM user_events"))
        assert session.query(Subscription).count() == 0, "it goes with the membership"
