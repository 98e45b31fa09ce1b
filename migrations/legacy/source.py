"""The predecessor's database and files, read-only."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, event, func, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from migrations.legacy.report import CannotMove

# The columns each table must have. Other columns may be missing; their values are then empty.
TABLES = {
    "users": {"id", "username", "email", "hashed_password", "user_type"},
    "events": {"id", "name", "event_code"},
    "user_events": {"id", "user_id", "event_id"},
    "photos": {"id", "filename"},
    "face_matches": {"id"},
}
# Image bytes: not read with the other columns, but row by row.
BYTES = ("selfie_data", "photo_data")
BATCH = 500

Values = dict[str, Any]


def open_source(address: str) -> Engine:
    """Return an engine whose connections are read-only.

    Raises:
        CannotMove: the address is not a database URL, or its SQLite file does not exist.
    """
    for short in ("postgres://", "postgresql://"):
        if address.startswith(short):
            address = "postgresql+psycopg://" + address.removeprefix(short)
    try:
        url = make_url(address)
        engine = create_engine(url)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise CannotMove(f"SOURCE_URL cannot be used: {error}") from error
    sqlite = engine.dialect.name == "sqlite"
    if sqlite and not Path(url.database or "").is_file():
        raise CannotMove(f"there is no file {url.database}")

    @event.listens_for(engine, "connect")
    def _read_only(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only=ON" if sqlite else "SET default_transaction_read_only = on")
        cursor.close()
        connection.commit()

    return engine


class Source:
    """The predecessor's tables, by their names and columns as they are."""

    def __init__(self, engine: Engine) -> None:
        """Read the names of tables and columns.

        Raises:
            CannotMove: a required table or column is missing. SQLAlchemyError: the database does not answer.
        """
        self._engine = engine
        present = set(inspect(engine).get_table_names())
        if missing := sorted(set(TABLES) - present):
            raise CannotMove(f"the source has no table {', '.join(missing)}")
        tables = MetaData()
        tables.reflect(engine, only=sorted(TABLES), resolve_fks=False)
        self._tables: dict[str, Table] = {name: tables.tables[name] for name in TABLES}
        for name, needed in TABLES.items():
            if lacking := sorted(needed - set(self._tables[name].columns.keys())):
                raise CannotMove(f"the source's {name} has no column {', '.join(lacking)}")

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        with self._engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(self._tables[table])) or 0

    def rows(self, table: str) -> Iterator[Values]:
        """Yield all rows in the order of their ids, without image bytes. No connection stays open between batches."""
        found = self._tables[table]
        columns = [column for column in found.columns if column.name not in BYTES]
        last: int | None = None
        while True:
            question = select(*columns).order_by(found.c.id).limit(BATCH)
            if last is not None:
                question = question.where(found.c.id > last)
            with self._engine.connect() as connection:
                batch = [dict(row) for row in connection.execute(question).mappings()]
            yield from batch
            if len(batch) < BATCH:
                return
            last = batch[-1]["id"]

    def content(self, table: str, column: str, row_id: int) -> bytes:
        """Return the image bytes of one row; empty if it has none."""
        found = self._tables[table]
        if column not in found.columns:
            return b""
        with self._engine.connect() as connection:
            return _bytes(connection, found, column, row_id)


def _bytes(connection: Connection, table: Table, column: str, row_id: int) -> bytes:
    value = connection.scalar(select(table.c[column]).where(table.c.id == row_id))
    if isinstance(value, str):
        return value.encode("latin-1", "ignore")
    return bytes(value or b"")


def moment(value: object, otherwise: datetime) -> datetime:
    """Return a stored time as aware UTC, or `otherwise` if it is not a time. A time without a zone is in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return otherwise
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return otherwise


def day(value: object) -> date | None:
    """Return a stored date or time as a date, or None if it is neither."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    nothing = datetime.min.replace(tzinfo=UTC)
    found = moment(value, nothing)
    return None if found is nothing else found.date()


class Files:
    """The folder with the predecessor's image files, for rows that hold a path instead of bytes."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder.resolve() if folder else None

    def content(self, named: object) -> bytes:
        """Return the bytes of the file at a row's path; empty if there is none inside the folder."""
        if self._folder is None or not named:
            return b""
        parts = [part for part in Path(str(named).replace("\\", "/")).parts if part not in ("/", "..", ".")]
        # The path may start above the folder: try uploads/photos/a.jpg, photos/a.jpg, a.jpg.
        for start in range(len(parts)):
            path = self._folder.joinpath(*parts[start:]).resolve()
            if path.is_relative_to(self._folder) and path.is_file():
                return path.read_bytes()
        return b""
