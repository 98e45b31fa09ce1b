"""Guests and photos arrive while workers and whole servers are killed; at the end nothing accepted may be missing.

A calm run with the same people and pictures gives the expected matches.
"""

import argparse
import sys
import threading
import time
from pathlib import Path

from bench import erasures
from bench.crowd import Crowd, Outcome, Plan, make_pictures
from bench.wrecking import sweep, wreck
from testkit.postgres import databases
from testkit.servers import Launcher, temporary_folder


def play(folder: Path, plan: Plan, *, calm: bool, database_url: str | None = None) -> Outcome:
    """Play one run, calm or not, and return what became of it.

    Raises:
        BenchError: something was refused or never ended.
    """
    folder.mkdir(exist_ok=True)
    outcome, over = Outcome(), threading.Event()
    photos, selfies = make_pictures(plan)
    launcher = Launcher(folder, database_url, JOB_LEASE_SECONDS="6", JOB_HEARTBEAT_SECONDS="2")
    began = time.monotonic()
    try:
        crowd = Crowd(launcher.start(), plan, outcome)
        wrecker = threading.Thread(target=wreck, args=(launcher, plan, outcome, over))
        if not calm:
            wrecker.start()
        try:
            crowd.arrive(photos, selfies)
        finally:
            over.set()
            if not calm:
                wrecker.join()
        crowd.settle()
        outcome.seconds = time.monotonic() - began
        crowd.examine()
        launcher.stop()
        outcome.swept = sweep(launcher)
        outcome.left_orphans = sweep(launcher)
    finally:
        launcher.kill()
    return outcome


def differences(calm: Outcome, wild: Outcome) -> list[str]:
    """Return sentences about what the run with kills lost, duplicated or matched differently."""
    found = [f"not done: {each}" for each in wild.unfinished]
    if wild.duplicates:
        found.append(f"{wild.duplicates} twice")
    if wild.left_orphans:
        found.append(f"{wild.left_orphans} files without a row")
    if not any(calm.matches.values()):
        found.append("the calm run matched nobody: nothing is proven")
    found += [
        f"{name}: {len(wild.matches.get(name, {}))} matches, calm {len(wanted)}: "
        f"{sorted(set(wild.matches.get(name, {}).items()) ^ set(wanted.items()))[:4]}"
        for name, wanted in calm.matches.items()
        if wild.matches.get(name) != wanted
    ]
    return found


def main() -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=Plan.seconds)
    parser.add_argument("--guests", type=int, default=Plan.guests)
    parser.add_argument("--photos", type=int, default=Plan.photos)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server made for the run")
    parser.add_argument("--erasures", action="store_true", help="erase guests, photos and events meanwhile")
    asked = parser.parse_args()
    plan = Plan(asked.seconds, asked.guests, asked.photos)
    if asked.erasures:
        return erasures.run(plan, postgresql=asked.postgresql)
    with temporary_folder() as folder, databases(folder, asked.postgresql) as new_database:
        calm = play(folder / "calm", Plan(1, plan.guests, plan.photos), calm=True, database_url=new_database())
        wild = play(folder / "wild", plan, calm=False, database_url=new_database())
        lost = differences(calm, wild)
    print(
        f"{'PostgreSQL' if asked.postgresql else 'SQLite'}: {wild.accepted_selfies} selfies and "
        f"{wild.accepted_photos} photos accepted, {wild.kills} kills, all through after {wild.seconds:.0f} s "
        f"(calm: {calm.seconds:.0f} s); {sum(map(len, wild.matches.values()))} matches; {wild.swept} files swept"
    )
    print("nothing lost, nothing twice, matches as in the calm run" if not lost else "\n".join(lost))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
