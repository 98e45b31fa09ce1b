"""Compares the load tests' latest results with their goals; `--run` runs the tests without results."""

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.load import REPORTS
from bench.report import Drawing, Measured, Result, show
from testkit.servers import ROOT

PART = "load_results"
# What is to be measured: the mode of `bench.load` and its database.
RUNS = (("closed30", "sqlite"), ("closed30", "postgresql"), ("open", "postgresql"), ("closed300", "postgresql"))
WORDS = {"closed30": "30 guests", "open": "6 guests a second", "closed300": "300 guests"}


def _file(mode: str, database: str) -> Path:
    return ROOT / REPORTS / f"{mode}-{database}" / "results.json"


def run_missing(quick: bool) -> None:
    """Run the load tests that have no results yet."""
    for mode, database in RUNS:
        if not _file(mode, database).is_file():
            command = [sys.executable, "-m", "bench.load", mode]
            command += ["--postgresql"] if database == "postgresql" else []
            command += ["--seconds=30"] if quick and mode != "open" else []
            subprocess.run(command, cwd=ROOT, check=False)


def results_of(mode: str, database: str, content: dict[str, object], when: str) -> list[Result]:
    """Return one run's figures: failures, and the calls that have a goal."""
    which, calls = str(content["which"]), content["calls"]
    assert isinstance(calls, dict)
    where = f"{WORDS[mode]}, {'SQLite' if database == 'sqlite' else 'PostgreSQL'}"
    requests = sum(row["requests"] for row in calls.values())
    note = f"{requests} requests, {content['arrived']} guests came, {content['finished']} were through; {when}"
    found = [Result(f"{where}: failures", float(str(content["failures"])), "", 0, note=note)]
    for name, row in calls.items():
        if row["goal"] is not None:
            value = row[which]
            seen = float("nan") if value is None else float(value)
            found.append(Result(f"{where}: {name}, {which}", seen, "ms", float(row["goal"])))
    return found


def measure(quick: bool) -> Measured:
    """Read the load tests' results, after running those without results."""
    run_missing(quick)
    return read_results()


def read_results() -> Measured:
    """Read the load tests' results."""
    results, bars, ticks = list[Result](), dict[str, list[tuple[float, float]]](), list[str]()
    for mode, database in RUNS:
        path = _file(mode, database)
        if not path.is_file():
            print(f"no results of bench.load {mode} on {database}", file=sys.stderr)
            continue
        when = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d")
        found = results_of(mode, database, json.loads(path.read_text()), when)
        results += found
        for each in found[1:]:
            where, call = each.name.split(": ", 1)
            call = call.rsplit(",", 1)[0]
            if call not in ticks:
                ticks.append(call)
            bars.setdefault(where, []).append((float(ticks.index(call)), each.value))
    return Measured(PART, results, [Drawing("Under load", "", "ms", bars, ticks, True)] if results else [])


def main() -> int:
    """Print the figures; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", action="store_true", help="measure what is missing")
    parser.add_argument("--quick", action="store_true", help="short runs, to try it")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    asked = parser.parse_args()
    measured = measure(asked.quick) if asked.run else read_results()
    show(measured)
    if asked.json is not None:
        measured.write(asked.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
