"""The migration that brings evaluations leaves the rows of the release before alone."""

from sqlalchemy import text

from database import get_engine
from migrations.upgrade import upgrade
from tests.migrations.before import EVENT, NOW, go_before

GUEST = (
    "INSERT INTO users (id, event_id, username, username_key, email, email_key, hashed_password, created_at) "
    "VALUES (1, 1, 'amy', 'amy', 'amy@example.org', 'amy@example.org', 'x', :now)"
)
EVALUATION = "INSERT INTO evaluations (id, event_id, user_id, provider, created_at) VALUES (1, 1, 1, 'local', :now)"


def test_a_guest_of_the_release_before_can_be_evaluated_and_erased(database: None) -> None:
    go_before("0015", EVENT, GUEST)
    upgrade()
    with get_engine().begin() as connection:
        connection.execute(text(EVALUATION), {"now": NOW})
        found = connection.execute(text("SELECT status, attempts FROM evaluations")).one()
        assert tuple(found) == ("pending", 0)
        connection.execute(text("DELETE FROM events"))
        assert connection.scalar(text("SELECT count(*) FROM evaluations")) == 0
