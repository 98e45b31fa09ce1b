"""A table of the imported rows and their new ids, written in the transaction that imports each row."""

from typing import Protocol

from sqlalchemy import BigInteger, Column, Engine, MetaData, String, Table, delete, insert, inspect, select
from sqlalchemy.orm import Session

_tables = MetaData()
# Not part of the service's schema: it may be dropped after the last import.
LEGACY_ROWS = Table(
    "legacy_rows",
    _tables,
    Column("source_table", String(32), primary_key=True),
    Column("source_id", BigInteger, primary_key=True, autoincrement=False),
    Column("target_id", BigInteger),
)
# The row that keeps what was chosen: its target is 1 where guests see all photos, else 0.
CHOICE = ("guests_see_all", 0)


class KnownRows(Protocol):
    """Which rows are imported, or will be."""

    def has(self, table: str, source_id: int) -> bool:
        """Return whether a row is imported."""

    def target(self, table: str, source_id: object) -> int | None:
        """Return the new id of an imported row, or None."""


class Ledger:
    """The new ids of the imported rows, cached in memory. `target_id` is None for a row that needs no new one."""

    def __init__(self, engine: Engine) -> None:
        """Read the table, if there is one."""
        self._engine = engine
        self._known: dict[tuple[str, int], int | None] = {}
        if inspect(engine).has_table(LEGACY_ROWS.name):
            with engine.connect() as connection:
                rows = connection.execute(select(LEGACY_ROWS)).all()
            self._known = {(row.source_table, row.source_id): row.target_id for row in rows}

    def prepare(self) -> None:
        """Create the table if it is missing."""
        _tables.create_all(self._engine)

    def has(self, table: str, source_id: int) -> bool:
        """Return whether a row is imported."""
        return (table, source_id) in self._known

    def target(self, table: str, source_id: object) -> int | None:
        """Return the new id of an imported row, or None."""
        return self._known.get((table, source_id)) if isinstance(source_id, int) else None

    def write(self, session: Session, table: str, source_id: int, target_id: int | None) -> None:
        """Record a row in the transaction that imports it."""
        values = {"source_table": table, "source_id": source_id, "target_id": target_id}
        session.execute(insert(LEGACY_ROWS).values(**values))

    def keep(self, table: str, source_id: int, target_id: int | None) -> None:
        """Cache a row after its transaction has committed."""
        self._known[table, source_id] = target_id

    @property
    def guests_see_all(self) -> bool | None:
        """What an earlier run was told that guests see; None if there was none."""
        return bool(self._known[CHOICE]) if CHOICE in self._known else None

    def remember_choice(self, session: Session, guests_see_all: bool) -> None:
        """Record what guests see, for the runs to come."""
        table, number = CHOICE
        session.execute(delete(LEGACY_ROWS).where(LEGACY_ROWS.c.source_table == table))
        self.write(session, table, number, int(guests_see_all))
