"""Migrate the database to the current schema, from the master process or the command line."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from database import get_engine
from settings import UnsafeSettings

FOLDER = Path(__file__).resolve().parent


class MigrationProblem(Exception):
    """The database cannot be migrated; the message says why in one line."""


def config() -> Config:
    """Return Alembic's configuration, without a database: `env.py` takes it from the settings."""
    found = Config()
    found.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return found


def _check_origin() -> None:
    """Check that the database is empty or was made by this service, in this release or an older one."""
    with get_engine().connect() as connection:
        tables = set(inspect(connection).get_table_names())
        if "alembic_version" not in tables:
            if "users" in tables:
                raise MigrationProblem("the database holds tables that this service did not make.")
            return
        present = set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    known = {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
    if present - known:
        raise MigrationProblem("the database was changed by a newer release; start that one.")


def upgrade() -> None:
    """Run the migrations that the database lacks.

    Raises:
        MigrationProblem: the tables are not this service's, a newer release has migrated them, or a revision fails.
        SQLAlchemyError: the database does not answer.
    """
    _check_origin()
    try:
        command.upgrade(config(), "head")
    except CommandError as error:
        raise MigrationProblem(str(error)) from error


if __name__ == "__main__":
    try:
        upgrade()
    except (MigrationProblem, UnsafeSettings, SQLAlchemyError) as problem:
        sys.exit(f"The database cannot be brought up to date: {str(problem).splitlines()[0]}")
