"""The release before goes on with the schema of this one: migrations only add, and what they add it need not know."""

from collections.abc import Iterator
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, inspect

from database import get_engine
from migrations.upgrade import config, upgrade
from testkit.releases import BEFORE_REVISION
from tests.conftest import fresh_database


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def schemas(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The tables as the release before made them, and as this release makes them of those."""
    with fresh_database(request, tmp_path_factory.mktemp("releases")):
        command.downgrade(config(), BEFORE_REVISION)
        before = _tables(get_engine())
        upgrade()
        yield before, _tables(get_engine())


def _tables(engine: Engine) -> dict[str, Any]:
    found = inspect(engine)
    return {
        table: {
            "columns": {each["name"]: each for each in found.get_columns(table)},
            "unique": {tuple(each["column_names"]) for each in found.get_unique_constraints(table)}
            | {
                tuple(str(name) for name in each["column_names"])
                for each in found.get_indexes(table)
                if each["unique"]
            },
            "checks": {str(each["sqltext"]) for each in found.get_check_constraints(table)},
            "references": {
                (tuple(each["constrained_columns"]), each["referred_table"]) for each in found.get_foreign_keys(table)
            },
        }
        for table in found.get_table_names()
    }


def test_nothing_that_the_release_before_uses_is_gone(schemas: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, after = schemas
    assert before.keys() - after.keys() == set()
    for name, table in before.items():
        assert table["columns"].keys() - after[name]["columns"].keys() == set(), name
        for column, was in table["columns"].items():
            now = after[name]["columns"][column]
            assert str(now["type"]) == str(was["type"]), (name, column)
            assert now["nullable"] or not was["nullable"], f"{name}.{column} refuses what the release before writes"
            assert was["default"] is None or now["default"] is not None, (name, column)


def test_rows_of_the_release_before_are_taken(schemas: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, after = schemas
    for name, table in before.items():
        new = after[name]["columns"].keys() - table["columns"].keys()
        for column in new:
            added = after[name]["columns"][column]
            assert added["nullable"] or added["default"] is not None or added.get("computed"), (name, column)
        # What is new is empty in rows of the release before: a rule about it alone refuses none.
        for columns in after[name]["unique"] - table["unique"]:
            assert set(columns) & new, f"{name}: {columns} must be unique, which the release before does not know"
        for columns, other in after[name]["references"] - table["references"]:
            assert set(columns) <= new, f"{name}: {columns} must be in {other}"
        for check in after[name]["checks"] - table["checks"]:
            assert any(column in check for column in new), f"{name}: {check}"
