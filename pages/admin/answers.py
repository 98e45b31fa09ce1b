"""The titles of the dashboard's curves: each answers its question with the number of now."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from operations.samples import Point
from pages import formatting
from pages.i18n import text


@dataclass(frozen=True, slots=True)
class Now:
    """The present counts, the unfinished jobs, and how many seconds the oldest of them has waited."""

    statistics: dict[str, Any]
    waiting: int
    oldest_seconds: float


def answers(language: str, now: Now, found: Sequence[Point], hours: int, a_minute: float) -> dict[str, str]:
    """Return a sentence for each curve by its name; those about a span of time are about the last `hours`.

    `a_minute` is the number of requests per minute at the last point.
    """
    last = found[-1] if found else None
    span = text(language, f"admin.span.{hours}")
    errors, requests = sum(point.errors for point in found), sum(point.requests for point in found)
    matches = {"guests": now.statistics["guests_matched"], "matches": now.statistics["face_matches"]}

    def said(key: str, **values: Any) -> str:
        return text(language, key, **values)

    return {
        "guests": said("admin.plot.guests", guests=last.guests if last else 0, selfies=last.selfies if last else 0),
        "photos": said("admin.plot.photos", photos=sum(arrived(found)), span=span),
        "matches": said("admin.plot.matches", **matches),
        "depth": said("admin.plot.depth", count=now.waiting) if now.waiting else said("admin.plot.depth_none"),
        "age": said("admin.plot.age", time=formatting.duration(language, now.oldest_seconds))
        if now.waiting
        else said("admin.plot.age_none"),
        "requests": said("admin.plot.requests", number=a_minute),
        "errors": said("admin.plot.errors", errors=errors, count=requests, span=span)
        if errors
        else said("admin.plot.errors_none", count=requests, span=span),
    }


def arrived(found: Sequence[Point]) -> list[int]:
    """Return how many photos arrived since the point before each: none at the first, or where some were deleted."""
    return [0, *(max(0, later.photos - earlier.photos) for earlier, later in pairwise(found))][: len(found)]
