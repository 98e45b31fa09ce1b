"""The guest's photos of one event: the page, its further rows, how things stand, and what a download weighs."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse

import errors
from api.callers import CurrentGuest
from api.fields import Cursor
from api.language import Language
from api.sessions import set_cookie
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
# Asked for before the page's script runs: the first line of a phone's screen.
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
    """The event asked for, else the one looked at last; its first photos come with the page."""
    joined = memberships_of(guest)
    if not joined:
        return render(request, "guest/no_event.html")
    here = _pick(request, guest, joined, asked)
    if which == "all" and not here.event.guests_see_all_photos:
        which = "mine"
    # The counts before the list: where a photo comes between the two, the page's script sees the count change.
    standing = standing_of(guest, here.event, language, withdrawn=here.withdrawn)
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
    """The next photos of a list; what the page's script asks for as somebody scrolls."""
    return _data(_page(guest, event_id, which, cursor))


@router.get("/photos/standing")
def standing(guest: CurrentGuest, language: Language, event_id: AskedEvent) -> Response:
    """How the search for the guest stands, in words and numbers."""
    here = _membership(memberships_of(guest), event_id)
    return _data(standing_of(guest, here.event, language, withdrawn=here.withdrawn))


@router.get("/photos/weight")
def weight(guest: CurrentGuest, event_id: AskedEvent, which: AskedWhich = "mine") -> Response:
    """How many bytes the ZIP of a list will have."""
    return _data({"bytes": download.archive(guest, event_id, which).length})


def _data(content: Any) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


def _pick(request: Request, guest: User, joined: Sequence[Membership], asked: int | None) -> Membership:
    if asked is not None:
        return _membership(joined, asked)
    known = {str(each.event.id): each for each in joined}
    last = known.get(request.cookies.get(EVENT_COOKIE, ""))
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
    """A photo in few bytes: they come before the first picture does."""
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
