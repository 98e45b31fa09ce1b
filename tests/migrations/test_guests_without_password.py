"""The migration that brings guests without password: accounts of the release before stay as they are."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from accounts import login
from accounts.passwords import hash_password
from database import get_engine
from migrations.upgrade import upgrade
from models import Base
from tests.migrations.before import EVENT, NOW, go_before

USER = (
    "INSERT INTO users (id, event_id, username, username_key, email, email_key, hashed_password, created_at) "
    "VALUES (:id, 1, :name, :name, :address, :address, :hash, :now)"
)
SESSION = (
    "INSERT INTO sessions (id, user_id, token_version, created_at, last_used_at, expires_at) "
    "VALUES ('old', 7, 0, :now, :now, :now)"
)
PASSWORD = "a password of before"


def test_accounts_of_the_release_before_keep_everything(database: None) -> None:
    go_before("0022")
    hashed = hash_password(PASSWORD)
    with get_engine().begin() as connection:
        connection.execute(text(EVENT), {"now": NOW})
        for number, name in ((7, "amy"), (9, "bob")):
            values = {"id": number, "name": name, "address": f"{name}@example.org", "hash": hashed, "now": NOW}
            connection.execute(text(USER), values)
        connection.execute(text(SESSION), {"now": NOW})
        connection.execute(text("DELETE FROM users WHERE id = 9"))
    upgrade()
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert connection.execute(text("SELECT count(*) FROM sessions")).scalar_one() == 1
    assert login.authenticate("amy@example.org", PASSWORD, None).id == 7
    with get_engine().begin() as connection:
        nameless = "INSERT INTO users (event_id, username, username_key, has_made_up_username, created_at) "
        connection.execute(text(nameless + "VALUES (1, 'invite-7f3kq2', 'invite-7f3kq2', true, :now)"), {"now": NOW})
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("SELECT max(id) FROM users")).scalar_one() > 9, "an id was used again"
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def test_going_back_keeps_guests_without_address(database: None) -> None:
    with get_engine().begin() as connection:
        connection.execute(text(EVENT), {"now": NOW})
        nameless = "INSERT INTO users (event_id, username, username_key, has_made_up_username, created_at) "
        connection.execute(text(nameless + "VALUES (1, 'invite-7f3kq2', 'invite-7f3kq2', true, :now)"), {"now": NOW})
    go_before("0022")
    with get_engine().connect() as connection:
        found = connection.execute(text("SELECT email, hashed_password FROM users")).one()
    assert found == ("invite-7f3kq2@localhost", "")
    upgrade()
