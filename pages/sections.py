"""The form of an event's sections, which photographers and admins have at addresses of their own."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Form, Request, Response

import errors
from events.sections import service
from events.sections.service import NewSection
from keys import MAX_SECTION_TITLE, storable, visible
from models import Event
from pages.redirects import flash_of, redirect_with_flash
from pages.rendering import render

# Empty lines of the form below the sections that there are.
SPARE = 3
# What a flash may hold of a refused form, in characters: it travels in a cookie.
MAX_KEPT = 1200
Fields = Annotated[list[str], Form(default_factory=list)]
PROBLEMS = {errors.TooManySections: "many", errors.SectionTime: "year", errors.SectionsAtOneTime: "twice"}
Line = tuple[str, str]


def show_sections(request: Request, event: Event, back: str) -> Response:
    """Return the page with the form; `back` is the page of the event."""
    sections = service.sections_of(event.id)
    flash = flash_of(request)
    kept = list(zip(flash.get("titles", []), flash.get("starts", []), strict=False))
    lines: list[Line] = kept or [(each.title, _local(each.starts_at, event.timezone)) for each in sections]
    return render(
        request,
        "sections.html",
        event=event,
        back=back,
        lines=[*lines, *[("", "")] * SPARE],
        version=service.version_of(sections),
        most=MAX_SECTION_TITLE,
    )


def save_sections(
    request: Request, event: Event, page: str, titles: list[str], starts: list[str], version: str
) -> Response:
    """Replace the event's sections by the lines of the form; lines without a title are left out."""
    lines = [(visible(title), start.strip()) for title, start in zip(titles, starts, strict=False)]
    lines = [(title, start) for title, start in lines if title]
    try:
        service.replace(event.id, [_section(*line) for line in lines], version or None)
    except ValueError:
        return _refused(request, page, lines, "time")
    except errors.SectionsChanged:
        return redirect_with_flash(request, page, problem="changed")
    except (errors.TooManySections, errors.SectionTime, errors.SectionsAtOneTime) as error:
        return _refused(request, page, lines, PROBLEMS[type(error)])
    return redirect_with_flash(request, page, done="saved")


def _refused(request: Request, page: str, lines: list[Line], problem: str) -> Response:
    kept: dict[str, Any] = {}
    if sum(len(title) + len(start) for title, start in lines) <= MAX_KEPT:
        kept = {"titles": [title for title, _ in lines], "starts": [start for _, start in lines]}
    return redirect_with_flash(request, page, problem=problem, **kept)


def _section(title: str, start: str) -> NewSection:
    """Return the section of a line.

    Raises:
        ValueError: the title cannot be stored, or the start is no time.
    """
    if not storable(title):
        raise ValueError("control characters")
    return NewSection(title[:MAX_SECTION_TITLE], datetime.fromisoformat(start))


def _local(at: datetime, timezone: str) -> str:
    """Return a time as an input of the kind `datetime-local` has it."""
    return at.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%dT%H:%M")
