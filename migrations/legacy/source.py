"""The predecessor's database, read-only. Which tables and columns it has is found out, since its releases differ."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, TableClause, column, create_engine, event, func, inspect, select, table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from migrations.legacy.report import CannotMove

# The tables and columns without which nothing can be imported. Values of other columns that are missing are empty.
REQUIRED = {
    "users": {"id", "username", "email", "hashed_password", "user_type"},
    "events": {"id", "name", "event_code"},
    "photos": {"id", "filename"},
}
# Image bytes are read row by row; with the other columns, their length stands for them.
BYTES = ("selfie_data", "photo_data")
BATCH = 500
TRUE, FALSE = {"true", "t", "1", "yes", "y"}, {"false", "f", "0", "no", "n"}

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
        if not sqlite:
            return
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only=ON")
        cursor.close()
        connection.commit()

    # For each transaction, not for the session: a pooler would lend that to others.
    return engine if sqlite else engine.execution_options(postgresql_readonly=True)


class Source:
    """The predecessor's tables, by their names and columns as they are. A table that is missing has no rows."""

    def __init__(self, engine: Engine) -> None:
        """Read the names of tables and columns.

        Raises:
            CannotMove: a required table or column is missing. SQLAlchemyError: the database does not answer.
        """
        self._engine = engine
        found = inspect(engine)
        names = found.get_table_names()
        if missing := sorted(REQUIRED.keys() - set(names)):
            raise CannotMove(f"the source has no table {', '.join(missing)}")
        self._columns = {name: [each["name"] for each in found.get_columns(name)] for name in names}
        for name, needed in REQUIRED.items():
            if lacking := sorted(needed - set(self._columns[name])):
                raise CannotMove(f"the source's {name} has no column {', '.join(lacking)}")

    @property
    def tables(self) -> list[str]:
        """The names of all tables."""
        return sorted(self._columns)

    def has(self, name: str, of_column: str) -> bool:
        """Return whether there is such a table with such a column."""
        return of_column in self._columns.get(name, ())

    def count(self, name: str, *, empty: str | None = None, filled: str | None = None) -> int:
        """Return the number of rows, or of those in which a column is empty (NULL) or filled."""
        if name not in self._columns:
            return 0
        found = self._table(name)
        question = select(func.count()).select_from(found)
        if empty is not None:
            question = question.where(found.c[empty].is_(None))
        if filled is not None:
            question = question.where(found.c[filled].is_not(None))
        with self._engine.connect() as connection:
            return connection.scalar(question) or 0

    def rows(self, name: str) -> Iterator[Values]:
        """Yield all rows in the order of their ids; of image bytes, only the length.

        No connection stays open between batches.
        """
        if name not in self._columns:
            return
        found = self._table(name)
        asked = [func.length(each).label(each.name) if each.name in BYTES else each for each in found.c]
        last: int | None = None
        while True:
            question = select(*asked).order_by(found.c.id).limit(BATCH)
            if last is not None:
                question = question.where(found.c.id > last)
            with self._engine.connect() as connection:
                batch = [dict(row) for row in connection.execute(question).mappings()]
            yield from batch
            if len(batch) < BATCH:
                return
            last = batch[-1]["id"]

    def content(self, name: str, of_column: str, row_id: int) -> bytes:
        """Return the image bytes of one row."""
        found = self._table(name)
        with self._engine.connect() as connection:
            value = connection.scalar(select(found.c[of_column]).where(found.c.id == row_id))
        return value.encode("latin-1", "ignore") if isinstance(value, str) else bytes(value or b"")

    def _table(self, name: str) -> TableClause:
        # Without types, values come as the driver gives them: one odd value must not end the reading of all.
        return table(name, *(column(each) for each in self._columns[name]))


def moment(value: object, otherwise: datetime) -> datetime:
    """Return a stored time as aware UTC, or `otherwise` if it is not a time. A time without a zone is in UTC."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(found, datetime):
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return otherwise


def day(value: object) -> date | None:
    """Return a stored date or time as a date, or None if it is neither."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    nothing = datetime.min.replace(tzinfo=UTC)
    found = moment(value, nothing)
    return None if found is nothing else found.date()


def word(value: object) -> str:
    """Return the value of an enumeration in lower case, without its class: `user` for `UserType.USER`."""
    return str(value or "").rpartition(".")[2].strip().lower()


def truth(value: object) -> bool | None:
    """Return a stored boolean of any form, or None if it is none."""
    stored = "" if value is None else str(value).strip().lower()
    return True if stored in TRUE else False if stored in FALSE else None
