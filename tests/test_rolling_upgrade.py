"""Two releases serve one database and one storage while guests come and photos arrive; then the old one stops."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from migrations.upgrade import config
from testkit.builders import people
from testkit.releases import BEFORE_REVISION, NoHistory, Release, release_before
from testkit.servers import ROOT, TLS, Api, BenchError, Server, create_event, wait_until
from tests.conftest import SECRET_KEY, UNLIMITED

PASSWORD = "a long pass phrase"
PEOPLE = 12


@dataclass
class Evening:
    """Guests who come and photos that arrive, each at one of the servers that are in use."""

    event_id: int
    event_code: str
    photographer: str
    in_use: list[Server]
    failed: list[str] = field(default_factory=list)
    guests: dict[str, int] = field(default_factory=dict)
    photos: dict[int, int] = field(default_factory=dict)
    served: dict[str, int] = field(default_factory=dict)
    _busy: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def server(self) -> Iterator[Server]:
        """Yields a server in use, which `take_out` waits for."""
        with self._lock:
            chosen = random.choice(self.in_use)
            self._busy[chosen.url] = self._busy.get(chosen.url, 0) + 1
        try:
            yield chosen
            with self._lock:
                self.served[chosen.url] = self.served.get(chosen.url, 0) + 1
        finally:
            with self._lock:
                self._busy[chosen.url] -= 1

    def take_out(self, server: Server) -> None:
        """Send nothing more to a server, as a balancer does, and wait for what it still answers."""
        with self._lock:
            self.in_use.remove(server)
        wait_until(lambda: self._busy.get(server.url, 0) == 0, 60, "the last answers")

    def guest(self, number: int) -> None:
        """Come, send a portrait, and ask until the matching is over, each call at any server in use."""
        name = f"guest{number}"
        who = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        with self.server() as server, Api(server) as anyone:
            body = {"user_data": who, "event_code": self.event_code}
            anyone.call("POST", "/api/register-with-event-code", json=body)
        with self.server() as server, Api(server) as anyone:
            token = anyone.logged_in(name, PASSWORD, self.event_code).token
        with self.server() as server, Api(server, token) as guest:
            files = {"file": ("me.jpg", people(number % PEOPLE), "image/jpeg")}
            guest.call("POST", "/api/upload-selfie", files=files)
        with self._lock:
            self.guests[name] = number % PEOPLE
        with self.server() as server, Api(server, token) as guest:
            guest.call("GET", "/api/rematch-status")
            guest.call("GET", "/api/my-photos?limit=30")

    def photo(self, number: int) -> None:
        """Send a photo of two people."""
        shown = number % PEOPLE
        with self.server() as server, Api(server, self.photographer) as photographer:
            path = f"/api/photographer/events/{self.event_id}/upload-photos"
            files = [("files", (f"{number}.jpg", people(shown, 20 + number % 40), "image/jpeg"))]
            (sent,) = photographer.call("POST", path, files=files)["uploaded_photos"]
        with self._lock:
            self.photos[sent["id"]] = shown

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Let guests come and photos arrive, one after the other each, while the block runs."""
        over = threading.Event()

        def repeat(act: Callable[[int], None], first: int) -> None:
            number = first
            while not over.is_set():
                try:
                    act(number)
                except (BenchError, httpx2.HTTPError) as error:
                    self.failed.append(f"{type(error).__name__}: {error}")
                number += 1
                # Light: the other core is for the jobs.
                over.wait(0.2)

        first = 10_000 * (1 + len(self.guests))
        threads = [
            threading.Thread(target=repeat, args=(act, first), daemon=True) for act in (self.guest, self.photo)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join(60)

    def passed(self, count: int, servers: list[Server], seconds: float = 120) -> None:
        """Wait until each of the servers has answered so many more."""
        before = dict(self.served)

        def enough() -> bool:
            return all(self.served.get(each.url, 0) >= before.get(each.url, 0) + count for each in servers)

        wait_until(enough, seconds, "answers of every server")


def jobs_done(log: Path) -> int:
    """Return how many jobs a server has done, by its log."""
    return log.read_text(errors="replace").count("(attempt ")


@pytest.mark.server
@pytest.mark.long
@pytest.mark.timeout(500)
def test_the_release_before_and_this_one_serve_together(postgres: Callable[[str], str], tmp_path: Path) -> None:
    url, folders = postgres("psycopg"), {name: tmp_path / name for name in ("old", "new")}
    for folder in folders.values():
        folder.mkdir()
    common = {
        **UNLIMITED,
        "SECRET_KEY": SECRET_KEY,
        "STORAGE_URL": f"file://{tmp_path}/storage",
        "ADMIN_PASSWORD": "an administrator's long pass phrase",
        "FACE_RECOGNIZER_PROVIDER": "fake",
        "GUNICORN_WORKERS": "1",
        "DB_POOL_SIZE": "6",
        "DB_MAX_OVERFLOW": "2",
    }
    try:
        with release_before(tmp_path) as root:
            _roll(Release(folders["old"], root, url, **common), Release(folders["new"], ROOT, url, **common), url)
    except NoHistory as reason:
        pytest.skip(f"the release before is not in this checkout: {reason}")


def _roll(old: Release, new: Release, url: str) -> None:
    old.password = new.password = old.environment["ADMIN_PASSWORD"]
    old_log, new_log = (
        Path(each.environment["STORAGE_URL"][7:]).parent / name / "server.log"
        for each, name in ((old, "old"), (new, "new"))
    )
    try:
        before = old.start()
        event = create_event(before)
        evening = Evening(event.id, event.code, event.photographer.token, [before])
        with evening.going_on():
            evening.passed(6, [before])
            # It migrates while the release before serves, then serves beside it.
            after = new.start()
            evening.in_use.append(after)
            evening.passed(12, [before, after])
            wait_until(lambda: min(jobs_done(old_log), jobs_done(new_log)) > 4, 60, "jobs on both")
        # A worker of the old release is replaced by its master, which does not look at the schema again.
        (worker,) = old.workers()
        os.kill(worker, signal.SIGTERM)
        wait_until(lambda: old.workers() not in ([], [worker]), 60, "another worker")
        wait_until(lambda: _is_ready(before), 60, "the new worker of the old release")
        with evening.going_on():
            evening.passed(6, [before, after])
            evening.take_out(before)
            old.stop()
            evening.passed(6, [after])
        assert evening.failed == []
        _nothing_is_lost(evening, after, url)
        if ScriptDirectory.from_config(config()).get_current_head() != BEFORE_REVISION:
            with pytest.raises(BenchError, match="changed by a newer release"):
                old.start()
    finally:
        old.stop()
        new.stop()


def _is_ready(server: Server) -> bool:
    try:
        return httpx2.get(f"{server.url}/readyz", verify=TLS).status_code == 200
    except httpx2.TransportError:
        return False


def _nothing_is_lost(evening: Evening, server: Server, url: str) -> None:
    """Check that everything accepted is done, and every guest has exactly the photos of that person."""
    engine = create_engine(url)

    def states(table: str) -> dict[str, int]:
        with engine.connect() as connection:
            found = connection.execute(text(f"SELECT status, count(*) FROM {table} GROUP BY status"))  # noqa: S608
            return dict(iter(found.all()))

    for table, number in (("photos", len(evening.photos)), ("selfies", len(evening.guests))):
        wait_until(lambda table=table, number=number: states(table) == {"done": number}, 120, table)  # type: ignore[misc]
    wait_until(lambda: set(states("user_events")) <= {"done"}, 60, "matchings")
    engine.dispose()
    assert len(evening.guests) > 10
    assert len(evening.photos) > 10
    for name, person in evening.guests.items():
        with Api(server) as anyone, anyone.logged_in(name, PASSWORD, evening.event_code) as guest:
            found = {photo["id"] for photo in guest.call("GET", "/api/my-photos")}
        assert found == {photo for photo, shown in evening.photos.items() if shown == person}, name
