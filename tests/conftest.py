"""Real parts: a service of its own for each test module, on SQLite and on PostgreSQL."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

import operations.service
from accounts import passwords
from database import forget_engine
from events.codes import forget_codes
from matching import matrices
from migrations.upgrade import upgrade
from settings import get_settings
from testkit.builders import Service
from testkit.postgres import postgres_server

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "photos"
DATABASES = ("sqlite", "postgresql")


AGREED_HASH = passwords._hash


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Argon2id at its lowest cost: thousands of logins are not what these tests are about."""
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hash", cheap)
        patch.setattr(passwords, "_DECOY", cheap.hash("the password of nobody"))
        yield


@pytest.fixture
def agreed_hashes(cheap_hashes: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id as in production."""
    monkeypatch.setattr(passwords, "_hash", AGREED_HASH)
    monkeypatch.setattr(passwords, "_DECOY", AGREED_HASH.hash("the password of nobody"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """A real PostgreSQL server; gives the address of a new, empty database for a driver."""
    with postgres_server(tmp_path_factory.mktemp("pg")) as new_database:
        yield new_database


def _address(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder}/test.db"
    driver = "psycopg2" if kind == "psycopg2" else "psycopg"
    new_database: Callable[[str], str] = request.getfixturevalue("postgres")
    return new_database(driver)


def _reset() -> None:
    """Forget everything a process remembers: the next use is that of a fresh one."""
    forget_engine()
    get_settings.cache_clear()
    matrices.clear()
    forget_codes()
    operations.service.forget_counts()


@contextmanager
def fresh_database(
    request: pytest.FixtureRequest, folder: Path, provider: str = "fake", **extra: str
) -> Iterator[None]:
    """A migrated, empty database and storage, and settings of their own, as a new process would find them.

    Settings and engine belong to the process: one at a time. A test module uses one of the service fixtures.
    """
    assert "DATABASE_URL" not in os.environ, "a module must not use two services at once"
    environment = {
        "DATABASE_URL": _address(request.param, request, folder),
        "STORAGE_URL": f"file://{folder}/storage",
        "SECRET_KEY": "a key for tests only, forty characters..",
        "FACE_RECOGNIZER_PROVIDER": provider,
        "MONITORING_TOKEN": "monitoring-token-for-tests",
        "JOB_POLL_SECONDS": "0.2",
        "JOB_BACKOFF_SECONDS": "0.05",
        **extra,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        _reset()
        upgrade()
        yield
        _reset()


@pytest.fixture(scope="module", params=DATABASES)
def quiet_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A migrated, empty database that no job thread works on, of each kind."""
    with fresh_database(request, tmp_path_factory.mktemp("quiet")):
        yield


def _service(request: pytest.FixtureRequest, folder: Path, provider: str) -> Iterator[Service]:
    from main import create_app

    with (
        fresh_database(request, folder, provider),
        TestClient(create_app(), raise_server_exceptions=False) as client,
    ):
        yield Service(client, folder / "storage")


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole service with the fake engine, on each database."""
    yield from _service(request, tmp_path_factory.mktemp("service"), "fake")


@pytest.fixture(scope="module", params=("sqlite", "postgresql", "psycopg2"))
def real_service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole service with the real engine, on each database and driver."""
    yield from _service(request, tmp_path_factory.mktemp("service"), "local")


@pytest.fixture(scope="module", params=("sqlite",))
def real_sqlite_service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The whole service with the real engine, on SQLite alone: for what no database decides."""
    yield from _service(request, tmp_path_factory.mktemp("service"), "local")


@pytest.fixture(scope="session")
def shared_photos() -> Path:
    """The real photos beside the project; without them the test skips."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real photos is not beside the project")
    return SHARED


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a condition, and fail saying so when it never comes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def pytest_configure() -> None:
    """Two test processes share two cores: one thread of numerics each."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Never the database somebody works with.
    os.environ.pop("DATABASE_URL", None)
