"""Which of the predecessor's rows are here, and under which number: kept beside the rows, written with them."""

from sqlalchemy import BigInteger, Column, Engine, MetaData, String, Table, insert, select
from sqlalchemy.orm import Session

_tables = MetaData()
# No part of the service's schema: it may be dropped once nothing is to come any more.
LEGACY_ROWS = Table(
    "legacy_rows",
    _tables,
    Column("source_table", String(32), primary_key=True),
    Column("source_id", BigInteger, primary_key=True, autoincrement=False),
    Column("target_id", BigInteger),
)


class Ledger:
    """The numbers of what has moved."""

    def __init__(self, engine: Engine) -> None:
        """Make the table if there is none, and read it."""
        _tables.create_all(engine)
        with engine.connect() as connection:
            rows = connection.execute(select(LEGACY_ROWS)).all()
        self._known: dict[tuple[str, int], int | None] = {(row[0], row[1]): row[2] for row in rows}

    def has(self, table: str, source_id: int) -> bool:
        """Tell whether a row is here."""
        return (table, source_id) in self._known

    def target(self, table: str, source_id: object) -> int | None:
        """Return the number a row has here."""
        return self._known.get((table, source_id)) if isinstance(source_id, int) else None

    def write(self, session: Session, table: str, source_id: int, target_id: int | None) -> None:
        """Note a row in the transaction that brings it."""
        values = {"source_table": table, "source_id": source_id, "target_id": target_id}
        session.execute(insert(LEGACY_ROWS).values(**values))

    def keep(self, table: str, source_id: int, target_id: int | None) -> None:
        """Remember it in this process, once that transaction is through."""
        self._known[table, source_id] = target_id
