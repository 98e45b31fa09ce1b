"""The form of an event's sections, which photographers and admins have at addresses of their own."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Request, Response
from starlette.datastructures import FormData

import errors
from api.forms import read_form
from api.language import language_of
from events.sections import service
from events.sections.service import NewSection
from keys import MAX_SECTION_TITLE, storable, visible
from models import Event
from pages import formatting
from pages.redirects import Flash, fits, flash_of, redirect_with_flash
from pages.rendering import render

# Empty lines of the form below the sections that there are.
SPARE = 3
# Characters kept of a version that a form sends.
MAX_VERSION = 64
# Not `Form` parameters: those are read with the limits of the API, which forty sections exceed.
Sent = Annotated[FormData, Depends(read_form)]
NO_TIME, CHANGED = "time", "changed"
PROBLEMS: dict[type[errors.AppError], str] = {
    errors.TooManySections: "many",
    errors.SectionTime: "year",
    errors.SectionsAtOneTime: "twice",
    errors.SectionsChanged: CHANGED,
}
Line = tuple[str, str]


def show_sections(request: Request, event: Event, back: str) -> Response:
    """Return the page with the form; `back` is the page of the event."""
    flash = flash_of(request)
    kept = [*zip(flash["titles"], flash.get("starts", []), strict=False)] if "titles" in flash else None
    return _show(request, event, back, kept, str(flash.get("problem", "")), str(flash.get("version", "")))


def _show(
    request: Request, event: Event, back: str, kept: list[Line] | None, problem: str, version: str, status: int = 200
) -> Response:
    """Return the page with what was typed, or else with the saved sections."""
    sections = service.sections_of(event.id)
    saved: list[Line] = [(each.title, _local(each.starts_at, event.timezone)) for each in sections]
    return render(
        request,
        "sections.html",
        status,
        event=event,
        back=back,
        lines=[*(saved if kept is None else kept), *[("", "")] * SPARE],
        saved=[
            f"{formatting.moment(language_of(request), each.starts_at, event.timezone)} · {each.title}"
            for each in sections
        ],
        problem=problem if problem in (NO_TIME, *PROBLEMS.values()) else "",
        # A refused form keeps the version it was opened with: what others save until it is sent again is not lost.
        version=version or service.version_of(sections),
        most=MAX_SECTION_TITLE,
    )


def save_sections(request: Request, event: Event, back: str, sent: FormData) -> Response:
    """Replace the event's sections by the lines of the form; lines without a title are left out.

    If the saved sections have changed since the form was opened, nothing is saved: the page shows the saved ones, and
    the form what was typed. Sent again, the form replaces them.
    """
    titles, starts, version = _texts(sent, "title"), _texts(sent, "start"), "".join(_texts(sent, "version"))
    lines = [(visible(title), start.strip()) for title, start in zip(titles, starts, strict=False)]
    lines = [(title, start) for title, start in lines if title]
    try:
        service.replace(event.id, [_section(*line) for line in lines], version or None)
    except ValueError:
        return _refused(request, event, back, lines, NO_TIME, version)
    except tuple(PROBLEMS) as error:
        problem = PROBLEMS[type(error)]
        return _refused(request, event, back, lines, problem, "" if problem == CHANGED else version)
    return redirect_with_flash(request, f"{back}/sections", done="saved")


def _texts(sent: FormData, name: str) -> list[str]:
    return [each for each in sent.getlist(name) if isinstance(each, str)]


def _refused(request: Request, event: Event, back: str, lines: list[Line], problem: str, version: str) -> Response:
    """Return the form with what was typed: by a redirect, or at once if it is too much for the cookie of a flash."""
    page = f"{back}/sections"
    titles, starts = [title for title, _ in lines], [start for _, start in lines]
    kept: Flash = {"titles": titles, "starts": starts, "problem": problem, "version": version[:MAX_VERSION]}
    if fits(page, kept):
        return redirect_with_flash(request, page, **kept)
    return _show(request, event, back, lines, problem, version, errors.SectionsChanged.status_code)


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
