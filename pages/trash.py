"""The trash of an event: photographers restore photos that they have deleted; admins see those of all."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

import errors
from api.before_body import before_body
from api.callers import PhotographerOrAdmin
from api.dependencies import WakeJobs
from api.events.access import assigned_event
from api.fields import Cursor, RowId
from api.language import language_of
from api.photos.trash import picture
from keys import row_id
from models import Event
from pages import formatting
from pages.admin.common import any_event
from pages.redirects import redirect_with_flash
from pages.rendering import page_router, render
from photos.trash import service

SHOWN = 60
DONE = ("restored", "erased", "ended")


def _routes(home: str, event_of: Callable[..., Event]) -> APIRouter:
    """Return the routes of one audience: `home` is where its events are, `event_of` a dependency on one of them."""
    router = page_router()
    here = f"{home}/{{event_id}}/trash"
    asked_event = Annotated[Event, Depends(event_of)]

    @router.get(here)
    def trash(request: Request, event: asked_event, owner: PhotographerOrAdmin, cursor: Cursor = None) -> Response:
        """Return the page with what was deleted, the last first."""
        language = language_of(request)
        found = service.listed(owner, event.id, SHOWN, row_id(cursor) if cursor else None)
        return render(
            request,
            "trash.html",
            event=event,
            event_home=f"{home}/{event.id}",
            photos=[
                (each, formatting.last_day(language, service.due_at(each), event.timezone)) for each in found.rows
            ],
            next=found.next_cursor,
            moment=partial(formatting.moment, language),
        )

    @router.get(f"{here}/{{photo_id}}/picture")
    def trashed_picture(event: asked_event, photo_id: RowId, owner: PhotographerOrAdmin) -> Response:
        """Return the thumbnail of a photo in the trash."""
        return picture(service.open_picture(owner, photo_id, "thumb"), "thumb")

    @router.post(f"{here}/{{photo_id}}/restore")
    def restore(
        request: Request, event: asked_event, photo_id: RowId, owner: PhotographerOrAdmin, wake_jobs: WakeJobs
    ) -> Response:
        """Take a photo out of the trash; it is processed again."""
        done = "restored"
        try:
            service.restore(owner, photo_id)
        except errors.PhotosEnded:
            done = "ended"
        answer = redirect_with_flash(request, f"{home}/{event.id}/trash", done=done)
        wake_jobs()
        return answer

    @router.post(f"{here}/{{photo_id}}/erase")
    def erase(request: Request, event: asked_event, photo_id: RowId, owner: PhotographerOrAdmin) -> Response:
        """Erase a photo in the trash for good."""
        service.erase_now(owner, [photo_id])
        return redirect_with_flash(request, f"{home}/{event.id}/trash", done="erased")

    return router


admin_router = _routes("/admin/events", before_body(any_event))
photographer_router = _routes("/studio", before_body(assigned_event))
