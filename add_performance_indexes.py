"""Create the indexes that `models.py` declares and a database lacks: `python add_performance_indexes.py`.

An index is present if there is one with the same columns in the same order, the same uniqueness and the same rows,
under any name; a unique constraint counts as a unique index. The only indexes dropped are those that PostgreSQL marks
as invalid. It may run again, several times at once, and while the service runs.
"""

import argparse
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Table, UniqueConstraint, func, inspect, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from database import make_engine
from models import Base
from settings import Settings, UnsafeSettings, get_settings

# An arbitrary key for advisory locks; `migrations/env.py` uses another one.
ADVISORY_LOCK = 7_204_611
LOCK_POLL_SECONDS = 0.5
LOCK_SECONDS = 3600.0
# PostgreSQL truncates longer names.
MAX_NAME = 63


class Unusable(Exception):
    """No index can be created in this database; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What an index is without its name; `rows` is the normalised condition of a partial index, or empty."""

    table: str
    columns: tuple[str, ...]
    unique: bool
    rows: str


def _rows(predicate: str) -> str:
    """Return a partial index's condition in a normal form: databases return it rewritten.

    PostgreSQL returns `x IN ('a','b')` as `(x)::text = ANY (ARRAY['a'::character varying, ...])`.
    """
    plain = re.sub(r"::[a-z ]+(\[\])?", "", predicate.lower())
    plain = re.sub(r"=\s*any\s*\(\s*\(?array\[(.*?)\]\)?\s*\)", r"in \1", plain)
    return " ".join(re.findall(r"'[^']*'|[a-z_]+|=", plain))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A declared index: its name, its shape, and the condition of a partial index as declared."""

    name: str
    shape: Shape
    condition: str


def _declared(table: Table, dialect: str) -> list[Wanted]:
    """Return the indexes declared on a table, and its unique constraints as unique indexes."""
    found = []
    for index in table.indexes:
        columns = tuple(column.name for column in index.columns)
        where = index.dialect_options[dialect]["where"]
        condition = "" if where is None else str(where)
        shape = Shape(table.name, columns, bool(index.unique), _rows(condition))
        found.append(Wanted(str(index.name), shape, condition))
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            columns = tuple(column.name for column in constraint.columns)
            found.append(Wanted(str(constraint.name), Shape(table.name, columns, unique=True, rows=""), ""))
    return sorted(found, key=lambda each: each.name)


def _present(connection: Connection, table: str) -> dict[str, Shape]:
    """Return the shapes of a table's indexes and unique constraints in the database, by name."""
    found = {}
    inspector = inspect(connection)
    option = f"{connection.dialect.name}_where"
    for each in inspector.get_indexes(table):
        columns = tuple(str(name) for name in each["column_names"])
        where = each.get("dialect_options", {}).get(option)
        rows = _rows("" if where is None else str(where))
        found[str(each["name"])] = Shape(table, columns, bool(each["unique"]), rows)
    for constraint in inspector.get_unique_constraints(table):
        found[str(constraint["name"])] = Shape(table, tuple(constraint["column_names"]), unique=True, rows="")
    key = inspector.get_pk_constraint(table)
    found[f"primary key of {table}"] = Shape(table, tuple(key["constrained_columns"]), unique=True, rows="")
    return found


def _invalid(connection: Connection, table: str) -> list[str]:
    """Return the indexes that an interrupted CREATE INDEX CONCURRENTLY left: updated by writes, used by no query."""
    if connection.dialect.name != "postgresql":
        return []
    return list(
        connection.execute(
            text(
                "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                "WHERE NOT i.indisvalid AND i.indrelid = to_regclass(:table)"
            ),
            {"table": table},
        ).scalars()
    )


@contextmanager
def _single_run(connection: Connection) -> Iterator[None]:
    """Let one run at a time into the block, on PostgreSQL.

    The lock is that of a transaction on a connection of its own, which also holds behind a pooler that lends
    connections for a transaction. CREATE INDEX CONCURRENTLY does not wait for it: between its statements it has no
    snapshot. The lock is polled, because a statement that waits for a lock has one.

    Raises:
        Unusable: another run has not ended after `LOCK_SECONDS`.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    end = time.monotonic() + LOCK_SECONDS
    while True:
        # The end of the connection's use ends its transaction, and so the lock.
        with connection.engine.connect() as holder:
            if _is_locked(holder):
                yield
                return
        if time.monotonic() > end:
            raise Unusable("another run has been at work for an hour")
        time.sleep(LOCK_POLL_SECONDS)


def _is_locked(holder: Connection) -> bool:
    """Lock until the end of the transaction, which may be idle while an index is made; return False if taken."""
    is_free = bool(holder.scalar(select(func.pg_try_advisory_xact_lock(ADVISORY_LOCK))))
    # After the other statement, whose snapshot ends when another one is sent.
    holder.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
    return is_free


@contextmanager
def _write_lock(connection: Connection, *, dry_run: bool) -> Iterator[None]:
    """On SQLite, lock out other writers between checking for one index and creating it."""
    if connection.dialect.name != "sqlite" or dry_run:
        yield
        return
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def _free_name(wanted: str, taken: set[str]) -> str:
    """Return the wanted name, truncated and numbered if necessary."""
    name, number = wanted[:MAX_NAME], 2
    while name in taken:
        suffix = f"_{number}"
        name, number = wanted[: MAX_NAME - len(suffix)] + suffix, number + 1
    return name


def _names(connection: Connection) -> set[str]:
    """Return the names an index cannot take: in both databases they are unique over all tables."""
    question = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
        "postgresql": "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace",
    }
    return set(connection.execute(text(question[connection.dialect.name])).scalars())


def _reason(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    detail = next((line for line in lines[1:] if line.startswith("DETAIL")), "")
    return f"{lines[0]} {detail}".strip()


class Builder:
    """Creates missing indexes one after the other, prints the result of each, and counts the results."""

    def __init__(self, connection: Connection, *, dry_run: bool) -> None:
        self._connection, self._dry_run = connection, dry_run
        self._quote = connection.dialect.identifier_preparer.quote
        self._concurrently = "CONCURRENTLY " if connection.dialect.name == "postgresql" else ""
        self.created = self.failed = self.skipped = 0

    def table(self, table: Table) -> None:
        """Drop the invalid indexes of one table and create the missing ones."""
        connection = self._connection
        for name in _invalid(connection, table.name):
            self._drop(name)
        columns = {str(each["name"]) for each in inspect(connection).get_columns(table.name)}
        for wanted in _declared(table, connection.dialect.name):
            with _write_lock(connection, dry_run=self._dry_run):
                self._index(wanted, columns)

    def _index(self, wanted: Wanted, columns: set[str]) -> None:
        connection, shape = self._connection, wanted.shape
        present, unusable = _present(connection, shape.table), set(_invalid(connection, shape.table))
        same = [name for name, other in present.items() if other == shape and name not in unusable]
        missing = sorted(set(shape.columns) - columns)
        if same:
            print(f"present  {wanted.name}" + ("" if wanted.name in same else f" (as {same[0]})"))
        elif missing:
            self.skipped += 1
            print(f"skipped  {wanted.name}: {shape.table} has no column {', '.join(missing)}")
        else:
            self._create(wanted)

    def _drop(self, name: str) -> None:
        statement = f"DROP INDEX {self._concurrently}IF EXISTS {self._quote(name)}"
        if self._dry_run:
            print(f"would do {statement}")
            return
        self._connection.exec_driver_sql(statement)
        print(f"dropped  {name}, which was invalid")

    def _create(self, wanted: Wanted) -> None:
        connection, shape = self._connection, wanted.shape
        name = _free_name(wanted.name, _names(connection))
        columns = ", ".join(self._quote(column) for column in shape.columns)
        statement = (
            f"CREATE {'UNIQUE ' if shape.unique else ''}INDEX {self._concurrently}{self._quote(name)} "
            f"ON {self._quote(shape.table)} ({columns}){f' WHERE {wanted.condition}' if wanted.condition else ''}"
        )
        if self._dry_run:
            print(f"would do {statement}")
            return
        began = time.monotonic()
        try:
            connection.exec_driver_sql(statement)
        except DBAPIError as error:
            self.failed += 1
            print(f"FAILED   {name}: {_reason(error)}{self._duplicates(wanted) if shape.unique else ''}")
            for left in _invalid(connection, shape.table):
                self._drop(left)
        else:
            self.created += 1
            print(f"created  {name} in {time.monotonic() - began:.2f} s")

    def _duplicates(self, wanted: Wanted) -> str:
        """Return, for the message, how many values occur more than once in columns that must be unique."""
        names = [self._quote(column) for column in wanted.shape.columns]
        conditions = [f"{name} IS NOT NULL" for name in names] + [wanted.condition or "true"]
        number = self._connection.exec_driver_sql(
            f"SELECT count(*) FROM (SELECT 1 FROM {self._quote(wanted.shape.table)} "  # noqa: S608 - our own names
            f"WHERE {' AND '.join(conditions)} GROUP BY {', '.join(names)} HAVING count(*) > 1) AS twice"
        ).scalar()
        return f" ({number} values of {', '.join(names)} stand more than once)" if number else ""


def bring_up_to_date(engine: Engine, *, dry_run: bool = False) -> int:
    """Create every declared index that the database lacks; return how many could not be created.

    Raises:
        Unusable: the database has none of the declared tables, or another run has not ended after `LOCK_SECONDS`.
        SQLAlchemyError: the database does not answer.
    """
    # Not in one transaction: CONCURRENTLY forbids it, and on SQLite writers get their turn after each index.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection, _single_run(connection):
        tables = set(inspect(connection).get_table_names())
        if not tables & set(Base.metadata.tables):
            raise Unusable("the database holds none of the tables of models.py")
        builder = Builder(connection, dry_run=dry_run)
        for table in Base.metadata.sorted_tables:
            if table.name in tables:
                builder.table(table)
            else:
                builder.skipped += 1
                print(f"skipped  {table.name}: there is no such table")
        if builder.created:
            # Gives the planner statistics for the new indexes.
            connection.execute(text("ANALYZE"))
    print(f"{builder.created} created, {builder.failed} failed, {builder.skipped} skipped")
    return builder.failed


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status: 0 if every declared index is present, else 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--database-url", help="instead of DATABASE_URL")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done and change nothing")
    given = parser.parse_args(arguments)
    try:
        settings = get_settings()
        if given.database_url:
            settings = Settings.model_validate({**settings.model_dump(), "database_url": given.database_url})
        engine = make_engine(settings)
        try:
            return 1 if bring_up_to_date(engine, dry_run=given.dry_run) else 0
        finally:
            engine.dispose()
    except (UnsafeSettings, Unusable) as problem:
        print(f"The indexes cannot be made: {problem}", file=sys.stderr)
    except SQLAlchemyError as problem:
        reason = str(getattr(problem, "orig", None) or problem).strip().splitlines()[0]
        print(f"The indexes cannot be made: the database does not answer: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
