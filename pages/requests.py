"""The page on which staff see what guests ask about an event's photos, and approve photos."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Form, Request, Response
from pydantic import Field

import errors
from api.photos.held import HeldList
from api.photos.reports import OpenReport
from keys import MAX_ID
from models import Event, User
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import render
from photos.reports import service as reports
from photos.reports.service import Decision
from photos.withheld import service as withheld
from photos.withheld.service import MOST

Number = Annotated[int | None, Form(ge=1, le=MAX_ID)]
Acts = Decision | Literal["approve", "approve_all", "approve_chosen", "show"]
Chosen = Annotated[
    list[Annotated[int, Field(ge=1, le=MAX_ID)]], Form(alias="photos", max_length=MOST, default_factory=list)
]
Act = Annotated[Acts, Form()]
PROBLEMS: dict[type[errors.AppError], str] = {
    errors.NoSuchPhoto: "gone",
    errors.NoSuchReport: "gone",
    errors.ReportDecided: "decided",
    errors.NotYourPhotos: "not_yours",
}


def show_requests(request: Request, event: Event, staff: User, back: str) -> Response:
    """Return the page; `back` is the page of the event."""
    held = withheld.withheld_of(event.id)
    problem = flash_of(request).get("problem")
    return render(
        request,
        "requests.html",
        event=event,
        back=back,
        problem=problem if problem in PROBLEMS.values() else "",
        reports=[OpenReport.of(each, staff) for each in reports.open_in(event.id)],
        held={reason: HeldList.of(each, staff) for reason, each in held.items()},
    )


def answer_request(
    request: Request,
    event: Event,
    staff: User,
    page: str,
    act: Acts,
    photo_id: int | None,
    report_id: int | None,
    chosen: Sequence[int],
) -> Response:
    """Decide a report, approve photos, or show a hidden one again; return to the page, which says why if refused."""
    try:
        _do(event, staff, act, photo_id or 0, report_id or 0, chosen)
    except tuple(PROBLEMS) as error:
        return redirect_with_flash(request, page, problem=PROBLEMS[type(error)])
    return redirect(page)


def _do(event: Event, staff: User, act: Acts, photo_id: int, report_id: int, chosen: Sequence[int]) -> None:
    if act == "approve_all":
        withheld.approve(event.id, None)
    elif act == "approve_chosen":
        if chosen:
            withheld.approve(event.id, chosen)
    elif act == "approve":
        withheld.approve(event.id, [photo_id])
    elif act == "show":
        withheld.show(event.id, [photo_id])
    else:
        reports.decide(staff, event.id, report_id, act)
