"""The result type of every measurement: figures with their bounds, and lines to plot."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

FOLDER = Path("build/bench")


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. `bound` is its maximum, or with `at_least` its minimum; None: it has no goal.

    `note` describes the conditions; `limit` says what limits it, and is shown where the bound is missed.
    """

    name: str
    value: float
    unit: str
    bound: float | None = None
    at_least: bool = False
    note: str = ""
    limit: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the figure meets its bound; None without one. A NaN meets none."""
        if self.bound is None:
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound


@dataclass(frozen=True, slots=True)
class Drawing:
    """Named lines of points (x, y); with `ticks` bars instead, x being the place of a name.

    `bound` is drawn across; `marks` are named upright lines.
    """

    title: str
    x_label: str
    y_label: str
    lines: dict[str, list[tuple[float, float]]]
    ticks: list[str] = field(default_factory=list)
    logarithmic: bool = False
    bound: float | None = None
    marks: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """All figures of one part, and the command that repeats them."""

    part: str
    results: list[Result]
    drawings: list[Drawing] = field(default_factory=list)
    when: str = ""

    @property
    def command(self) -> str:
        """The command that measures it again."""
        return f"python -m bench.{self.part}"

    def write(self, path: Path) -> None:
        """Write it as JSON, with whether each bound was met."""
        found = asdict(self)
        for row, result in zip(found["results"], self.results, strict=True):
            row["met"] = result.met
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1))


def read(path: Path) -> Measured:
    """Read what `write` wrote. Whether a bound is met is computed again from value and bound."""
    found = json.loads(path.read_text())
    results = [Result(**{name: value for name, value in row.items() if name != "met"}) for row in found["results"]]
    drawings = [
        Drawing(
            **{
                **row,
                "lines": {name: [(x, y) for x, y in points] for name, points in row["lines"].items()},
            }
        )
        for row in found["drawings"]
    ]
    return Measured(found["part"], results, drawings, found["when"])


def figure(result: Result) -> str:
    """Return the value with its unit, as a table shows it."""
    digits = 0 if abs(result.value) >= 100 else 1 if abs(result.value) >= 10 else 3 if abs(result.value) < 1 else 2
    return f"{result.value:,.{digits}f} {result.unit}".strip()


def bound(result: Result) -> str:
    """Return the bound as a table shows it."""
    if result.bound is None:
        return "–"
    return f"{'at least' if result.at_least else 'at most'} {result.bound:g}"


def verdict(result: Result) -> str:
    """Return `met`, `MISSED` or a dash, and for a missed one what limits it."""
    if result.met is None:
        return "–"
    return "met" if result.met else f"**MISSED** {result.limit}".strip()


def show(measured: Measured) -> None:
    """Print the part's table."""
    print(f"\n{measured.part}")
    for each in measured.results:
        print(f"  {each.name:<64} {figure(each):>14}  {bound(each):<16} {verdict(each).replace('**', '')}")
        if each.note:
            print(f"      {each.note}")
    sys.stdout.flush()


def run_part(measure: Callable[[bool], Measured], description: str | None) -> int:
    """Run one part from the command line; return the exit status: a missed goal is a result, not a failure."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short runs, to try it")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    asked = parser.parse_args()
    measured = measure(asked.quick)
    show(measured)
    if asked.json is not None:
        measured.write(asked.json)
    return 0
