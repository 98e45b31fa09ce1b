"""Two events with accounts of every kind, in this process, and the way back to that state after any call.

Tests that call every route with every account use it: who may call what, and generated requests. No thread works on
jobs once the world is made, so between two calls nothing changes.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from database import forget_engine
from testkit.callers import Caller, send
from testkit.in_process import clear_caches
from testkit.saved_folder import save_folders
from testkit.world_making import Making


class World:
    """The application with two events and their people; `restore` undoes whatever calls have changed."""

    def __init__(self, client: TestClient, folder: Path) -> None:
        """`folder` has the SQLite file `test.db`, the storage and the key store, all as the settings say."""
        self.client, self._folder = client, folder
        self._saved = folder / "saved"
        making = Making(client)
        made = making.make()
        making.close_accounts()
        state = cast("FastAPI", client.app).state
        for thread in (state.inference, state.mail, state.notify, state.changes):
            thread.stop(10)
        self.callers, self.objects = making.callers, making.with_unprocessed_photos(made)
        self._save()

    def send(self, method: str, path: str, who: Caller, **request: Any) -> Response:
        """Send a request as `who`."""
        return send(self.client, method, path, who, **request)

    def restore(self) -> None:
        """Put database, storage and caches back to where they were when the world was made."""
        clear_caches()
        with (
            closing(sqlite3.connect(self._saved / "test.db")) as saved_rows,
            closing(sqlite3.connect(self._folder / "test.db")) as rows,
        ):
            rows.execute("PRAGMA synchronous = OFF")
            saved_rows.backup(rows)
        for each in self._folders:
            each.restore()

    def _save(self) -> None:
        # The last connection that closes writes the log back into the file.
        forget_engine()
        shutil.rmtree(self._saved, ignore_errors=True)
        self._saved.mkdir()
        shutil.copyfile(self._folder / "test.db", self._saved / "test.db")
        self._folders = save_folders(self._saved)
