"""The page on which staff give photos to guests and correct series of badges; it needs no script."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response

import errors
from api.before_body import before_body
from api.callers import PhotographerOrAdmin
from api.events.access import assigned_event
from keys import MAX_TYPED, row_id
from models import Event, User
from pages.admin.common import any_event
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import page_router, render
from photos import service as photos
from photos.badges import corrections
from throttling import rules

# So many photos are corrected at a time.
MOST = 200
Chosen = Annotated[str, Query(alias="photos")]
Picked = Annotated[list[str] | None, Query(alias="photo")]
Field = Annotated[str, Form()]
DONE = ("given", "taken", "series", "ended", "unset")
PROBLEMS = ("badge", "photos")


def _chosen(event: Event, typed: str) -> Sequence[Any]:
    """Return the photos of the event that an address names, newest first."""
    ids = [found for each in typed.split(",")[:MOST] if (found := row_id(each)) is not None]
    return photos.chosen_of_event(event.id, ids) if ids else []


def _act(staff: User, ids: Sequence[int], act: str, badge: str) -> str:
    """Do what a form asks for; return what was done.

    Raises:
        NoBadges, NoSuchBadge, NoSuchPhoto: see `photos.badges.corrections`.
    """
    if act == "series":
        (first,) = ids
        known = corrections.badges_of(staff, first)
        kept = known.series if known.is_series_set else [each.number for each in known.guests if not each.is_by_hand]
        corrections.set_series(staff, first, [*kept, badge])
    elif act == "ended":
        corrections.set_series(staff, ids[0], [])
    elif act == "unset":
        corrections.unset_series(staff, ids[0])
    else:
        change = corrections.take if act == "taken" else corrections.give
        for each in ids:
            change(staff, each, badge)
    return act


def _routes(home: str, event_of: Callable[..., Event]) -> APIRouter:
    """Return the routes of one audience: `home` is where its events are, `event_of` a dependency on one of them."""
    router = page_router()
    here = f"{home}/{{event_id}}/badges"
    asked_event = Annotated[Event, Depends(event_of)]

    @router.get(here)
    def badges(
        request: Request, event: asked_event, staff: PhotographerOrAdmin, chosen: Chosen = "", picked: Picked = None
    ) -> Response:
        """Return the page about the chosen photos, or those that are picked in a form."""
        rows = _chosen(event, chosen or ",".join(picked or []))
        flash = flash_of(request)
        done, problem = flash.get("done"), flash.get("problem")
        return render(
            request,
            "badges.html",
            event=event,
            event_home=f"{home}/{event.id}",
            chosen=",".join(str(row.photo.id) for row in rows),
            shots=[(row.photo, corrections.as_read(corrections.badges_of(staff, row.photo.id))) for row in rows],
            done=done if done in DONE else "",
            problem=problem if problem in PROBLEMS else "",
        )

    @router.post(here)
    def correct(
        request: Request,
        event: asked_event,
        staff: PhotographerOrAdmin,
        chosen: Field = "",
        act: Field = "",
        badge: Field = "",
    ) -> Response:
        """Give photos, take them, or correct the series from one of them on; all photos are of this event."""
        rules.count(rules.NOT_ME, f"account {staff.id}")
        ids = [row.photo.id for row in _chosen(event, chosen)]
        back = f"{home}/{event.id}/badges?photos={','.join(map(str, ids))}"
        if not ids or act not in DONE or (len(ids) > 1 and act not in ("given", "taken")):
            return redirect_with_flash(request, back, problem="photos")
        try:
            return redirect_with_flash(request, back, done=_act(staff, ids, act, badge[:MAX_TYPED]))
        except errors.NoSuchBadge:
            return redirect_with_flash(request, back, problem="badge", badge=badge[:64])
        except errors.NoBadges:
            # The page says so itself.
            return redirect(back)
        except errors.NoSuchPhoto:
            return redirect_with_flash(request, back, problem="photos")

    return router


admin_router = _routes("/admin/events", before_body(any_event))
photographer_router = _routes("/studio", before_body(assigned_event))
