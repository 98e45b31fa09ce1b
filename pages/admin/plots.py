"""Curves of the service over time, as SVG paths for a template; colours and texts are not part of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

# The size of the SVG viewBox; the page stretches it.
WIDTH, HEIGHT = 1000, 200
# A curve is interrupted where two points are further apart than this many usual steps: the service was down.
GAP = 3.5
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Curve:
    """One quantity. `name` ends the keys of its texts, `path` is the SVG path of the line."""

    name: str
    path: str
    values: Sequence[float]
    last: float
    highest: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves over one span of time with a common scale from 0 to `top`."""

    name: str
    curves: Sequence[Curve]
    top: float
    unit: str

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to see: every value is 0, or there is one point."""
        return all(len(curve.values) < 2 or not curve.highest for curve in self.curves)

    @property
    def series(self) -> dict[str, Sequence[float]]:
        """The values of each curve by its name."""
        return {curve.name: curve.values for curve in self.curves}


def nice_top(highest: float) -> float:
    """Return a round number, at least `highest` and at least 2, whose half is round too."""
    if highest <= 2:
        return 2
    magnitude = 10.0 ** math.floor(math.log10(highest))
    return next(step * magnitude for step in STEPS if step * magnitude >= highest)


def _path(xs: Sequence[float], values: Sequence[float], top: float, gap: float) -> str:
    parts, before = [], -math.inf
    for x, value in zip(xs, values, strict=True):
        command = "L" if x - before <= gap else "M"
        parts.append(f"{command}{x:.1f} {HEIGHT * (1 - value / top):.1f}")
        # A path of one point would be invisible.
        if command == "M":
            parts.append("h.1")
        before = x
    return "".join(parts)


def across(times: Sequence[datetime], since: datetime, until: datetime) -> list[float]:
    """Return the x coordinate of each time."""
    span = (until - since).total_seconds()
    return [WIDTH * (at - since).total_seconds() / span for at in times]


def usual_step(times: Sequence[datetime]) -> timedelta:
    """Return the median time between neighbouring points; a minute if there is only one."""
    steps = sorted(later - earlier for earlier, later in pairwise(times))
    return steps[len(steps) // 2] if steps else timedelta(minutes=1)


def covered(times: Sequence[datetime], step: timedelta) -> list[float]:
    """Return the minutes between each point and the one before; after a gap, the minutes of a usual step."""
    since = [step, *(later - earlier for earlier, later in pairwise(times))]
    return [(each if each <= GAP * step else step).total_seconds() / 60 for each in since]


def plot(name: str, unit: str, xs: Sequence[float], step: float, series: Mapping[str, Sequence[float]]) -> Plot:
    """Return the curves of `series` at `xs`, whose points are usually `step` apart."""
    top = nice_top(max((value for values in series.values() for value in values), default=0))
    curves = [
        Curve(each, _path(xs, values, top, GAP * step), values, values[-1], max(values))
        for each, values in series.items()
    ]
    return Plot(name, curves, top, unit)


def thinned(count: int, rows: int) -> list[range]:
    """Return `count` points in at most `rows` groups of neighbours, for a table."""
    size = max(1, math.ceil(count / rows))
    return [range(start, min(start + size, count)) for start in range(0, count, size)]
