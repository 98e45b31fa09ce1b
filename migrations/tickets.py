"""Creates Procrastinate's tables and functions, with its own SQL, where `JOB_ENGINE` asks for them.

They are no part of the service's schema: they hold tickets alone, which are made again from the rows of jobs.
"""

from pathlib import Path
from typing import Any

from procrastinate.schema import SchemaManager
from sqlalchemy import text

from database import transaction

# An arbitrary key for advisory locks: one process at a time creates the tables.
ADVISORY_LOCK = 7_281_941
_COMMENT = "Tickets of jobs (JOB_ENGINE=procrastinate); schema "


class UnknownTickets(Exception):
    """Procrastinate's tables are of another release; the message says which in one line."""


def schema_version() -> str:
    """Return which schema this release of Procrastinate has: the version in the name of its last migration."""
    return max(each.name.split("_")[0] for each in Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def prepare() -> None:
    """Create the tables if they are missing.

    Raises:
        UnknownTickets: they were made by another release of Procrastinate, or by another service.
        SQLAlchemyError: the database does not answer.
    """
    wanted = _COMMENT + schema_version()
    with transaction() as session:
        session.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        if session.scalar(text("SELECT to_regclass('procrastinate_jobs')")) is None:
            driver: Any = session.connection().connection.driver_connection
            # Several statements at once: the driver itself takes them, without parameters.
            driver.execute(SchemaManager.get_schema())
            session.execute(text(f"COMMENT ON TABLE procrastinate_jobs IS '{wanted}'"))
            return
        found = session.scalar(text("SELECT obj_description('procrastinate_jobs'::regclass)"))
    if found != wanted:
        raise UnknownTickets(
            f"the database has tables of Procrastinate that are not those of this release ({found or 'no comment'}, "
            f"not {wanted}): see “Dispatch by Procrastinate” in docs/operations.md."
        )
