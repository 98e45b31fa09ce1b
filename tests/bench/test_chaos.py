"""Nothing accepted is lost, duplicated or matched differently when processes are killed; real engine, real server."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import erasures
from bench.chaos import differences, play
from bench.crowd import Plan

SHORT = Plan(seconds=10, guests=8, photos=24)
FULL = Plan()


# The embedded queue on each database, and dispatch by Procrastinate.
KINDS = ["sqlite", "postgresql", "procrastinate"]


@pytest.fixture
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The database, or Procrastinate, which is given to the servers by their environment."""
    name = str(request.param)
    if name == "procrastinate":
        monkeypatch.setenv("JOB_ENGINE", name)
    return name


def run(plan: Plan, kind: str, folder: Path, postgres: Callable[[str], str]) -> None:
    calm_plan = Plan(1, plan.guests, plan.photos)
    calm = play(folder / "calm", calm_plan, calm=True, database_url=None if kind == "sqlite" else postgres("psycopg"))
    wild = play(folder / "wild", plan, calm=False, database_url=None if kind == "sqlite" else postgres("psycopg"))
    assert wild.accepted_selfies == plan.guests
    assert wild.accepted_photos == plan.photos
    # Few enough for a slow machine, whose server takes long to restart.
    assert wild.kills >= plan.seconds / 7
    assert differences(calm, wild) == []


@pytest.mark.server
# Each takes a minute of restarts and leases.
@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_nothing_is_lost_in_a_short_storm(kind: str, tmp_path: Path, postgres: Callable[[str], str]) -> None:
    run(SHORT, kind, tmp_path, postgres)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_nothing_is_lost_in_a_long_storm(kind: str, tmp_path: Path, postgres: Callable[[str], str]) -> None:
    run(FULL, kind, tmp_path, postgres)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)
def test_nothing_is_left_of_what_is_erased_in_a_storm(
    kind: str, tmp_path: Path, postgres: Callable[[str], str]
) -> None:
    erased = erasures.play(tmp_path / "run", FULL, postgres("psycopg") if kind == "postgresql" else None)
    assert erasures.faults(erased) == []
