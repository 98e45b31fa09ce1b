"""Runs every measurement in one command: `python -m bench [--only NAME] [--quick]`.

Each part runs in a process of its own and writes its figures to `build/bench/`. The printed table, the plots, the
HTML page and the table in `docs/performance.md` are made from these files. A missed goal is a result, not a failure:
the exit status is 1 only if a part could not measure. A quick run does not change the document.
"""

import argparse
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.engine import has_bf16
from bench.load_results import read_results
from bench.pages import page, pictures, renewed, table
from bench.report import FOLDER, Measured, read
from testkit.servers import ROOT

PARTS = ("load_results", "journey_cpu", "workers", "constant", "engine", "dlib_compare", "growth", "faces_million")
DOCUMENT = ROOT / "docs" / "performance.md"


def machine() -> str:
    """Return a sentence that describes the machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cores = sum(line.startswith("processor") for line in lines)
    kind = "with" if has_bf16() else "without"
    return f"{cores} cores {kind} AVX-512 BF16; ratios are medians of pairs taken in turn within one run."


def run_part(name: str, folder: Path, quick: bool) -> bool:
    """Measure one part; return whether it succeeded."""
    command = [sys.executable, "-m", f"bench.{name}", "--json", str(folder / f"{name}.json")]
    command += ["--quick"] if quick else []
    command += ["--run"] if name == "load_results" else []
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def collected(folder: Path) -> list[Measured]:
    """Return the parts that have figures, in the order of the table."""
    found = []
    for name in PARTS:
        path = folder / f"{name}.json"
        if name == "load_results":
            # The latest results of the load tests, whichever command produced them.
            found += [part for part in [read_results()] if part.results]
        elif path.is_file():
            when = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d")
            part = read(path)
            found.append(Measured(part.part, part.results, part.drawings, part.when or when))
    return found


def publish(parts: list[Measured], folder: Path, *, document: Path | None) -> None:
    """Write table, plots and page, and update the document."""
    drawn = pictures(parts, folder)
    (folder / "table.md").write_text(f"{machine()}\n\n{table(parts)}\n")
    (folder / "index.html").write_text(page(parts, drawn, machine()))
    if document is not None:
        document.write_text(renewed(document.read_text(), parts, machine(), PARTS))


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=PARTS, help="this part; may be given again")
    parser.add_argument("--quick", action="store_true", help="short runs, to try it")
    parser.add_argument("--publish", action="store_true", help="measure nothing, only show what lies there")
    asked = parser.parse_args()
    folder = ROOT / (f"{FOLDER}-quick" if asked.quick else FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    names = () if asked.publish else asked.only or PARTS
    failed = [name for name in names if not run_part(name, folder, asked.quick)]
    publish(collected(folder), folder, document=None if asked.quick else DOCUMENT)
    print(f"\n{folder / 'index.html'}")
    for name in failed:
        print(f"{name} could not be measured", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
