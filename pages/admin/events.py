"""The pages on which admins find and create events."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fastapi import Request, Response

import errors
from accounts import service as accounts
from api.callers import CurrentAdmin
from database import reading
from events import service as events
from events.codes import new_code
from events.service import NewEvent
from keys import MAX_EMAIL_KEY, comparison_key
from models import Event, utcnow
from pages.admin.common import render_admin
from pages.admin.event_form import BYSTANDERS, NEW_EVENT, PHOTOGRAPHERS, judge_event
from pages.admin.forms import Judged, Sent, refused
from pages.admin.sorting import DOWN, in_order, part_of, sorting_of
from pages.redirects import redirect_with_flash
from pages.rendering import page_router
from settings import get_settings

router = page_router()
HOME = "/admin/events"
SHOWN = 100
STATES = ("all", "open", "over")
# A form that is sent again within this time leads to the event that it created the first time.
SENT_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Counted:
    """An event in the list, with its counts."""

    event: Event
    guests: int
    photos: int
    is_open: bool


ORDERS: dict[str, Callable[[Counted], Any]] = {
    "name": lambda row: comparison_key(row.event.name),
    "code": lambda row: row.event.code_key,
    "date": lambda row: row.event.date or date.min,
    "expires": lambda row: row.event.expires_at,
    "guests": lambda row: row.guests,
    "photos": lambda row: row.photos,
    "photographers": lambda row: [comparison_key(each.username) for each in row.event.photographers],
    "created": lambda row: row.event.id,
}


@router.get(HOME)
def list_events(request: Request, _: CurrentAdmin, q: str = "", state: str = "all", page: str = "1") -> Response:
    """Return the list of events. `q` is part of a name or code, `sort` a column, `direction` is `up` or `down`."""
    state, q = state if state in STATES else "all", q[:MAX_EMAIL_KEY]
    sorting = sorting_of(request, ORDERS, "created", DOWN, q=q, state=state, page=page)
    every = _counted()
    part = part_of(in_order(_found(every, q, state), sorting, ORDERS), page, SHOWN)
    return render_admin(
        request,
        "events.html",
        part=part,
        states=STATES,
        every=len(every),
        q=q,
        state=state,
        sorting=sorting,
    )


def _counted() -> list[Counted]:
    now = utcnow()
    return [Counted(event, guests, photos, event.expires_at > now) for event, guests, photos in events.all_counted()]


def _found(rows: list[Counted], typed: str, state: str) -> list[Counted]:
    part = comparison_key(typed)
    return [
        row
        for row in rows
        if (part in comparison_key(row.event.name) or part in row.event.code_key)
        and (state == "all" or row.is_open == (state == "open"))
    ]


@router.get(f"{HOME}/new")
def new_event(request: Request, _: CurrentAdmin) -> Response:
    """Return the form of a new event, with a random code."""
    return render_admin(
        request,
        "event_new.html",
        form=NEW_EVENT,
        values={
            **NEW_EVENT.initial_values(),
            BYSTANDERS.name: events.default_bystanders(),
            "event_code": new_code(),
        },
        photographers=accounts.list_photographers(),
        days=get_settings().event_lifetime_days,
    )


@router.post(HOME)
def create_event(request: Request, _: CurrentAdmin, sent: Sent) -> Response:
    """Create an event. The same form sent twice creates one event."""
    typed = NEW_EVENT.typed(sent)
    judged = judge_event(NEW_EVENT, typed, typed)
    if judged.problems:
        return refused(request, f"{HOME}/new", judged.problems, typed)
    try:
        event = _made(judged)
    except errors.EventCodeTaken:
        return refused(request, f"{HOME}/new", ["code_taken"], typed)
    except errors.NoSuchPhotographer:
        return refused(request, f"{HOME}/new", [PHOTOGRAPHERS.name], typed)
    except errors.BystandersAtAzure:
        return refused(request, f"{HOME}/new", ["bystanders_azure"], typed)
    return redirect_with_flash(request, f"{HOME}/{event.id}", done="event_made")


def _made(judged: Judged) -> Event:
    try:
        return events.create(NewEvent(**judged.values))
    except errors.EventCodeTaken:
        with reading() as session:
            twin = events.by_typed_code(session, judged.values.get("event_code", ""))
        same = twin is not None and (twin.name, twin.date) == (judged.values["name"], judged.values["date"])
        if twin is None or not same or twin.created_at < utcnow() - SENT_AGAIN:
            raise
        return twin
