"""A change of an event shows in every process within seconds; statistics are those of all processes."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from models import utcnow
from testkit.servers import TLS, Api, Launcher, wait_until

SHOWN_SECONDS = 5.0
ASKED = 40


@pytest.fixture(params=["sqlite", "postgresql"])
def launcher(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    address = request.getfixturevalue("postgres")("psycopg") if request.param == "postgresql" else None
    launcher = Launcher(tmp_path, address, FACE_RECOGNIZER_PROVIDER="fake", GUNICORN_WORKERS="3")
    yield launcher
    launcher.kill()


def answers(url: str, code: str) -> set[bool]:
    """Ask over many connections, so that each process is asked."""
    return {
        httpx2.post(f"{url}/api/check-event-code", json={"event_code": code}, verify=TLS).json()["valid"]
        for _ in range(ASKED)
    }


def looked_up(admin: Api) -> int:
    cache = admin.call("GET", "/api/stats")["cache"]
    return int(cache["hits"] + cache["misses"])


def test_every_process_notices_a_change_within_five_seconds(launcher: Launcher) -> None:
    server = launcher.start()
    with Api(server) as anyone:
        admin = anyone.logged_in(server.admin, server.password)
    who = {"username": "lea", "email": "lea@example.org", "password": "pw"}
    lea = admin.call("POST", "/api/admin/photographers", json=who)["photographer_id"]
    body = {"name": "E", "event_code": "CACHED", "photographer_id": lea}
    event = admin.call("POST", "/api/admin/create-event", json=body)["event_id"]
    time.sleep(SHOWN_SECONDS)
    assert answers(server.url, "CACHED") == {True}
    past = (utcnow() - timedelta(days=1)).isoformat()
    admin.call("PUT", f"/api/admin/events/{event}", json={"expires_at": past})
    time.sleep(SHOWN_SECONDS)
    assert answers(server.url, "CACHED") == {False}
    # Each process says where it stands every second.
    wait_until(lambda: looked_up(admin) >= 2 * ASKED, 5, "the look-ups of all processes")
    found = admin.call("GET", "/api/stats")
    # Three processes of ten connections; at least one look-up in two came from a cache.
    assert found["db_pool"]["size"] == 30
    assert found["cache"]["hit_rate"] >= 0.5
