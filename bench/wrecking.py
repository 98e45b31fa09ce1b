"""Kills workers and whole servers during a run, and sweeps up what they left."""

import os
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress

from bench.crowd import Outcome, Plan
from testkit.servers import ROOT, BenchError, Launcher

KILL_EVERY_SECONDS = 2.0


def wreck(launcher: Launcher, plan: Plan, outcome: Outcome, over: threading.Event) -> None:
    """Kill a worker every two seconds; stop the server a third of the way, kill it whole at two thirds."""
    dice, began = random.Random(3), time.monotonic()
    ends = [(plan.seconds / 3, launcher.stop), (plan.seconds * 2 / 3, launcher.kill)]
    while not over.wait(KILL_EVERY_SECONDS):
        if ends and time.monotonic() - began > ends[0][0]:
            ends.pop(0)[1]()
            launcher.start()
            outcome.kills += 1
        elif workers := launcher.workers():
            with suppress(ProcessLookupError):
                os.kill(dice.choice(workers), 9)
                outcome.kills += 1


def sweep(launcher: Launcher) -> int:
    """Move files without a row into the quarantine, with no grace period; return how many there were."""
    command = [sys.executable, "-m", "jobs.sweep", "--grace", "0"]
    done = subprocess.run(command, cwd=ROOT, env=launcher.environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"the sweep failed: {done.stderr[-300:]}")
    if "refuses" in done.stderr:
        raise BenchError(done.stderr[-300:])
    return int(done.stdout.split()[0])
