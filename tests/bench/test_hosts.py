"""One worker killed, one cut off, the web machine restarted: nothing accepted is lost; real engine, real hosts."""

from pathlib import Path

import pytest

from bench.chaos import differences
from bench.crowd import Plan
from bench.hosts import AWAY_SECONDS, SHORT, play
from testkit.network_hosts import unavailable

REASON = unavailable()


@pytest.mark.server
@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(REASON is not None, reason=str(REASON))
def test_hosts_that_fail_lose_nothing(tmp_path: Path) -> None:
    calm, _ = play(tmp_path / "calm", Plan(1, SHORT.guests, SHORT.photos), None)
    wild, told = play(tmp_path / "wild", SHORT, AWAY_SECONDS)
    assert (wild.accepted_selfies, wild.accepted_photos) == (SHORT.guests, SHORT.photos)
    assert differences(calm, wild) == []
    assert "a worker was killed" in told
    assert "the web machine was restarted" in told
