"""The photos on an event's page for admins: a page of thumbnails with what is wrong with each, and their deletion."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, get_args

from fastapi import Query, Request, Response

import errors
from api.callers import CurrentAdmin
from api.fields import RowId
from api.language import language_of
from api.photos.schemas import PhotographerPhotoOut
from events.progress import EventProgress
from keys import row_id
from models import Event, User
from pages.admin.common import AnyEvent, render_admin
from pages.admin.forms import Sent
from pages.redirects import redirect, redirect_with_flash
from pages.rendering import page_router
from photos import service as photos
from photos.ordering import read_page
from photos.service import PhotoState

router = page_router()
SHOWN = 24
STATES: tuple[PhotoState, ...] = get_args(PhotoState)
ALL = "all"


@dataclass(frozen=True, slots=True)
class EventPhotos:
    """A page of an event's photos. `choices`: the number of photos by state; `next_cursor`: where the next begins."""

    shots: Sequence[PhotographerPhotoOut]
    state: str
    choices: dict[str, int]
    cursor: str
    next_cursor: str | None


def shown_photos(request: Request, event: Event, admin: User, progress: EventProgress) -> EventPhotos:
    """Return the photos that the address asks for: `photos` is a state, `photos_after` a cursor.

    Raises:
        InvalidCursor: the cursor is malformed.
    """
    asked, cursor = request.query_params.get("photos", ALL), request.query_params.get("photos_after", "")[:200]
    state = next((each for each in STATES if each == asked), None)
    found = photos.photos_of_event(event.id, read_page(SHOWN, cursor), state)
    choices = {
        ALL: progress.received,
        "waiting": progress.pending + progress.processing,
        "failed": progress.failed,
        "incomplete": progress.incomplete,
    }
    language = language_of(request)
    shots = [PhotographerPhotoOut.for_photographer(row, admin, language) for row in found.rows]
    return EventPhotos(shots, state or ALL, choices, cursor, found.next_cursor)


def _home(event_id: int) -> str:
    return f"/admin/events/{event_id}#photos"


@router.get("/admin/events/{event_id}/photos/delete")
def ask_to_delete_photos(
    request: Request,
    event: AnyEvent,
    admin: CurrentAdmin,
    photo: Annotated[list[str], Query(max_length=SHOWN, default_factory=list)],
) -> Response:
    """Return the page that shows the chosen photos and asks whether to delete them; for browsers without scripts."""
    wanted = [number for each in photo if (number := row_id(each)) is not None]
    language = language_of(request)
    found = photos.chosen_of_event(event.id, wanted)
    if not found:
        return redirect(_home(event.id))
    shots = [PhotographerPhotoOut.for_photographer(row, admin, language) for row in found]
    return render_admin(request, "event_photos_delete.html", event=event, shots=shots)


@router.post("/admin/events/{event_id}/photos/delete")
def delete_photos(request: Request, event_id: RowId, admin: CurrentAdmin, sent: Sent) -> Response:
    """Delete the photos of this event that were chosen. Idempotent: those that are gone count as deleted."""
    chosen = [number for each in sent.getlist("photo")[:SHOWN] if isinstance(each, str) and (number := row_id(each))]
    deleted = _delete(admin, event_id, chosen)
    return redirect_with_flash(request, _home(event_id), done="photos_deleted", number=str(deleted))


def _delete(admin: User, event_id: int, chosen: Sequence[int]) -> int:
    while found := [row.photo.id for row in photos.chosen_of_event(event_id, chosen)]:
        # All or none are deleted: if another admin was faster with one of them, those that are left are tried.
        with suppress(errors.NoSuchPhoto):
            return photos.remove(admin, found)
    return 0
