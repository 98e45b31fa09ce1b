"""Procrastinate as operators meet it: real servers, its command, its tables, backups, and the way back."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from testkit import warm
from testkit.builders import people
from testkit.servers import ROOT, Launcher, NewEvent, create_event, run_server, wait_until
from tests.operations.test_start import refusal

pytestmark = pytest.mark.server
TICKETS = {"JOB_ENGINE": "procrastinate", "FACE_RECOGNIZER_PROVIDER": "fake"}


def upload(event: NewEvent, *numbers: int) -> None:
    """Send photos, each of one person."""
    files = [("files", (f"{number}.jpg", people(number), "image/jpeg")) for number in numbers]
    event.photographer.call("POST", f"/api/photographer/events/{event.id}/upload-photos", files=files)


def is_idle(event: NewEvent) -> bool:
    """Return whether no photo waits."""
    state = event.admin.call("GET", "/api/admin/jobs")["kinds"]["photos"]
    return bool(state["pending"] + state["processing"] == 0)


def ask(address: str, statement: str) -> list[tuple[object, ...]]:
    """Return the rows of a query; a change is committed."""
    plain = make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_a_server_works_by_tickets_and_its_command_answers(postgres: Callable[[str], str], tmp_path: Path) -> None:
    address = postgres("psycopg")
    with run_server(tmp_path, address, GUNICORN_WORKERS="2", **TICKETS) as server:
        event = create_event(server)
        upload(event, 1, 2, 3)
        wait_until(lambda: is_idle(event), 20, "the photos")
        command = [sys.executable, "-m", "procrastinate", "--app=tickets.app.app", "healthchecks"]
        given = {**os.environ, "DATABASE_URL": address, "SECRET_KEY": "x" * 40, **TICKETS}
        checked = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        assert "Found procrastinate_jobs table: OK" in checked.stdout
    assert ask(address, "SELECT status FROM photos") == [("done",)] * 3
    wait_until(lambda: ask(address, "SELECT 1 FROM procrastinate_jobs") == [], 10, "the last tickets")


@pytest.mark.long
@pytest.mark.timeout(400)
def test_what_one_engine_left_the_other_finishes(postgres: Callable[[str], str], tmp_path: Path) -> None:
    address = postgres("psycopg")
    launcher = Launcher(tmp_path, address, **TICKETS)
    try:
        event = create_event(launcher.start())
        for number, engine in enumerate(("embedded", "procrastinate", "embedded")):
            launcher.stop()
            launcher.environment["JOB_ENGINE"] = engine
            ask(address, "UPDATE photos SET status = 'pending', lease_until = NULL, attempts = 0")
            launcher.start()
            upload(event, number)
            wait_until(lambda: is_idle(event), 100, "the photos")
    finally:
        launcher.stop()
    assert ask(address, "SELECT status FROM photos") == [("done",)] * 3


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_backup_holds_no_tickets_and_what_waited_is_done_after_the_restore(
    postgres: Callable[[str], str], tmp_path: Path
) -> None:
    old, new = postgres("psycopg"), postgres("psycopg")
    given = {**TICKETS, "SECRET_KEY": "x" * 40, "KEY_STORE_URL": f"file://{tmp_path}/keys"}
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    with run_server(tmp_path / "old", old, **given) as server:
        event = create_event(server)
        upload(event, 1, 2)
        wait_until(lambda: is_idle(event), 20, "the photos")
    ask(old, "UPDATE photos SET status = 'pending', attempts = 0")

    def run(command: str, address: str, storage: Path, *arguments: str) -> None:
        environment = {**os.environ, **given, "DATABASE_URL": address, "STORAGE_URL": f"file://{storage}"}
        done = warm.run(["-m", f"backup.{command}", *arguments], env=environment)
        assert done.returncode == 0, done.stderr

    backup = tmp_path / "backup"
    run("take", old, tmp_path / "old" / "storage", str(backup))
    assert not [each for each in backup.rglob("*") if "procrastinate" in each.name]
    run("restore", new, tmp_path / "new" / "storage", str(backup))
    with run_server(tmp_path / "new", new, **given):
        wait_until(lambda: ask(new, "SELECT status FROM photos") == [("done",)] * 2, 100, "the photos")


def test_tables_of_another_release_of_procrastinate_are_left_alone(
    postgres: Callable[[str], str], tmp_path: Path
) -> None:
    address = postgres("psycopg")
    ask(address, "CREATE TABLE procrastinate_jobs (id integer)")
    status, output = refusal(tmp_path, DATABASE_URL=address, **TICKETS)
    assert status == 1
    assert "tables of Procrastinate that are not those of this release" in output
    assert "Traceback" not in output
