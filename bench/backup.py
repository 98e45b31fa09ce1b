"""A backup taken while guests and photos arrive, restored into an empty place, and finished there by a new server.

What was accepted before the backup began must be there and be finished, with the matches of the first server.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from bench.crowd import Crowd, Outcome, Plan, make_pictures
from testkit.postgres import databases
from testkit.servers import ROOT, TLS, Api, BenchError, Launcher, Server, temporary_folder, wait_until

SETTLE_SECONDS = 300.0
PAUSE_SECONDS = 0.02
DEFAULT = Plan(seconds=30, guests=20, photos=200)


@dataclass(slots=True)
class Figures:
    """What happened. Times are in seconds."""

    accepted_photos: int = 0
    accepted_guests: int = 0
    waiting: int = 0
    rows: int = 0
    files: int = 0
    megabytes: float = 0.0
    backup_seconds: float = 0.0
    restore_seconds: float = 0.0
    answers: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def command(launcher: Launcher, name: str, folder: Path) -> float:
    """Run `python -m backup.NAME FOLDER` on the database and storage of a server; return how long it took.

    Raises:
        BenchError: it failed.
    """
    began = time.monotonic()
    line = [sys.executable, "-m", f"backup.{name}", str(folder)]
    environment = {**os.environ, **launcher.environment}
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stderr:
        raise BenchError(f"backup.{name} ended with {done.returncode}: {done.stderr}")
    return time.monotonic() - began


def _ask_meanwhile(server: Server, over: threading.Event, answers: list[float]) -> None:
    with httpx2.Client(base_url=server.url, verify=TLS) as client:
        while not over.wait(PAUSE_SECONDS):
            began = time.monotonic()
            client.post("/api/check-event-code", json={"event_code": "CHAOS"}).raise_for_status()
            answers.append(time.monotonic() - began)


def _photos(server: Server, crowd: Crowd) -> dict[int, Any]:
    with Api(server, crowd.photographer) as photographer:
        path = f"/api/photographer/events/{crowd.event_id}/photos"
        return {photo["id"]: photo for photo in photographer.call("GET", path)}


def _matches(server: Server, token: str) -> dict[int, float]:
    with Api(server, token) as guest:
        return {photo["id"]: photo["confidence_score"] for photo in guest.call("GET", "/api/my-photos")}


def _settle(server: Server, admin: Api) -> None:
    def quiet() -> bool:
        kinds = admin.call("GET", "/api/admin/jobs")["kinds"].values()
        return all(kind["pending"] + kind["processing"] == 0 for kind in kinds)

    wait_until(quiet, SETTLE_SECONDS, "the queue to empty")


def _take_under_load(launcher: Launcher, server: Server, crowd: Crowd, folder: Path, figures: Figures) -> None:
    over = threading.Event()
    asking = threading.Thread(target=_ask_meanwhile, args=(server, over, figures.answers))
    asking.start()
    try:
        figures.backup_seconds = command(launcher, "take", folder)
    finally:
        over.set()
        asking.join()
    manifest = json.loads((folder / "manifest.json").read_text())
    figures.rows = sum(manifest["rows"].values())
    figures.files = len(manifest["files"])
    figures.megabytes = sum(entry["size"] for entry in manifest["files"]) / 1e6


def _compare(
    first: dict[str, dict[int, float]], server: Server, crowd: Crowd, accepted: set[int], tokens: dict[str, str]
) -> list[str]:
    """Return what is missing or differs on the restored server."""
    there = _photos(server, crowd)
    problems = [f"photo {each} is missing" for each in sorted(accepted - there.keys())]
    problems += [
        f"photo {each}: {there[each]['processing_status']}"
        for each in sorted(accepted & there.keys())
        if there[each]["processing_status"] != "done"
    ]
    for name, token in sorted(tokens.items()):
        with Api(server, token) as guest:
            status = guest.call("GET", "/api/rematch-status")["status"]
        found = _matches(server, token)
        if status != "done":
            problems.append(f"{name}: {status}")
        # The threshold rises with the faces of an event, and the first server had more: it may find less, never more.
        lost = {photo for photo in first[name] if photo in accepted} - found.keys()
        problems += [f"{name}: the match with photo {photo} is missing" for photo in sorted(lost)]
    return problems


def run(folder: Path, first: str | None, second: str | None, plan: Plan = DEFAULT) -> Figures:
    """Play it on two databases, the second one empty; None means a SQLite file of its own.

    Raises:
        BenchError: a step did not go as it must.
    """
    figures, outcome, backup = Figures(), Outcome(), folder / "backup"
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    photos, selfies = make_pictures(plan)
    launcher = Launcher(folder / "one", first)
    try:
        server = launcher.start()
        crowd = Crowd(server, plan, outcome)
        arrival = threading.Thread(target=crowd.arrive, args=(photos, selfies))
        arrival.start()
        wait_until(lambda: outcome.accepted_photos >= plan.photos // 2, SETTLE_SECONDS, "half of the photos")
        accepted, tokens = _photos(server, crowd), dict(crowd.tokens)
        figures.accepted_photos, figures.accepted_guests = len(accepted), len(tokens)
        figures.waiting = sum(photo["processing_status"] in ("pending", "processing") for photo in accepted.values())
        _take_under_load(launcher, server, crowd, backup, figures)
        arrival.join()
        _settle(server, crowd.admin)
        matches = {name: _matches(server, token) for name, token in tokens.items()}
    finally:
        launcher.stop()
    restored = Launcher(folder / "two", second, SECRET_KEY=launcher.environment["SECRET_KEY"])
    figures.restore_seconds = command(restored, "restore", backup)
    try:
        server = restored.start()
        with Api(server) as anyone, anyone.logged_in("admin", launcher.password) as admin:
            _settle(server, admin)
        figures.problems = _compare(matches, server, crowd, set(accepted), tokens)
    finally:
        restored.stop()
    return figures


def show(figures: Figures) -> None:
    """Print what was measured."""
    answers = sorted(figures.answers)
    print(f"accepted before the backup: {figures.accepted_photos} photos, {figures.accepted_guests} guests")
    print(f"photos not processed yet when it began: {figures.waiting}")
    size = f"{figures.rows} rows, {figures.files} files, {figures.megabytes:.1f} MB"
    print(f"backup: {figures.backup_seconds:.1f} s; {size}")
    print(f"restore: {figures.restore_seconds:.1f} s")
    if answers:
        p95, worst = answers[int(len(answers) * 0.95)] * 1000, answers[-1] * 1000
        print(f"check-event-code meanwhile: {len(answers)} answers, p95 {p95:.0f} ms, worst {worst:.0f} ms")
    print("after the restore: everything there and finished" if not figures.problems else "\n".join(figures.problems))


def main() -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--photos", type=int, default=DEFAULT.photos)
    parser.add_argument("--guests", type=int, default=DEFAULT.guests)
    parser.add_argument("--seconds", type=float, default=DEFAULT.seconds, help="over which they arrive")
    asked = parser.parse_args()
    plan = Plan(asked.seconds, asked.guests, asked.photos)
    try:
        with temporary_folder() as folder, databases(folder, asked.postgresql) as new_database:
            figures = run(folder, new_database(), new_database(), plan)
    except BenchError as problem:
        print(f"The run failed: {problem}", file=sys.stderr)
        return 1
    show(figures)
    return 1 if figures.problems else 0


if __name__ == "__main__":
    sys.exit(main())
