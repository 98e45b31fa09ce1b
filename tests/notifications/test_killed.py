"""Workers are killed every two seconds while photos arrive: no guest misses one, and a repeat is the same message."""

from pathlib import Path

import pytest

from bench.notify import Plan, run
from testkit.postgres import databases

pytestmark = [pytest.mark.long, pytest.mark.server]


@pytest.mark.parametrize("postgresql", [False, True], ids=["sqlite", "postgresql"])
def test_no_photo_goes_untold(tmp_path: Path, postgresql: bool) -> None:
    with databases(tmp_path, postgresql) as new_database:
        outcome = run(tmp_path, new_database(), Plan(guests=10, photos=6, kill_seconds=2.0))
    assert outcome.kills >= 5
    assert outcome.untold == []
    assert outcome.told_too_often == [], "a repeat has the id of the first"
