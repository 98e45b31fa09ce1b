"""The rows and files of a service at one moment, to which any number of tests return: quicker than making them again.

Nothing may use the service meanwhile: it has no threads, as in the fixtures of databases without an application.
"""

import shutil
from pathlib import Path

from sqlalchemy.engine import make_url

import storage
from database import get_engine
from settings import get_settings
from testkit.in_process import clear_process_state
from testkit.postgres import PostgresServer
from testkit.saved_folder import save_folders
from testkit.statements import share_statements


class Snapshot:
    """The database, the storage and the key store of the settings as they are when it is made."""

    def __init__(self, postgres: PostgresServer | None = None) -> None:
        """`postgres` is the server of the database; without it, the database is a SQLite file."""
        settings = get_settings()
        folder = storage.local_root(settings.storage_url)
        assert folder is not None
        self._address, self._postgres = settings.database_url, postgres
        self._saved = folder.with_name("snapshot")
        # The last connection that closes writes SQLite's log back into the file.
        clear_process_state()
        self._saved.mkdir()
        if postgres is not None:
            self._copy = postgres.new_database(template=str(make_url(self._address).database))
        else:
            shutil.copyfile(self._file, self._saved / "rows.db")
        self._folders = save_folders(self._saved)

    @property
    def _file(self) -> Path:
        return Path(str(make_url(self._address).database))

    def restore(self) -> None:
        """Put rows, files and caches back."""
        clear_process_state()
        if self._postgres is not None:
            self._postgres.drop_database(self._address)
            names = (str(make_url(address).database) for address in (self._copy, self._address))
            self._postgres.copy_database(*names)
        else:
            shutil.copyfile(self._saved / "rows.db", self._file)
        for each in self._folders:
            each.restore()
        share_statements(get_engine())

    def forget(self) -> None:
        """Remove the copies."""
        if self._postgres is not None:
            self._postgres.drop_database(self._copy)
        shutil.rmtree(self._saved)
