"""Looks for a text through everything that is stored: each column of each table, the database's file, each object."""

from pathlib import Path

from sqlalchemy import Engine, MetaData, text


def hits_in_rows(engine: Engine, needles: list[str]) -> list[str]:
    """Return where one of the texts is: table, column and value. Numbers are looked for as their digits."""
    found, metadata = [], MetaData()
    with engine.connect() as connection:
        metadata.reflect(connection)
        for name, table in metadata.tables.items():
            for row in connection.execute(table.select()).mappings():
                for column, value in row.items():
                    plain = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                    found += [f"{name}.{column}: {plain[:80]}" for needle in needles if needle in plain]
    return found


def hits_in_file(engine: Engine, needles: list[str]) -> list[str]:
    """Return which of the texts the file of a SQLite database holds anywhere, also between its rows."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return []
    with engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    path = Path(engine.url.database)
    data = path.read_bytes()
    wal = path.with_name(f"{path.name}-wal")
    data += wal.read_bytes() if wal.exists() else b""
    return [needle for needle in needles if needle.encode() in data]


def hits_in_files(folder: Path, needles: list[str]) -> list[str]:
    """Return which stored objects have one of the texts in their key or their bytes."""
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file()
        for needle in needles
        if needle in str(path.relative_to(folder)) or needle.encode() in path.read_bytes()
    ]


def number_from(engine: Engine, tables: dict[str, int]) -> None:
    """Let the ids of these tables go on after a number, so that its digits stand for nothing else."""
    with engine.begin() as connection:
        for table, number in tables.items():
            if engine.dialect.name == "sqlite":
                connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table})
                values = {"name": table, "seq": number}
                connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"), values)
            else:
                numbered = "SELECT setval(pg_get_serial_sequence(:name, 'id'), :seq)"
                connection.execute(text(numbered), {"name": table, "seq": number})
