"""Migrate the database to the current schema, from the master process or the command line."""

import argparse
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from database import get_engine
from settings import UnsafeSettings, get_settings

FOLDER = Path(__file__).resolve().parent


class MigrationProblem(Exception):
    """The database cannot be migrated; the message says why in one line."""


def config() -> Config:
    """Return Alembic's configuration, without a database: `env.py` takes it from the settings."""
    found = Config()
    found.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return found


def known_revisions() -> set[str]:
    """Return every revision of the schema that this release has a migration for."""
    return {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}


def present_revision() -> str | None:
    """Return the revision of the database's schema, or None if the database has no schema yet.

    Raises:
        MigrationProblem: the tables are not this service's, or a newer release has changed them.
        SQLAlchemyError: the database does not answer.
    """
    with get_engine().connect() as connection:
        tables = set(inspect(connection).get_table_names())
        if "alembic_version" not in tables:
            if "users" in tables:
                raise MigrationProblem("the database holds tables that this service did not make.")
            return None
        present = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    if present is not None and present not in known_revisions():
        raise MigrationProblem("the database was changed by a newer release; start that one.")
    return present


def upgrade(revision: str = "head") -> None:
    """Run the migrations that the database lacks, up to and including `revision`.

    Raises:
        MigrationProblem: the tables are not this service's, a newer release has migrated them, or a revision fails.
        SQLAlchemyError: the database does not answer.
    """
    present_revision()
    try:
        command.upgrade(config(), revision)
    except CommandError as error:
        raise MigrationProblem(str(error)) from error
    if get_settings().dispatches_by_tickets:
        _prepare_tickets()


def _prepare_tickets() -> None:
    # Only here, as it imports Procrastinate.
    from migrations import tickets

    try:
        tickets.prepare()
    except tickets.UnknownTickets as problem:
        raise MigrationProblem(str(problem)) from problem


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m migrations.upgrade", description=__doc__).parse_args()
    try:
        upgrade()
    except (MigrationProblem, UnsafeSettings, SQLAlchemyError) as problem:
        sys.exit(f"The database cannot be brought up to date: {str(problem).splitlines()[0]}")
