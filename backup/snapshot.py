"""A snapshot of the database as files. The service can read and write meanwhile.

SQLite: one file, copied by SQLite's online backup. PostgreSQL: `COPY` of every table in one repeatable-read
transaction.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import Connection, MetaData, Table, create_engine

from backup import queries
from backup.files import DATABASE, BackupProblem, FileEntry, entry_of, write
from backup.queries import NOT_CONTENT, StoredObject
from database import get_engine
from migrations.upgrade import MigrationProblem, present_revision

SQLITE_FILE = f"{DATABASE}/reperio.db"


@dataclass(slots=True)
class Snapshot:
    """The database at one moment, written to files."""

    revision: str
    objects: list[StoredObject]
    rows: dict[str, int] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    files: list[FileEntry] = field(default_factory=list)


def kind() -> str:
    """Return `sqlite` or `postgresql`."""
    return get_engine().dialect.name


def dump(folder: Path) -> Snapshot:
    """Write a snapshot of the database into the backup's folder.

    Raises:
        BackupProblem: there is no schema, or a newer release made it.
        SQLAlchemyError, psycopg.Error, sqlite3.Error, OSError: the database or the disk failed.
    """
    try:
        if present_revision() is None:
            raise BackupProblem("the database is empty: there is nothing to back up.")
    except MigrationProblem as problem:
        raise BackupProblem(str(problem)) from problem
    return _dump_sqlite(folder) if kind() == "sqlite" else _dump_postgresql(folder)


def _dump_sqlite(folder: Path) -> Snapshot:
    target = folder / SQLITE_FILE
    target.parent.mkdir(parents=True)
    with closing(sqlite3.connect(target)) as copy:
        with get_engine().connect() as connection:
            source: Any = connection.connection.driver_connection
            source.backup(copy)
        # One file, without a write-ahead log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
    engine = create_engine(f"sqlite:///{target}")
    with engine.connect() as connection:
        snapshot = Snapshot(queries.revision(connection), list(queries.objects(connection)))
        for table in tables(connection):
            snapshot.rows[table.name] = queries.count(connection, table.name)
    engine.dispose()
    snapshot.files.append(entry_of(folder, SQLITE_FILE))
    return snapshot


def _dump_postgresql(folder: Path) -> Snapshot:
    with postgresql("REPEATABLE READ") as (connection, driver):
        snapshot = Snapshot(queries.revision(connection), list(queries.objects(connection)))
        for table in tables(connection):
            columns = [column.name for column in table.columns if column.computed is None]
            cursor = driver.cursor()
            with cursor.copy(copy_command("COPY {} ({}) TO STDOUT", table.name, columns)) as rows:
                snapshot.files.append(write(folder, table_file(table.name), map(bytes, rows)))
            snapshot.rows[table.name], snapshot.columns[table.name] = cursor.rowcount, columns
        snapshot.sequences = queries.sequences(connection)
    return snapshot


def copy_command(form: LiteralString, table: str, columns: Sequence[str]) -> sql.Composed:
    """Return a COPY statement with the names of a table and its columns filled in."""
    return sql.SQL(form).format(sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns)))


def table_file(table: str) -> str:
    """Return the path, in the backup, of a table's rows (PostgreSQL)."""
    return f"{DATABASE}/{table}.copy"


def tables(connection: Connection) -> list[Table]:
    """Return the tables that hold the service's rows, each after those its rows refer to."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name not in NOT_CONTENT]


@contextmanager
def postgresql(isolation: str) -> Iterator[tuple[Connection, "psycopg.Connection[Any]"]]:
    """A transaction of psycopg 3, which knows COPY, whatever driver the service uses."""
    url = get_engine().url.set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level=isolation)
    try:
        with engine.begin() as connection:
            queries.make_portable(connection)
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the URL names psycopg
            yield connection, driver
    finally:
        engine.dispose()
