"""Fixtures of all tests: the service on SQLite and on PostgreSQL, with databases of its own for each module."""

import gc
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from database import get_engine
from migrations.upgrade import upgrade
from settings import Settings, get_settings
from testkit.application import application
from testkit.builders import Service
from testkit.callers import HOST
from testkit.deployed import make_bucket, s3_server
from testkit.hashing import CHEAP, PRODUCTION, use_hashes
from testkit.in_process import clear_process_state
from testkit.postgres import PostgresServer
from testkit.quick_client import QuickClient
from testkit.servers import Launcher
from testkit.snapshot import Snapshot
from testkit.statements import share_statements
from testkit.world import World

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "photos"
DATABASES = ("sqlite", "postgresql")
# The embedded queue on each database, and Procrastinate, which is for PostgreSQL alone.
JOB_ENGINES = (*DATABASES, "procrastinate")
SECRET_KEY = "a key for tests only, forty characters.."
# Names the folder of this run to the worker processes.
RUN_FOLDER = "REPERIO_TEST_RUN"
MEMORY = Path("/dev/shm")  # noqa: S108 - only a folder of our own is made there
# Several times what all tests have in it at once.
MEMORY_BYTES = 4 << 30
# Every limit of calls switched off, for tests that send thousands of them.
UNLIMITED = {
    name.upper(): "0"
    for name, field in Settings.model_fields.items()
    if name.startswith("rate_") and field.annotation is int and "wait" not in name
}


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> None:
    """Hash passwords at the lowest cost in all tests: they log in thousands of times."""
    use_hashes(CHEAP)


@pytest.fixture(scope="session", autouse=True)
def warm_servers() -> None:
    """Start servers as forks of a process that has imported the packages: most of a start is imports."""
    Launcher.warm = True


@pytest.fixture
def agreed_hashes(cheap_hashes: None) -> Iterator[None]:
    """Hash passwords as in production."""
    use_hashes(PRODUCTION)
    yield
    use_hashes(CHEAP)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, started once for all processes of the run."""
    server = PostgresServer(run_folder() / "pg", durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres(postgres_server: PostgresServer) -> Callable[[str], str]:
    """Return the address of a new, empty PostgreSQL database for a driver."""
    return postgres_server.new_database


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a migrated, empty PostgreSQL database to copy; nothing may be connected to it."""
    address = postgres_server.new_database()
    _migrate(address)
    return str(make_url(address).database)


@pytest.fixture(scope="session")
def sqlite_template() -> Path:
    """A migrated, empty SQLite file to copy."""
    path = run_folder() / f"template-{os.getpid()}.db"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(address: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", address)
        patch.setenv("SECRET_KEY", SECRET_KEY)
        _reset()
        upgrade()
        _reset()


def _migrated_copy(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the address of a new, migrated, empty database."""
    if kind == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), folder / "test.db")
        return f"sqlite:///{folder}/test.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    driver = "psycopg2" if kind == "psycopg2" else "psycopg"
    return server.new_database(driver, request.getfixturevalue("postgres_template"))


def _reset() -> None:
    """Clear caches, connections and settings, as in a new process."""
    clear_process_state()
    get_settings.cache_clear()


@contextmanager
def fresh_database(
    request: pytest.FixtureRequest, folder: Path, provider: str = "fake", **extra: str
) -> Iterator[None]:
    """Point this process at a new, migrated, empty database and storage; `extra` are further settings.

    A process has one engine and one set of settings: a test module uses only one of the fixtures that call this.
    """
    assert "DATABASE_URL" not in os.environ, "a module must not use two services at once"
    environment = {
        "DATABASE_URL": _migrated_copy(request.param, request, folder),
        "STORAGE_URL": f"file://{folder}/storage",
        "SECRET_KEY": SECRET_KEY,
        "FACE_RECOGNIZER_PROVIDER": provider,
        "MONITORING_TOKEN": "monitoring-token-for-tests",
        # The host name that the test client gives.
        "ALLOWED_HOSTS": "testserver",
        "MAIL_OUTBOX": "off",
        "JOB_BACKOFF_SECONDS": "0.05",
        **({"JOB_ENGINE": "procrastinate"} if request.param == "procrastinate" else {}),
        **extra,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        _reset()
        if request.param == "procrastinate":
            upgrade()
        share_statements(get_engine())
        yield
        _reset()
    if request.param != "sqlite":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        server.drop_database(environment["DATABASE_URL"])


@pytest.fixture(scope="module", params=DATABASES)
def quiet_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A migrated, empty database of each kind, with no thread that processes jobs."""
    with fresh_database(request, tmp_path_factory.mktemp("quiet")):
        yield


def _service(request: pytest.FixtureRequest, folder: Path, provider: str) -> Iterator[Service]:
    with (
        fresh_database(request, folder, provider),
        QuickClient(application(), raise_server_exceptions=False) as client,
    ):
        yield Service(client, folder / "storage")


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole service with the fake engine, on each database."""
    yield from _service(request, tmp_path_factory.mktemp("service"), "fake")


@pytest.fixture(scope="module", params=DATABASES)
def s3_service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole service whose files are on S3, with links to it that live for a minute."""
    pytest.importorskip("moto")
    folder = tmp_path_factory.mktemp("s3")
    with s3_server(folder) as environment, service_on_s3(request, folder, environment) as service:
        yield service


@contextmanager
def service_on_s3(request: pytest.FixtureRequest, folder: Path, environment: dict[str, str]) -> Iterator[Service]:
    """The whole service, whose files are in a bucket of the S3 server that `environment` leads to."""
    # An opened store is kept by its address, and another module's server has another port.
    bucket = f"pictures-{environment['AWS_ENDPOINT_URL'].rpartition(':')[2]}"
    make_bucket(environment, bucket)
    settings = {"PRESIGNED_SECONDS": "60", "PRESIGNED_UPLOADS": "true", "STORAGE_URL": f"s3://{bucket}/of"}
    with (
        fresh_database(request, folder, **environment, **settings),
        QuickClient(application(), raise_server_exceptions=False, follow_redirects=False) as client,
    ):
        yield Service(client, folder / "storage")


@pytest.fixture(scope="module", params=("sqlite",))
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two events with accounts of every kind, on SQLite alone: for tests that call every route with each of them."""
    folder = tmp_path_factory.mktemp("world")
    with (
        fresh_database(request, folder, **UNLIMITED, MAIL_OUTBOX=str(folder / "outbox")),
        QuickClient(application(), HOST, raise_server_exceptions=False, follow_redirects=False) as client,
        pytest.MonkeyPatch.context() as patch,
    ):
        # No thread works on jobs there: no call waits for one.
        patch.setattr("api.operations.evaluation.WAIT_SECONDS", 0.0)
        yield World(client, folder)


# The tests with the fake engine cover PostgreSQL's other driver, psycopg.
@pytest.fixture(scope="module", params=("sqlite", "psycopg2"))
def real_service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole service with the real engine, on each database."""
    yield from _service(request, tmp_path_factory.mktemp("service"), "local")


@pytest.fixture(scope="module", params=("sqlite",))
def real_sqlite_service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The whole service with the real engine, on SQLite alone: for what no database decides."""
    yield from _service(request, tmp_path_factory.mktemp("service"), "local")


def snapshot_of(request: pytest.FixtureRequest) -> Iterator[Snapshot]:
    """Yields what the settings' database and storage hold now, for the tests of a module to return to."""
    sqlite = get_settings().database_url.startswith("sqlite")
    taken = Snapshot(None if sqlite else request.getfixturevalue("postgres_server"))
    yield taken
    clear_process_state()
    taken.forget()


@pytest.fixture(scope="session")
def shared_photos() -> Path:
    """The folder of real photos beside the project; the test skips where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real photos is not beside the project")
    return SHARED


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until `condition` is true; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"the condition is still false after {seconds:.0f} s"
        time.sleep(0.02)


def run_folder() -> Path:
    """Return the folder of this run, which all its processes share."""
    return Path(os.environ[RUN_FOLDER])


def _is_worker(config: pytest.Config) -> bool:
    """Tell whether this process runs tests for another one (pytest-xdist)."""
    return hasattr(config, "workerinput")


# The tests of the data layer run on both databases. These look at what is before it, at the network, or repeat on
# further data what their neighbours test on both; on PostgreSQL they are long.
SQLITE_IS_ENOUGH = re.compile(
    r"tests/(pages/|throttling/|decoding/|api/|evaluation/|matching/azure/|migrations/test_legacy_(later|objects))"
)
# A migration that others build on is not edited any more. On PostgreSQL the tests of all but the newest are long too;
# that all migrations together create the schema of the models is tested on both (tests/migrations/test_upgrade.py).
EARLIER_MIGRATIONS = re.compile(
    r"tests/migrations/test_(browsers_of_links|camera_clocks|downloads_and_codes|evaluations|gallery|"
    r"guests_without_password|incomplete_photos|mail|photo_links|portraits|raws|reembeddings|remote_faces|"
    r"reprocessings|subscriptions)\.py"
)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Create the folder of the run; let numeric libraries use one thread, as the processes share the cores."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Tests must never touch the developer's own database.
    os.environ.pop("DATABASE_URL", None)
    if not _is_worker(config):
        _make_run_folder(config)


def _make_run_folder(config: pytest.Config) -> None:
    """Create the folder of this run, in memory if there is room: a commit need not survive a power cut there.

    The folders of tests are in it too, unless `--basetemp` names another place, where they are kept after the run.
    """
    memory = MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES else None
    folder = Path(tempfile.mkdtemp(prefix="reperio-tests-", dir=memory))
    # The user of PostgreSQL passes through it.
    folder.chmod(0o711)
    os.environ[RUN_FOLDER] = str(folder)
    if config.option.basetemp is None:
        config.option.basetemp = str(folder / "tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they need, and put modules into an order in which several processes finish early."""
    kinds: dict[str, str] = {}
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
        if "browser" in fixtures:
            item.add_marker("browser")
        if "postgres_server" in fixtures or {"postgresql", "psycopg2", "procrastinate"} & set(map(str, parameters)):
            item.add_marker("postgresql")
            repeats = SQLITE_IS_ENOUGH.match(item.nodeid) or EARLIER_MIGRATIONS.match(item.nodeid)
            if repeats or item.get_closest_marker("sqlite_is_enough"):
                item.add_marker("long")
        elif item.get_closest_marker("postgresql_is_enough"):
            item.add_marker("long")
        kind = next((name for name in ("browser", "server") if item.get_closest_marker(name)), "other")
        # A module is of the kind of its first long test.
        if kinds.get(_module(item), "other") == "other":
            kinds[_module(item)] = kind
    places = _places(kinds)
    items.sort(key=lambda item: places[_module(item)])


def _places(kinds: dict[str, str]) -> dict[str, float]:
    """Return where in the run each module belongs, 0 to 1, given the kind of each.

    Those with browsers and servers are long and use both cores: spread, so that few run at the same time, and over
    by three quarters of the run, so that none runs alone at its end.
    """
    places = {}
    for kind, until in (("browser", 0.75), ("server", 0.75), ("other", 1.0)):
        modules = [module for module in kinds if kinds[module] == kind]
        places.update({module: until * place / len(modules) for place, module in enumerate(modules)})
    return places


def pytest_collection_finish() -> None:
    """Exclude what is loaded so far from garbage collection: it lives until the end."""
    gc.collect()
    gc.freeze()


def _module(item: pytest.Item) -> str:
    return item.nodeid.split("::")[0]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder of the run."""
    if not _is_worker(config):
        shutil.rmtree(os.environ.pop(RUN_FOLDER), ignore_errors=True)
