"""The service's own functions called in this process, on a migrated database of a temporary folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from database import forget_engine
from events.codes import forget_codes
from matching import matrices
from migrations.upgrade import upgrade
from settings import get_settings


def use(database_url: str) -> None:
    """Work with this database from now on, as a fresh process would."""
    forget_engine()
    forget_codes()
    matrices.clear()
    get_settings().database_url = database_url


@contextmanager
def service_here(folder: Path, database_url: str | None, provider: str = "local") -> Iterator[str]:
    """Migrate the database and use it; gives its address. Without one, a SQLite file in the folder."""
    url = database_url or f"sqlite:///{folder}/bench.db"
    settings = get_settings()
    settings.storage_url = f"file://{folder}/storage"
    settings.face_recognizer_provider = "fake" if provider == "fake" else "local"
    use(url)
    upgrade()
    try:
        yield url
    finally:
        forget_engine()
