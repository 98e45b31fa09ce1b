"""What the pages of administrators share: the dependency for any event, flash messages and formatting."""

from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from api.before_body import before_body
from api.callers import CurrentAdmin
from api.events.access import staffed_event
from api.fields import RowId
from api.language import language_of
from models import Event
from pages import formatting
from pages.i18n import catalogue, number, text
from pages.redirects import flash_of
from pages.rendering import render
from settings import get_settings


def any_event(event_id: RowId, admin: CurrentAdmin) -> Event:
    """Return the event of an address.

    Raises:
        NoSuchEvent: there is none.
    """
    return staffed_event(event_id, admin)


AnyEvent = Annotated[Event, Depends(before_body(any_event))]


def render_admin(request: Request, template: str, **context: Any) -> Response:
    """Return an admin's page.

    Besides the values of `render` its template has:
    `done`: a sentence about what the last form did, or an empty text;
    `problem_of(*names)`: a sentence about the first of these problems of the last form, or an empty text;
    `gaps_of_privacy`: the settings that the privacy page lacks;
    `day`, `moment`, `until`, `since`, `duration`, `size` and `number`, which format values.
    """
    language = language_of(request)
    return render(
        request,
        f"admin/{template}",
        done=_done(request, language),
        problem_of=partial(_problem, request, language),
        number=partial(number, language),
        day=partial(formatting.day, language),
        moment=partial(formatting.moment, language),
        until=partial(formatting.until, language),
        since=partial(formatting.since, language),
        duration=partial(formatting.duration, language),
        size=partial(formatting.size, language),
        gaps_of_privacy=get_settings().privacy_gaps,
        **context,
    )


def _done(request: Request, language: str) -> str:
    flash = flash_of(request)
    key, count = f"admin.done.{flash.get('done')}", str(flash.get("number"))
    if key not in catalogue(language):
        return ""
    return text(language, key, count=int(count[:9]) if count.isascii() and count.isdigit() else 0)


def _problem(request: Request, language: str, *names: str, **values: int) -> str:
    """Return the sentence for the first of these problems that the form had, with `values` filled in."""
    problems = flash_of(request).get("problems", [])
    return next((text(language, f"admin.problem.{name}", **values) for name in names if name in problems), "")
