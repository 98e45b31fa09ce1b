"""Runs one load test with a server and an event of its own: `python -m bench.load MODE [--postgresql]`.

Server and generator share the machine. Reports lie in `build/load/MODE-DATABASE/`.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.load_event import prepare
from testkit.postgres import databases
from testkit.sample_pictures import NoPictures
from testkit.servers import ROOT, BenchError, Launcher, temporary_folder

REPORTS = Path("build/load")
SHARED_FACES = ROOT.parent / "shared" / "photos" / "faces"


@dataclass(frozen=True, slots=True)
class Mode:
    """The number of guests the event needs, and Locust's arguments."""

    guests: int
    words: tuple[str, ...]
    seconds: int | None


MODES = {
    "closed30": Mode(150, ("--users=31", "--spawn-rate=0.5", "--photographers=1", "--goals=closed"), 300),
    "closed300": Mode(600, ("--users=301", "--spawn-rate=5", "--photographers=1", "--goals=wide"), 300),
    "open": Mode(360, ("--arrival-rate=6", "--arrival-seconds=60"), None),
}


def run(name: str, mode: Mode, *, postgresql: bool, seconds: int | None, folder: Path) -> int:
    """Run one mode; return Locust's exit status.

    Raises:
        BenchError: the server did not start or the event was not prepared.
    """
    reports = ROOT / REPORTS / f"{name}-{'postgresql' if postgresql else 'sqlite'}"
    reports.mkdir(parents=True, exist_ok=True)
    faces = SHARED_FACES if SHARED_FACES.is_dir() else None
    with databases(folder, postgresql) as new_database:
        launcher = Launcher(folder, new_database(), ACCESS_LOG="false")
        try:
            plan = folder / "event.json"
            prepare(launcher.start(), plan, faces=faces, guests=mode.guests)
            command = [sys.executable, "-m", "locust", "-f", "locust_file.py", "--headless", "--only-summary"]
            command += [f"--plan={plan}", f"--html={reports}/report.html", f"--csv={reports}/report"]
            command += [f"--results={reports}/results.json", *mode.words]
            if seconds or mode.seconds:
                # Locust lets a started journey finish.
                command += [f"--run-time={seconds or mode.seconds}s", "--stop-timeout=100s"]
            return subprocess.run(command, cwd=ROOT, check=False).returncode
        finally:
            launcher.stop()


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 when nothing failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("mode", choices=sorted(MODES))
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--seconds", type=int, help="instead of the mode's own length")
    given = parser.parse_args(arguments)
    try:
        with temporary_folder() as folder:
            return run(
                given.mode, MODES[given.mode], postgresql=given.postgresql, seconds=given.seconds, folder=folder
            )
    except (BenchError, NoPictures) as problem:
        print(f"No load test: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
