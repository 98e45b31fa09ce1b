"""The pages of photographers: their events, and one event with its upload and its photos."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.callers import CurrentPhotographer
from api.dependencies import WakeJobs
from api.events.access import AssignedEvent
from api.fields import Cursor
from api.language import Language
from api.links import cover_link
from api.paging import AskedOrder
from api.photos.schemas import PhotographerPhotoOut
from events import service as events
from events.progress import progress_of
from image_headers.preview import ENDINGS
from jobs import control as job_control
from models import Event, User, utcnow
from pages import formatting
from pages.cover_focus import focus_classes
from pages.ends import ends_of
from pages.photographer.cameras import shown_cameras
from pages.photographer.waiting import mark_of_progress, progress_changed
from pages.redirects import redirect
from pages.rendering import page_router, render
from pages.waiting import REFUSED_POLL, AskedWait, KnownMark
from photos import service as photos
from photos.ordering import NEWEST, Order, read_page
from photos.withheld import service as withheld
from settings import get_settings

router = page_router()
PAGE = 100
MOST = 500
# Stands in the place of a cursor after the last page.
END = "end"


@router.get("/studio")
def studio(request: Request, photographer: CurrentPhotographer, language: Language) -> Response:
    """Return the page with the photographer's events."""
    own = events.of_photographer(photographer.id)
    cards = [
        (each, progress_of(each.id), cover_link(each, photographer), focus_classes(each.id) if each.cover else "")
        for each in own
    ]
    day = partial(formatting.day, language)
    return render(request, "photographer/studio.html", cards=cards, now=utcnow(), day=day)


@router.get("/studio/{event_id}")
def event_page(
    request: Request,
    event: AssignedEvent,
    photographer: CurrentPhotographer,
    language: Language,
    order: AskedOrder = NEWEST,
) -> Response:
    """Return the page of one event, on which photos are uploaded, seen, chosen and deleted."""
    return render(
        request,
        "photographer/event.html",
        event=event,
        ends=ends_of(event, language),
        progress=(progress := progress_of(event.id)),
        mark=mark_of_progress(progress),
        poll=0,
        most=get_settings().max_photo_bytes,
        most_raw=get_settings().max_raw_bytes,
        raw_endings=",".join(f".{ending}" for ending in sorted(ENDINGS)),
        cameras=shown_cameras(event, language),
        **_page_of_photos(event, photographer, language, None, PAGE, order),
    )


@router.get("/studio/{event_id}/state")
async def event_state(
    request: Request,
    event: AssignedEvent,
    photographer: CurrentPhotographer,
    wait: AskedWait = 0,
    known: KnownMark = "",
) -> Response:
    """Return the part of the page with the progress of the event.

    With `wait`, the answer comes when its mark is another one than `known`, or after that many seconds.
    """
    progress, refused = await progress_changed(request, photographer.id, event.id, wait, known)
    return await run_in_threadpool(
        render,
        request,
        "photographer/_state.html",
        event=event,
        progress=progress,
        mark=mark_of_progress(progress),
        poll=REFUSED_POLL if refused else 0,
    )


@router.get("/studio/{event_id}/photos")
def event_photos(
    request: Request,
    event: AssignedEvent,
    photographer: CurrentPhotographer,
    language: Language,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = PAGE,
    order: AskedOrder = NEWEST,
) -> Response:
    """Return the part of the page with photos, by default newest first."""
    found = _page_of_photos(event, photographer, language, cursor, limit, order)
    return render(request, "photographer/_photos.html", event=event, **found)


def _page_of_photos(
    event: Event, photographer: User, language: str, cursor: str | None, limit: int, order: Order
) -> dict[str, Any]:
    found = photos.photos_of_event(event.id, read_page(limit, cursor, order))
    return {
        "shots": [PhotographerPhotoOut.for_photographer(row, photographer, language) for row in found.rows],
        "marks": withheld.marks_of([row.photo.id for row in found.rows]),
        "next": found.next_cursor or END,
        "order": order,
        "photographer_id": photographer.id,
        "cover_id": event.cover.photo_id if event.cover is not None else None,
    }


@router.post("/studio/{event_id}/retry")
def retry_failed(event: AssignedEvent, wake_jobs: WakeJobs) -> Response:
    """Queue the failed photos of the event again."""
    job_control.retry_photos(event.id)
    wake_jobs()
    return redirect(f"/studio/{event.id}")
