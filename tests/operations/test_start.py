"""Start of Gunicorn: the first administrator, refused settings, and jobs left by a killed server."""

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

import settings
from testkit import warm
from testkit.builders import people
from testkit.passwords import PASSWORD
from testkit.servers import ROOT, TLS, Api, create_event, free_port, run_server, wait_until

pytestmark = pytest.mark.server
COMMAND = ["-m", "gunicorn", "main:app", "-c", "gunicorn_config.py"]


def refusal(folder: Path, **environment: str) -> tuple[int, str]:
    """Start Gunicorn with settings that it must refuse; return exit status and output."""
    given = {
        "PATH": os.environ["PATH"],
        "PORT": str(free_port()),
        "SECRET_KEY": "x" * 40,
        "DATABASE_URL": f"sqlite:///{folder}/x.db",
        "STORAGE_URL": f"file://{folder}/storage",
        **environment,
    }
    done = warm.run(COMMAND, env=given)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"APP_ENV": "production", "SECRET_KEY": ""}, "SECRET_KEY is required"),
        ({"APP_ENV": "production", "PUBLIC_URL": ""}, "PUBLIC_URL is required"),
        ({"PUBLIC_URL": "photos.example.org"}, "PUBLIC_URL: "),
        ({"CORS_ORIGINS": "https://app.example.org, *"}, "CORS_ORIGINS: "),
        (
            {"APP_ENV": "production", "PUBLIC_URL": "https://a.example", "DATABASE_URL": ""},
            "DATABASE_URL is required",
        ),
        ({"SECRET_KEY": "short"}, "at least 32 characters"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL cannot be used"),
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}, "the database does not answer"),
        ({"STORAGE_URL": "nope://x"}, "STORAGE_URL cannot be used"),
        ({"FACE_RECOGNIZER_PROVIDER": "azure"}, "AZURE_FACE_ENDPOINT is required"),
        ({"GUNICORN_WORKERS": "many"}, "GUNICORN_WORKERS"),
        ({"JOB_ENGINE": "procrastinate"}, "JOB_ENGINE=procrastinate needs PostgreSQL"),
        (
            {"JOB_ENGINE": "procrastinate", "DATABASE_URL": "postgresql+psycopg2://a@127.0.0.1:1/b"},
            "JOB_ENGINE=procrastinate needs PostgreSQL with the driver psycopg 3",
        ),
    ],
)
def test_bad_settings_end_the_start_with_one_clear_line(
    tmp_path: Path, environment: dict[str, str], reason: str
) -> None:
    status, output = refusal(tmp_path, **environment)
    assert status == 1
    assert reason in output
    assert "Traceback" not in output


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "x.db") as database:
        database.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, selfie_data BLOB)")
    status, output = refusal(tmp_path)
    assert status == 1
    assert "did not make" in output


def test_a_database_that_a_newer_release_changed_is_left_alone(tmp_path: Path) -> None:
    import sqlite3

    given = {"PATH": os.environ["PATH"], "SECRET_KEY": "x" * 40, "DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}
    assert warm.run(["-m", "migrations.upgrade"], env=given).returncode == 0
    with sqlite3.connect(tmp_path / "x.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        before = list(database.iterdump())
    status, output = refusal(tmp_path)
    assert status == 1
    assert output.splitlines()[-1] == (
        "Reperio cannot start: the database was changed by a newer release; start that one."
    )
    assert "Traceback" not in output
    with sqlite3.connect(tmp_path / "x.db") as database:
        assert list(database.iterdump()) == before


@pytest.mark.long
def test_the_first_start_makes_an_admin_with_a_password_printed_once(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    given = {"ADMIN_PASSWORD": "", "FACE_RECOGNIZER_PROVIDER": "fake", "GUNICORN_WORKERS": "1"}
    with run_server(tmp_path, None, **given) as server, Api(server) as api:
        printed = re.findall(r"First admin: (\S+)   password \(shown only now\): (\S+)", log.read_text())
        assert len(printed) == 1
        me = api.logged_in(*printed[0]).call("GET", "/api/me")
        assert me["user_type"] == "admin"
        assert f"Reperio: http://localhost:{server.url.rsplit(':', 1)[1]}" in log.read_text()
    with run_server(tmp_path, None, **given):
        assert log.read_text().count("First admin") == 1


def test_what_was_accepted_before_a_kill_is_done_after_the_next_start(
    tmp_path: Path, postgres: Callable[[str], str]
) -> None:
    url = postgres("psycopg")
    settings_of_both: dict[str, Any] = {
        "database_url": url,
        "FACE_RECOGNIZER_PROVIDER": "fake",
        "JOB_LEASE_SECONDS": "1.5",
        "JOB_HEARTBEAT_SECONDS": "0.5",
        "SECRET_KEY": "k" * 40,
    }
    with run_server(tmp_path, **settings_of_both) as server:
        event = create_event(server)
        paths = []
        for number in range(10):
            paths.append(tmp_path / f"{number}.jpg")
            paths[-1].write_bytes(people(number, number + 1, block=400))
        assert len(event.photographer.upload(event.id, paths)["uploaded_photos"]) == 10
        # SIGKILL: no process can finish its work.
        subprocess.run(["pkill", "-KILL", "-P", str(server.pid)], check=False)
        os.kill(server.pid, 9)
    with run_server(tmp_path, **settings_of_both) as server, Api(server) as anyone:
        photographer = anyone.logged_in("lea", PASSWORD)

        def all_done() -> bool:
            found = photographer.call("GET", f"/api/photographer/events/{event.id}/photos")
            assert len(found) == 10
            return all(photo["processing_status"] == "done" and photo["face_count"] == 2 for photo in found)

        wait_until(all_done, 40, "the photos left by the killed server")


def test_the_development_key_is_kept_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    settings.get_settings.cache_clear()
    first = settings.get_settings().secret_key
    settings.get_settings.cache_clear()
    assert settings.get_settings().secret_key == first
    settings.get_settings.cache_clear()
    (kept,) = tmp_path.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text() == first
    assert len(first) >= 32


@pytest.mark.long
def test_usr2_starts_a_second_master_that_outlives_the_first(tmp_path: Path) -> None:
    # The program itself: `python -m gunicorn` cannot be started again by Gunicorn.
    program = Path(sys.executable).with_name("gunicorn")
    port = free_port()
    given = {
        "PATH": os.environ["PATH"],
        "PORT": str(port),
        "SECRET_KEY": "x" * 40,
        "DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        "STORAGE_URL": f"file://{tmp_path}/storage",
        "FACE_RECOGNIZER_PROVIDER": "fake",
        "GUNICORN_WORKERS": "1",
    }
    url = f"http://127.0.0.1:{port}"

    def answers(path: str) -> bool:
        try:
            return httpx2.get(url + path, verify=TLS).status_code == 200
        except httpx2.TransportError:
            return False

    def masters() -> list[int]:
        """The second one is a child of the first, beside its worker, is told the first one's id and has a worker."""
        children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
        second = [pid for pid in children if b"GUNICORN_PID=" in Path(f"/proc/{pid}/environ").read_bytes()]
        return [int(pid) for pid in second if Path(f"/proc/{pid}/task/{pid}/children").read_text()]

    first = subprocess.Popen([program, "main:app", "-c", "gunicorn_config.py"], cwd=ROOT, env=given)
    second = 0
    try:
        wait_until(lambda: answers("/readyz"), 60, "the first start")
        first.send_signal(signal.SIGUSR2)
        wait_until(lambda: bool(masters()), 60, "the second master")
        (second,) = masters()
        first.terminate()
        assert first.wait(40) == 0
        wait_until(lambda: answers("/readyz"), 60, "the second master alone")
        assert answers("/metrics")
    finally:
        first.kill()
        if second:
            os.kill(second, signal.SIGTERM)
            wait_until(lambda: not answers("/livez"), 40, "the end of the second master")
