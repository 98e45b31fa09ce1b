"""Guests, photos and events are erased while processes are killed; afterwards nothing of them may be left.

Started by `python -m bench.chaos --erasures`. The audit must find nothing, no erased account may be in the database,
and each erasure must be in the log of erasures.
"""

import json
import random
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench.crowd import Crowd, Outcome, Plan, make_pictures
from bench.wrecking import sweep, wreck
from database import reading
from models import User
from testkit.passwords import PASSWORD
from testkit.postgres import databases
from testkit.servers import ROOT, BenchError, Launcher, temporary_folder

EVERY_SECONDS = 1.0
GRACE = ("--grace", "0", "--pictures")


@dataclass(slots=True)
class Erased:
    """What was erased, by kind, and what the end showed."""

    done: "Counter[str]" = field(default_factory=Counter)
    names: list[str] = field(default_factory=list)
    logged: "Counter[str]" = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)
    audit: str = ""
    kills: int = 0
    swept: int = 0


class Eraser:
    """Erases a guest, a photo or a whole event each second, among those that are there."""

    def __init__(self, crowd: Crowd, admin_password: str, photos: list[bytes], erased: Erased) -> None:
        self._crowd, self._photos, self._erased = crowd, photos, erased
        self._admin = crowd.token("admin", admin_password)
        self._dice = random.Random(5)

    def run(self, over: threading.Event) -> None:
        """Erase until the event is set."""
        kinds = (self._guest, self._photo, self._photo, self._event)
        number = 0
        while not over.wait(EVERY_SECONDS):
            kinds[number % len(kinds)](number)
            number += 1

    def _guest(self, _: int) -> None:
        tokens = self._crowd.tokens
        if len(tokens) < 2:
            return
        name = self._dice.choice(sorted(tokens))
        token = tokens.pop(name)
        self._gone("account", self._crowd.request("DELETE", "/api/me", token, json={"password": PASSWORD}))
        self._erased.names.append(name)

    def _photo(self, _: int) -> None:
        path = f"/api/photographer/events/{self._crowd.event_id}/photos"
        there = self._crowd.request("GET", path, self._crowd.photographer).json()
        if there:
            photo = self._dice.choice(there)
            self._gone(
                "photos", self._crowd.request("DELETE", f"/api/photos/{photo['id']}", self._crowd.photographer)
            )

    def _event(self, number: int) -> None:
        """Make an event with photos, and delete it while they are processed."""
        who = {"username": f"staff{number}", "email": f"staff{number}@example.org", "password": PASSWORD}
        made = self._crowd.request("POST", "/api/admin/photographers", self._admin, json=who)
        if made.status_code != 200:
            # The answer to a first try was lost; there will be other events.
            return
        body = {
            "name": "Short",
            "event_code": f"SHORT{number:03d}",
            "photographer_id": made.json()["photographer_id"],
        }
        event = self._crowd.request("POST", "/api/admin/create-event", self._admin, json=body)
        if event.status_code != 200:
            return
        event_id, token = event.json()["event_id"], self._crowd.token(who["username"])
        files = [("files", (f"e{n}.jpg", data, "image/jpeg")) for n, data in enumerate(self._photos[:3])]
        self._crowd.request("POST", f"/api/photographer/events/{event_id}/upload-photos", token, files=files)
        self._gone("event", self._crowd.request("DELETE", f"/api/admin/events/{event_id}", self._admin))

    def _gone(self, kind: str, answer: Any) -> None:
        """Count an erasure: done, or done by a first try whose answer was lost."""
        if answer.status_code not in (200, 401, 404):
            raise BenchError(f"{kind} was not erased: {answer.status_code} {answer.text}")
        self._erased.done[kind] += 1


def play(folder: Path, plan: Plan, database_url: str | None = None) -> Erased:
    """Play one run and return what was erased and what is left of it.

    Raises:
        BenchError: something was refused or never ended.
    """
    folder.mkdir(exist_ok=True)
    outcome, erased, over = Outcome(), Erased(), threading.Event()
    photos, selfies = make_pictures(plan)
    launcher = Launcher(folder, database_url, JOB_LEASE_SECONDS="6", JOB_HEARTBEAT_SECONDS="2")
    try:
        crowd = Crowd(launcher.start(), plan, outcome)
        eraser = Eraser(crowd, launcher.password, photos, erased)
        with ThreadPoolExecutor(2) as pool:
            meanwhile = [pool.submit(wreck, launcher, plan, outcome, over), pool.submit(eraser.run, over)]
            try:
                crowd.arrive(photos, selfies)
            finally:
                over.set()
        for each in meanwhile:
            each.result()
        crowd.settle()
        launcher.stop()
        erased.kills = outcome.kills
        _examine(launcher, folder, erased)
    finally:
        launcher.kill()
    return erased


def _examine(launcher: Launcher, folder: Path, erased: Erased) -> None:
    # A killed process may have written a file before its row.
    erased.swept = sweep(launcher)
    erased.audit = _command(launcher, "privacy.audit", *GRACE)
    log = folder / "storage.erasures.log"
    lines = {each["number"]: each["kind"] for each in map(json.loads, log.read_text().splitlines())}
    erased.logged = Counter(lines.values())
    names = _command(launcher, "bench.erasures", *erased.names) if erased.names else ""
    erased.left = names.split()


def _command(launcher: Launcher, module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=launcher.environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise BenchError(f"{module} failed: {done.stderr[-300:]}")
    return done.stdout.strip()


def faults(erased: Erased) -> list[str]:
    """Return sentences about what should not be."""
    found = [f"an erased account is there: {name}" for name in erased.left]
    found += [f"{kind} is not in the log" for kind, number in erased.done.items() if erased.logged[kind] < number]
    found += [] if erased.audit.endswith(" 0 findings") else erased.audit.splitlines()
    return [*found, *(["too little was erased: nothing is proven"] if len(erased.done) < 3 else [])]


def run(plan: Plan, *, postgresql: bool) -> int:
    """Play one run, print what it gave, and return the exit status."""
    with temporary_folder() as folder, databases(folder, postgresql) as new_database:
        erased = play(folder / "erasures", plan, new_database())
    found = faults(erased)
    print(
        f"{'PostgreSQL' if postgresql else 'SQLite'}: {dict(erased.done)} erased, {dict(erased.logged)} in the log, "
        f"{erased.kills} kills, {erased.swept} files swept; {erased.audit.splitlines()[-1]}"
    )
    print("nothing of them is left" if not found else "\n".join(found))
    return 1 if found else 0


def main() -> None:
    """Print which of the names given are accounts of the database in the settings."""
    with reading() as session:
        print(*session.scalars(select(User.username).where(User.username.in_(sys.argv[1:]))))


if __name__ == "__main__":
    main()
