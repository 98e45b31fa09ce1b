"""A snapshot's way back into an empty database."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from backup import queries
from backup.files import CHUNK_BYTES, BackupProblem, Manifest
from backup.snapshot import SQLITE_FILE, copy_command, kind, postgresql, table_file, tables
from database import get_engine, transaction
from migrations.upgrade import present_revision, upgrade

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def check_empty(manifest: Manifest) -> None:
    """Refuse a database that the backup must not or cannot go into.

    Raises:
        BackupProblem: another kind of database, one with rows, or an empty schema of another revision.
        MigrationProblem: its tables are not this service's, or a newer release has changed them.
        SQLAlchemyError: it does not answer.
    """
    here = kind()
    if here != manifest.database:
        raise BackupProblem(f"the backup is of {NAMES[manifest.database]}, the database is {NAMES.get(here, here)}.")
    path = get_engine().url.database
    if here == "sqlite" and path and not Path(path).exists():
        # To ask would make the file.
        return
    revision = present_revision()
    with get_engine().connect() as connection:
        used = queries.used_table(connection)
    if used is not None:
        raise BackupProblem(f"the database is not empty: there are rows in {used}.")
    if here == "postgresql" and revision not in (None, manifest.revision):
        raise BackupProblem(
            f"the empty tables of the database have revision {revision}, the backup has {manifest.revision}; "
            "name a database without tables."
        )


def load(folder: Path, manifest: Manifest, installation_id: str) -> None:
    """Fill the empty database from the backup, and give it this id instead of that of the original.

    Raises:
        BackupProblem: the number of rows is not the manifest's.
        SQLAlchemyError, psycopg.Error, sqlite3.Error: the database failed; it has no rows.
    """
    if manifest.database == "sqlite":
        _load_sqlite(folder)
        with transaction() as session:
            queries.delete(session.connection(), manifest.deleted)
            queries.set_installation(session.connection(), installation_id)
    else:
        _load_postgresql(folder, manifest, installation_id)


def _load_sqlite(folder: Path) -> None:
    address = f"{(folder / SQLITE_FILE).absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as source, get_engine().connect() as connection:
        target: Any = connection.connection.driver_connection
        source.backup(target)


def _load_postgresql(folder: Path, manifest: Manifest, installation_id: str) -> None:
    upgrade(manifest.revision)
    with postgresql("READ COMMITTED") as (connection, driver):
        found = tables(connection)
        for table in reversed(found):
            # What the migrations put there.
            connection.execute(table.delete())
        for table in found:
            if table.name in manifest.columns:
                _load_table(driver, folder, table.name, manifest)
        for name, last in manifest.sequences.items():
            queries.set_sequence(connection, name, last)
        queries.delete(connection, manifest.deleted)
        queries.set_installation(connection, installation_id)


def _load_table(driver: "psycopg.Connection[Any]", folder: Path, table: str, manifest: Manifest) -> None:
    command = copy_command("COPY {} ({}) FROM STDIN", table, manifest.columns[table])
    cursor = driver.cursor()
    with (folder / table_file(table)).open("rb") as file, cursor.copy(command) as rows:
        while chunk := file.read(CHUNK_BYTES):
            rows.write(chunk)
    if cursor.rowcount != manifest.rows[table]:
        raise BackupProblem(f"{table} has {cursor.rowcount} rows, not the {manifest.rows[table]} of the manifest.")
