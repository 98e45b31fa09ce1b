"""A change of an event shows in every process within seconds; statistics cover all processes."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from models import utcnow
from testkit.servers import TLS, Api, Launcher, create_event, wait_until

SHOWN_SECONDS = 5.0
ASKED = 40


@pytest.fixture(params=["sqlite", "postgresql"])
def launcher(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    address = request.getfixturevalue("postgres")("psycopg") if request.param == "postgresql" else None
    # The expired code is asked for more often than a person would.
    extra = {"GUNICORN_WORKERS": "3", "RATE_WRONG_CODES_MINUTE": "0"}
    launcher = Launcher(tmp_path, address, FACE_RECOGNIZER_PROVIDER="fake", **extra)
    yield launcher
    launcher.kill()


def answers(url: str, code: str) -> set[bool]:
    """Return the answers of many connections, which reach every process."""
    return {
        httpx2.post(f"{url}/api/check-event-code", json={"event_code": code}, verify=TLS).json()["valid"]
        for _ in range(ASKED)
    }


def looked_up(admin: Api) -> int:
    cache = admin.call("GET", "/api/stats")["cache"]
    return int(cache["hits"] + cache["misses"])


@pytest.mark.sqlite_is_enough
@pytest.mark.server
@pytest.mark.long
def test_every_process_notices_a_change_within_five_seconds(launcher: Launcher) -> None:
    server = launcher.start()
    event = create_event(server, event_code="CACHED")
    wait_until(lambda: answers(server.url, "CACHED") == {True}, SHOWN_SECONDS, "the new code in every process")
    past = (utcnow() - timedelta(days=1)).isoformat()
    event.admin.call("PUT", f"/api/admin/events/{event.id}", json={"expires_at": past})
    wait_until(lambda: answers(server.url, "CACHED") == {False}, SHOWN_SECONDS, "the end in every process")
    # Each process publishes its counters every second.
    wait_until(lambda: looked_up(event.admin) >= 2 * ASKED, 5, "the look-ups of all processes")
    found = event.admin.call("GET", "/api/stats")
    # Three processes of ten connections; at least half of the look-ups were cache hits.
    assert found["db_pool"]["size"] == 30
    assert found["cache"]["hit_rate"] >= 0.5
