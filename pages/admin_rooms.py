"""What the pages of administrators share: who may come in, and the words for figures and times."""

from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from dependencies import CurrentAdmin, language_of, staffed_event
from fields import RowId
from models import Event
from pages import figures
from pages.rendering import render


def _any_event(event_id: RowId, admin: CurrentAdmin) -> Event:
    return staffed_event(event_id, admin)


AnyEvent = Annotated[Event, Depends(_any_event)]


def show(request: Request, template: str, **context: Any) -> Response:
    """Return an admin's page; besides what every template knows, `day`, `moment`, `duration` and `size` write."""
    language = language_of(request)
    return render(
        request,
        f"admin/{template}",
        day=partial(figures.day, language),
        moment=partial(figures.moment, language),
        duration=partial(figures.duration, language),
        size=partial(figures.size, language),
        **context,
    )
