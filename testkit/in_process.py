"""The service's own functions, called in this process on a database and storage of a temporary folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import operations.service
import presigning
import s3_parts
from azure_face.shared import face_service
from database import forget_engine
from encryption import keys
from events.codes import forget_codes
from matching import matrices
from migrations.upgrade import upgrade
from settings import get_settings
from throttling.counters import use_counters


def clear_process_state() -> None:
    """Close the database and empty every cache of this process, as if it had just started."""
    forget_engine()
    clear_caches()


def clear_caches() -> None:
    """Empty every cache of this process; its connections, and the statements compiled for them, stay."""
    forget_codes()
    matrices.clear()
    keys.start_anew()
    operations.service.forget_counts()
    use_counters(None)
    face_service.cache_clear()
    presigning.forget()
    s3_parts.forget()


def use_database(database_url: str) -> None:
    """Make this database the one of the settings."""
    clear_process_state()
    get_settings().database_url = database_url


@contextmanager
def service_in_process(folder: Path, database_url: str | None, provider: str = "local") -> Iterator[str]:
    """Migrate the database and use it; yields its address. Without `database_url`, it is a SQLite file in the folder.

    `provider` is the face engine: "fake" or "local".
    """
    url = database_url or f"sqlite:///{folder}/bench.db"
    settings = get_settings()
    settings.storage_url = f"file://{folder}/storage"
    settings.face_recognizer_provider = "fake" if provider == "fake" else "local"
    use_database(url)
    upgrade()
    try:
        yield url
    finally:
        forget_engine()
