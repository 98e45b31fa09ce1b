"""Fixtures of the migrations and of the import: the service's empty database, the predecessor's with its objects."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import DATABASES, fresh_database
from tests.migrations.later import later_database
from tests.migrations.test_legacy import Old


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """The service's database, migrated and empty."""
    with fresh_database(request, tmp_path):
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """An empty database and storage of the service."""
    with fresh_database(request, tmp_path):
        yield tmp_path / "storage"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that stands for the bucket."""
    found = tmp_path / "objects"
    found.mkdir()
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def later(request: pytest.FixtureRequest, tmp_path: Path, folder: Path) -> Iterator[Old]:
    """The predecessor's database; its objects are in `folder`."""

    def put(key: str, data: bytes) -> None:
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(data)

    address = f"sqlite:///{tmp_path}/old.db"
    if request.param == "postgresql":
        address = request.getfixturevalue("postgres")("psycopg")
    found = later_database(address, put)
    yield found
    found.engine.dispose()
