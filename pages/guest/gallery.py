"""The guest's gallery of one event: the page, further photos, the state of the search and the size of a download."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse

import errors
from api.callers import CurrentGuest
from api.cookies import cookie_of, set_cookie
from api.fields import Cursor
from api.language import Language
from keys import MAX_ID
from models import DONE, FAILED, REJECTED, User
from pages.guest.membership import Membership, memberships_of
from pages.guest.standing import standing_of
from pages.rendering import A_YEAR, page_router, render
from photos import download, favourites
from photos import service as photos
from photos.service import PhotoList

router = page_router()
EVENT_COOKIE = "reperio_event"
ROWS = 100
# Thumbnails that the browser loads before the page's script runs: the first line on a phone.
PRELOADED = 2
Which = Literal["mine", "favourites", "all"]
AskedWhich = Annotated[Which, Query(alias="show")]
AskedEvent = Annotated[int, Query(alias="event", ge=1, le=MAX_ID)]
MaybeEvent = Annotated[int | None, Query(alias="event", ge=1, le=MAX_ID)]
LISTS: dict[Which, Callable[[User, int | None, Any], PhotoList]] = {
    "mine": photos.photos_with,
    "favourites": lambda guest, event_id, page: favourites.favourites_of(guest, event_id or 0, page),
    "all": photos.photos_for_guest,
}


@router.get("/photos")
def gallery(
    request: Request, guest: CurrentGuest, language: Language, asked: MaybeEvent = None, which: AskedWhich = "mine"
) -> Response:
    """Return the gallery of the event asked for, else of the one looked at last, with its first photos as data."""
    joined = memberships_of(guest)
    if not joined:
        return render(request, "guest/no_event.html")
    here = _pick(request, guest, joined, asked)
    # Read the counts before the list: if a photo arrives in between, the script sees the count change and reloads.
    standing = standing_of(guest, here.event, language, withdrawn=here.withdrawn)
    if which == "all" and not here.event.guests_see_all_photos and not standing["for_everyone"]:
        which = "mine"
    found = _page(guest, here.event.id, which, None)
    data = {**found, "event": here.event.id, "show": which, "standing": standing}
    response = render(
        request, "guest/photos.html", joined=joined, event=here.event, show=which, data=data, standing=standing
    )
    response.headers["Link"] = ", ".join(
        f"</api/photo/{photo['id']}?size=thumb>; rel=preload; as=image; fetchpriority=high"
        for photo in found["photos"][:PRELOADED]
    )
    set_cookie(request, response, EVENT_COOKIE, str(here.event.id), A_YEAR)
    return response


@router.get("/photos/rows")
def rows(guest: CurrentGuest, event_id: AskedEvent, which: AskedWhich = "mine", cursor: Cursor = None) -> Response:
    """Return the next photos of a list, which the script asks for while the guest scrolls."""
    return _data(_page(guest, event_id, which, cursor))


@router.get("/photos/standing")
def standing(guest: CurrentGuest, language: Language, event_id: AskedEvent) -> Response:
    """Return the state of the search for the guest, as a sentence and numbers."""
    here = _membership(memberships_of(guest), event_id)
    return _data(standing_of(guest, here.event, language, withdrawn=here.withdrawn))


@router.get("/photos/weight")
def weight(guest: CurrentGuest, event_id: AskedEvent, which: AskedWhich = "mine") -> Response:
    """Return the size in bytes of the ZIP of a list."""
    return _data({"bytes": download.archive(guest, event_id, which).length})


def _data(content: Any) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


def _pick(request: Request, guest: User, joined: Sequence[Membership], asked: int | None) -> Membership:
    if asked is not None:
        return _membership(joined, asked)
    known = {str(each.event.id): each for each in joined}
    last = known.get(cookie_of(request, EVENT_COOKIE) or "")
    return last or known.get(str(guest.event_id)) or joined[0]


def _membership(joined: Sequence[Membership], event_id: int) -> Membership:
    for each in joined:
        if each.event.id == event_id:
            return each
    raise errors.NotInEvent


def _page(guest: User, event_id: int, which: Which, cursor: str | None) -> dict[str, Any]:
    found = LISTS[which](guest, event_id, photos.read_page(ROWS, cursor))
    shown = [_row(row) for row in found.rows if row.photo.status not in (FAILED, REJECTED)]
    return {"photos": shown, "next": found.next_cursor, "total": found.total}


def _row(row: Any) -> dict[str, Any]:
    """Return a photo in few bytes: this data arrives before the first picture."""
    photo = row.photo
    return {
        "id": photo.id,
        "w": photo.width,
        "h": photo.height,
        "colour": photo.mean_colour,
        "at": round(photo.uploaded_at.timestamp() * 1e6),
        "taken": round((photo.taken_at or photo.uploaded_at).timestamp()),
        "name": photo.original_filename,
        "me": row.confidence_score is not None,
        "kept": bool(row.is_favourite),
        **({} if photo.status == DONE else {"waiting": True}),
    }
