"""The migration back to the time before Azure does not forget faces that are still to be erased there."""

import pytest
from alembic import command
from sqlalchemy import text

from database import get_engine
from migrations.upgrade import config, upgrade

LIST = "INSERT INTO remote_lists (id, kind, name) VALUES (1, 'photos', 'left')"


def test_back_only_once_everything_is_erased(database: None) -> None:
    with get_engine().begin() as connection:
        connection.execute(text(LIST))
    with pytest.raises(RuntimeError, match="Erase the faces first"):
        command.downgrade(config(), "0013")
    with get_engine().begin() as connection:
        assert connection.execute(text("DELETE FROM remote_lists")).rowcount == 1
    command.downgrade(config(), "0013")
    upgrade()
