"""SQL of backups. Plain statements, because the schema of a backup may be older than the models."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from backup.files import Deleted
from photos.keys import FULL, MEDIUM, RENDITIONS, storage_key
from photos.trash.files import KEPT_RENDITIONS

# Migrations put rows into these: they do not make a database count as used.
SEEDED = {"change_marks", "installation"}
# The last four hold tickets of jobs, which are made again from the rows of jobs.
NOT_CONTENT = {
    "alembic_version",
    "sqlite_sequence",
    "procrastinate_jobs",
    "procrastinate_events",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A file that a row names. A photo that is not processed yet may lack its renditions; `size` is that of one."""

    key: str
    table: str
    row_id: int
    required: bool = True
    size: str | None = None


def make_portable(connection: Connection) -> None:
    """Let COPY write and read text that does not depend on the settings of the database (PostgreSQL)."""
    for setting in ("DateStyle = 'ISO, YMD'", "client_encoding = 'UTF8'", "statement_timeout = 0"):
        connection.execute(text(f"SET LOCAL {setting}"))


def revision(connection: Connection) -> str:
    """Return the revision of the schema."""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def count(connection: Connection, table: str) -> int:
    """Return the number of rows of a table."""
    return int(connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one())  # noqa: S608 - reflected


def used_table(connection: Connection) -> str | None:
    """Return the first table with rows that no migration put there, or None."""
    present = set(inspect(connection).get_table_names()) - NOT_CONTENT - SEEDED
    return next((table for table in sorted(present) if count(connection, table)), None)


def objects(connection: Connection) -> Iterator[StoredObject]:
    """Return every file that a row names."""
    known = {column["name"] for column in inspect(connection).get_columns("photos")}
    rendition_set = "rendition_set" if "rendition_set" in known else "0"
    has_medium = "has_medium" if "has_medium" in known else "false"
    full_size = "full_size" if "full_size" in known else "NULL"
    columns = f"id, event_id, filename, status, {rendition_set}, {has_medium}, {full_size}"
    photos = connection.execute(text(f"SELECT {columns} FROM photos ORDER BY id"))  # noqa: S608 - two names
    for row_id, event_id, filename, status, number, medium, full in photos:
        yield StoredObject(storage_key(event_id, filename, "original"), "photos", row_id)
        made = (*RENDITIONS, FULL) if full is not None else RENDITIONS
        for size in (each for each in made if medium or each != MEDIUM):
            # Renditions are stored before the photo is marked as done.
            key = storage_key(event_id, filename, size, number)
            yield StoredObject(key, "photos", row_id, required=status == "done", size=size)
    if "photo_raws" in inspect(connection).get_table_names():
        raws = connection.execute(text("SELECT photo_id, event_id, filename FROM photo_raws ORDER BY photo_id"))
        for row_id, event_id, filename in raws:
            yield StoredObject(storage_key(event_id, filename, "original"), "photos", row_id)
    if "trashed_photos" in inspect(connection).get_table_names():
        yield from _trashed(connection)
    selfies = connection.execute(
        text("SELECT id, storage_key FROM selfies WHERE storage_key IS NOT NULL ORDER BY id")
    )
    for row_id, key in selfies:
        yield StoredObject(key, "selfies", row_id)


def _trashed(connection: Connection) -> Iterator[StoredObject]:
    """Return the files of photos in the trash. They may be erased for good meanwhile: none is required."""
    rows = connection.execute(
        text("SELECT photo_id, event_id, filename, rendition_set, raw_filename FROM trashed_photos ORDER BY id")
    )
    for photo_id, event_id, filename, number, raw in rows:
        keys = [storage_key(event_id, filename, size, number) for size in ("original", *KEPT_RENDITIONS)]
        for key in (*keys, *([storage_key(event_id, raw, "original")] if raw else [])):
            yield StoredObject(key, "photos", photo_id, required=False)


def is_named(connection: Connection, wanted: StoredObject) -> bool:
    """Tell whether the row that names the file is still there, and still names it."""
    if wanted.table == "photos":
        found = connection.execute(text("SELECT count(*) FROM photos WHERE id = :id"), {"id": wanted.row_id})
    else:
        same = text("SELECT count(*) FROM selfies WHERE id = :id AND storage_key = :key")
        found = connection.execute(same, {"id": wanted.row_id, "key": wanted.key})
    return bool(found.scalar_one())


def renewed(connection: Connection, wanted: StoredObject) -> str | None:
    """Return the key of the newer rendition that has replaced this one; None if there is none."""
    if wanted.size is None:
        return None
    columns = "SELECT event_id, filename, rendition_set FROM photos WHERE id = :id"
    row = connection.execute(text(columns), {"id": wanted.row_id}).one_or_none()
    key = storage_key(row[0], row[1], wanted.size, row[2]) if row is not None else wanted.key
    return key if key != wanted.key else None


def sequences(connection: Connection) -> dict[str, int]:
    """Return the last number that each sequence gave (PostgreSQL)."""
    numbers = text(
        "SELECT sequencename, last_value FROM pg_sequences "
        "WHERE schemaname = current_schema() AND last_value IS NOT NULL "
        "AND left(sequencename, 14) <> 'procrastinate_'"
    )
    return {str(name): int(last) for name, last in connection.execute(numbers)}


def set_sequence(connection: Connection, name: str, last: int) -> None:
    """Let a sequence go on after the number `last` (PostgreSQL)."""
    numbered = text("SELECT setval(CAST(quote_ident(:name) AS regclass), :last)")
    connection.execute(numbered, {"name": name, "last": last})


def delete(connection: Connection, deleted: Deleted) -> None:
    """Delete the rows that the service deleted, with their files, while the backup was taken."""
    for table in ("photos", "selfies"):
        for row_id in sorted(deleted.of(table)):
            connection.execute(text(f"DELETE FROM {table} WHERE id = :id"), {"id": row_id})  # noqa: S608 - two names


def set_installation(connection: Connection, uuid: str) -> None:
    """Give a restored database an id of its own, paired with its storage; an older schema knows none."""
    if "installation" in inspect(connection).get_table_names():
        connection.execute(text("DELETE FROM installation"))
        connection.execute(
            text("INSERT INTO installation (id, uuid, paired_at) VALUES (1, :uuid, CURRENT_TIMESTAMP)"),
            {"uuid": uuid},
        )
