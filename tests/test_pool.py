"""The number of connections is bounded: by what the database allows, and for requests by the pool."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from database import fit_pool, get_engine
from settings import Settings
from testkit.application import application
from testkit.passwords import PASSWORD
from testkit.servers import Launcher
from tests.conftest import DATABASES, fresh_database
from tests.operations.test_start import refusal


@pytest.fixture(params=DATABASES)
def small_pool(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TestClient]:
    """The service with five connections; a request waits at most 0.3 s for one."""
    with (
        fresh_database(request, tmp_path, DB_POOL_SIZE="4", DB_MAX_OVERFLOW="1", DB_POOL_TIMEOUT="0.3"),
        TestClient(application(), raise_server_exceptions=False) as client,
    ):
        yield client


def test_without_a_free_connection_a_request_is_told_to_come_back(small_pool: TestClient) -> None:
    body = {"username": "nobody", "password": PASSWORD}
    with ExitStack() as held:
        for _ in range(5):
            held.enter_context(get_engine().connect())
        # Of three tries the quickest: the machine may be busy.
        seconds = []
        for _ in range(3):
            began = time.monotonic()
            answer = small_pool.post("/api/login", json=body)
            seconds.append(time.monotonic() - began)
        assert min(seconds) < 2
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["error"] == "ServiceUnavailable"
    assert small_pool.post("/api/login", json=body).status_code == 401


def limit_connections(address: str, limit: int) -> None:
    """Limit the connections of a database."""
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{make_url(address).database}" CONNECTION LIMIT {limit}'))
    engine.dispose()


@pytest.mark.parametrize(
    ("limit", "expected"), [(None, (10, 10)), (47, (10, 10)), (31, (10, 2)), (25, (9, 0)), (13, (3, 0))]
)
def test_the_overflow_is_reduced_before_the_size(limit: int | None, expected: tuple[int, int]) -> None:
    pool = fit_pool(Settings(gunicorn_workers=2, db_pool_size=10, db_max_overflow=10), limit)
    assert (pool.size, pool.overflow) == expected
    assert (pool.notice is None) == (expected == (10, 10))


@pytest.mark.server
@pytest.mark.long
def test_the_pool_is_fitted_to_what_the_server_gives(postgres: Callable[[str], str], tmp_path: Path) -> None:
    address = postgres("psycopg")
    limit_connections(address, 13)
    launcher = Launcher(
        tmp_path, address, GUNICORN_WORKERS="2", FACE_RECOGNIZER_PROVIDER="fake", MONITORING_TOKEN="m" * 20
    )
    try:
        launcher.start()
        found = httpx2.get(f"{launcher.url}/api/stats", headers={"Authorization": f"Bearer {'m' * 20}"}).json()
        assert found["db_pool"]["size"] == 6
    finally:
        launcher.stop()
    lines = [line for line in (tmp_path / "server.log").read_text().splitlines() if "gives 13 connections" in line]
    assert len(lines) == 1
    assert "3 + 0, not 10 + 10" in lines[0]


@pytest.mark.server
def test_too_few_connections_for_the_workers_end_the_start(postgres: Callable[[str], str], tmp_path: Path) -> None:
    address = postgres("psycopg")
    limit_connections(address, 10)
    status, output = refusal(tmp_path, DATABASE_URL=address, GUNICORN_WORKERS="2")
    assert status == 1
    assert "too few for GUNICORN_WORKERS=2" in output
    assert "Traceback" not in output
