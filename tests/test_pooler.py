"""The service behind PgBouncer in transaction mode: it finds out by itself, and nothing depends on a session."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

import add_performance_indexes
from database import connection_limit, get_engine, reading
from postgresql import is_pooled
from settings import get_settings
from testkit import pgbouncer
from testkit.builders import people
from testkit.event_photos import send_photos
from testkit.in_process import clear_process_state
from testkit.passwords import PASSWORD
from testkit.servers import Api, Launcher, create_event, wait_until
from tests.conftest import ROOT

pytestmark = [
    pytest.mark.skipif(not pgbouncer.is_installed(), reason="Debian's package pgbouncer is not installed"),
    pytest.mark.postgresql_is_enough,
]
# Fewer connections to the server than the service opens to the pooler, so that they are lent all the time.
LENT = 3


def start_anew() -> None:
    get_settings.cache_clear()
    clear_process_state()


@pytest.fixture
def address(postgres: Callable[[str], str], tmp_path: Path) -> Iterator[str]:
    """The address of an empty database behind a pooler."""
    with pgbouncer.pooled(tmp_path / "pooler", postgres("psycopg"), size=LENT) as found:
        yield found


@pytest.fixture
def here(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process on that database."""
    monkeypatch.setenv("DATABASE_URL", address)
    start_anew()
    yield
    start_anew()


def test_the_service_works_where_connections_are_lent_for_a_transaction(address: str, tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, address, FACE_RECOGNIZER_PROVIDER="fake", GUNICORN_WORKERS="2")
    try:
        server = launcher.start()
        event = create_event(server)
        send_photos(event.photographer, event.id, [people(number) for number in range(1, 7)])

        def guest(number: int) -> int:
            name = f"guest{number}"
            data = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
            with Api(server) as anyone:
                anyone.call(
                    "POST", "/api/register-with-event-code", json={"user_data": data, "event_code": event.code}
                )
                found = anyone.logged_in(name, PASSWORD)
            found.call("POST", "/api/upload-selfie", files={"file": ("s.jpg", people(number), "image/jpeg")})
            wait_until(lambda: len(found.call("GET", "/api/my-photos")) == 1, 30, "the guest's photo")
            return len(found.call("GET", "/api/my-photos"))

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(guest, range(1, 7))) == [1] * 6
        log = launcher.log.read_text()
        assert "a pooler stands before the database" in log
        assert "Traceback" not in log
    finally:
        launcher.stop()


def test_nothing_is_prepared_or_set_and_the_pool_is_not_cut(here: None) -> None:
    get_engine().connect().close()
    assert is_pooled()
    # The server's own limit says nothing about the pooler's.
    assert connection_limit() is None
    for _ in range(20):
        with reading() as session:
            assert session.scalar(text("SELECT 1 + :one"), {"one": 1}) == 2
    with reading() as session:
        assert session.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0
        assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "0"


def test_indexes_are_made_by_one_run_at_a_time_and_no_lock_is_left(here: None) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "migrations.upgrade"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with get_engine().begin() as connection:
        connection.exec_driver_sql("DROP INDEX idx_photos_event_taken")
    assert add_performance_indexes.bring_up_to_date(get_engine()) == 0
    with get_engine().connect() as connection:
        assert (
            connection.scalar(text("SELECT count(*) FROM pg_indexes WHERE indexname = 'idx_photos_event_taken'")) == 1
        )
        assert connection.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")) == 0


def test_without_a_pooler_sessions_have_their_limits(
    postgres: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres("psycopg"))
    start_anew()
    try:
        with reading() as session:
            assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "1min"
        assert not is_pooled()
        assert connection_limit() is not None
        assert get_settings().db_dead_seconds == 15
    finally:
        monkeypatch.undo()
        start_anew()
