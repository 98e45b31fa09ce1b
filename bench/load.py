"""Runs one load test with a server and an event of its own: `python -m bench.load MODE [--postgresql]`.

Server and generator share the machine. Reports lie in `build/load/MODE-DATABASE/`.

`python -m bench.load open --postgresql --rate 14 --wait 25` lets 14 guests a second come for a minute, who wait for
their matches instead of asking again and again. `--checkout PATH` loads another version, which has its environment in
`.venv`.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.hot_calls import Checkout
from bench.load_event import prepare
from testkit.postgres import databases
from testkit.sample_pictures import NoPictures
from testkit.servers import ROOT, BenchError, temporary_folder

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


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line changes: the length, guests a second, seconds of a waiting call, and whose server."""

    postgresql: bool = False
    seconds: int | None = None
    rate: float | None = None
    wait: int = 0
    checkout: Path = ROOT

    def words(self, mode: Mode) -> tuple[str, ...]:
        """Return Locust's arguments."""
        waiting = (f"--wait={self.wait}",) if self.wait else ()
        arriving = (f"--arrival-rate={self.rate}",) if self.rate else ()
        return (*mode.words, *arriving, *waiting)

    def guests(self, mode: Mode) -> int:
        """Return how many guests the event needs."""
        return max(mode.guests, int(60 * self.rate)) if self.rate else mode.guests


def run(name: str, mode: Mode, asked: Asked, folder: Path) -> int:
    """Run one mode; return Locust's exit status.

    Raises:
        BenchError: the server did not start or the event was not prepared.
    """
    reports = ROOT / REPORTS / f"{name}-{'postgresql' if asked.postgresql else 'sqlite'}"
    reports.mkdir(parents=True, exist_ok=True)
    faces = SHARED_FACES if SHARED_FACES.is_dir() else None
    with databases(folder, asked.postgresql) as new_database:
        settings = {"FACE_RECOGNIZER_PROVIDER": "local", "GUNICORN_WORKERS": ""}
        url = new_database()
        if url is not None:
            settings["DATABASE_URL"] = url
        launcher = Checkout(folder, asked.checkout.resolve(), **settings)
        try:
            plan = folder / "event.json"
            prepare(launcher.start(), plan, faces=faces, guests=asked.guests(mode))
            command = [sys.executable, "-m", "locust", "-f", "locust_file.py", "--headless", "--only-summary"]
            command += [f"--plan={plan}", f"--html={reports}/report.html", f"--csv={reports}/report"]
            command += [f"--results={reports}/results.json", *asked.words(mode)]
            if asked.seconds or mode.seconds:
                # Locust lets a started journey finish.
                command += [f"--run-time={asked.seconds or mode.seconds}s", "--stop-timeout=100s"]
            return subprocess.run(command, cwd=ROOT, check=False).returncode
        finally:
            launcher.stop()


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 when nothing failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("mode", choices=sorted(MODES))
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--seconds", type=int, help="instead of the mode's own length")
    parser.add_argument("--rate", type=float, help="open loop: guests a second instead of the mode's own")
    parser.add_argument("--wait", type=int, default=0, help="seconds that a call for the state waits; 0: ask again")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="whose server is loaded: a checkout")
    given = parser.parse_args(arguments)
    asked = Asked(given.postgresql, given.seconds, given.rate, given.wait, given.checkout)
    try:
        with temporary_folder() as folder:
            return run(given.mode, MODES[given.mode], asked, folder)
    except (BenchError, NoPictures) as problem:
        print(f"No load test: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
