"""The dashboard of administrators: numbers as of now and curves over time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request, Response

from api.callers import CurrentAdmin
from api.language import language_of
from events.tonight.service import tonight
from faces.providers import engine_id_of
from jobs import kinds as job_kinds
from jobs import state as job_state
from matching.changing.service import changes_to
from models import utcnow
from operations import samples, service
from operations.samples import Point
from pages.admin import plots
from pages.admin.answers import Now, answers, arrived
from pages.admin.common import render_admin
from pages.admin.plots import Plot
from pages.rendering import page_router
from photos.reprocessing import service as reprocessing
from settings import get_settings

router = page_router()
HOURS = (1, 24, 7 * 24, 30 * 24)
TABLE_ROWS = 24
# The curves, in their order on the page.
NAMES = ("guests", "photos", "matches", "depth", "age", "requests", "errors")
# Seconds in a unit, from the smallest.
UNITS = (("seconds", 1), ("minutes", 60), ("hours", 3600), ("days", 86_400))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a plot's table: its first time, and the highest value of each curve in its span."""

    at: datetime
    values: Sequence[float]


@router.get("/admin")
def overview(request: Request, _: CurrentAdmin, hours: str = "24") -> Response:
    """Return the dashboard: the events of tonight, numbers as of now, and curves of the last `hours`."""
    asked = int(hours) if hours in {str(each) for each in HOURS} else 24
    until = utcnow()
    found = samples.points(asked)
    drawn = plots_of(found, until - timedelta(hours=asked), until) if found else []
    settings, statistics = get_settings(), service.statistics()
    now = _now(statistics)
    requests = next((each.curves[0].last for each in drawn if each.name == "requests"), 0)
    return render_admin(
        request,
        "overview.html",
        hours=asked,
        choices=HOURS,
        tonight=tonight(until),
        statistics=statistics,
        waiting=now.waiting,
        failed=sum(each["failed"] for each in statistics["jobs"].values()),
        oldest=now.oldest_seconds,
        engine=settings.face_recognizer_provider,
        changes=changes_to(engine_id_of(settings.face_recognizer_provider)),
        reprocessing=reprocessing.under_way(),
        plots=[(each, _table(found, each)) for each in drawn if not each.is_blank],
        blank=[each.name for each in drawn if each.is_blank] if drawn else NAMES,
        answers=answers(language_of(request), now, found, asked, requests),
        times=[int(point.at.timestamp()) for point in found],
        ends=[until - timedelta(hours=asked * part / 2) for part in (2, 1, 0)],
        minutes_apart=round(plots.usual_step([point.at for point in found]).total_seconds() / 60),
    )


def _now(statistics: dict[str, Any]) -> Now:
    waiting = sum(each["pending"] + each["processing"] for each in statistics["jobs"].values())
    return Now(statistics, waiting, max(job_state.oldest_age(kind) or 0.0 for kind in job_kinds.KINDS))


def plots_of(found: Sequence[Point], since: datetime, until: datetime) -> list[Plot]:
    """Return every plot of the page for one span of time.

    Photos are those that arrived since the point before, so that a burst shows beside thousands of earlier ones.
    """
    times = [point.at for point in found]
    xs, step = plots.across(times, since, until), plots.usual_step(times)
    width = plots.WIDTH * (step / (until - since))

    def drawn(name: str, unit: str = "", **series: Iterable[float]) -> Plot:
        values = {each: [_plain(value) for value in numbers] for each, numbers in series.items()}
        return plots.plot(name, unit, xs, width, values)

    unit, seconds = _unit(max(point.queue_age_seconds for point in found))
    minutes = plots.covered(times, step)
    return [
        drawn("guests", guests=(each.guests for each in found), selfies=(each.selfies for each in found)),
        drawn("photos", photos=arrived(found)),
        drawn("matches", matches=(each.matches for each in found)),
        drawn("depth", depth=(each.queue_depth for each in found)),
        drawn("age", unit, age=(each.queue_age_seconds / seconds for each in found)),
        drawn(
            "requests",
            "a_minute",
            requests=(each.requests / span for each, span in zip(found, minutes, strict=True)),
        ),
        # Their number, not their share: of the three answers of a quiet minute, one error would be a third.
        drawn("errors", errors=(each.errors for each in found)),
    ]


def _plain(value: float) -> float:
    """Return a number rounded to one decimal, as an int if it is whole."""
    shown = round(value, 1)
    return int(shown) if shown == int(shown) else shown


def _unit(longest: float) -> tuple[str, int]:
    """Return the largest unit of which `longest` seconds are at least 2, and the seconds in it."""
    return next((unit for unit in reversed(UNITS) if longest >= 2 * unit[1]), UNITS[0])


def _table(found: Sequence[Point], plot: Plot) -> list[Row]:
    groups = plots.thinned(len(found), TABLE_ROWS)
    return [
        Row(found[group[0]].at, [max(curve.values[i] for i in group) for curve in plot.curves]) for group in groups
    ]
