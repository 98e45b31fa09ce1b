"""The guest's gallery of one event: the page, further photos, the state of the search and the size of a download."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.callers import CurrentGuest
from api.cookies import cookie_of, set_cookie
from api.fields import Cursor
from api.language import Language
from api.paging import AskedOrder
from events.ending import takes_portraits
from guests import together
from guests.children import service as children
from guests.portraits import portraits_of
from guests.together import Group
from keys import MAX_ID, MAX_PORTRAITS
from models import DONE, FAILED, REJECTED, Event, Photo, User, utcnow
from notifications.service import told_in
from pages import formatting
from pages.cover_focus import focus_classes
from pages.ends import ends_of
from pages.guest import keep
from pages.guest.headings import Headings, parts_of, words_of
from pages.guest.home_screen import is_safari
from pages.guest.membership import Membership, membership_in, memberships_of
from pages.guest.notify import data_for, is_offered
from pages.guest.standing import standing_of
from pages.guest.waiting import standing_changed
from pages.i18n import text
from pages.rendering import A_YEAR, page_router, render
from pages.waiting import AskedWait, KnownMark
from photos import download, favourites, ordering
from photos import service as photos
from photos.ordering import BY_TAKEN, MICROSECOND, NEWEST, OLDEST, START, Order, Page
from photos.service import PhotoList

router = page_router()
EVENT_COOKIE = "reperio_event"
ROWS = 100
# The place of photos without a time, behind all others: as far down as a number of a script is exact.
UNDATED = -(2**53) + 1
# Thumbnails that the browser loads before the page's script runs: the first line on a phone.
PRELOADED = 2
ZipWhich = Literal["mine", "favourites", "all"]
# `together` is the list of a group of guests.
Which = Literal[ZipWhich, "together", "child"]
AskedWhich = Annotated[Which, Query(alias="show")]
MaybeWhich = Annotated[Which | None, Query(alias="show")]
AskedEvent = Annotated[int, Query(alias="event", ge=1, le=MAX_ID)]
MaybeEvent = Annotated[int | None, Query(alias="event", ge=1, le=MAX_ID)]
MaybeGroup = Annotated[int | None, Query(alias="group", ge=1, le=MAX_ID)]
MaybeChild = Annotated[int | None, Query(alias="child", ge=1, le=MAX_ID)]
LISTS: dict[ZipWhich, Callable[[User, int | None, Any], PhotoList]] = {
    "mine": photos.photos_with,
    "favourites": lambda guest, event_id, page: favourites.favourites_of(guest, event_id or 0, page),
    "all": photos.photos_for_guest,
}


@router.get("/photos")
def gallery(
    request: Request,
    guest: CurrentGuest,
    language: Language,
    asked: MaybeEvent = None,
    asked_list: MaybeWhich = None,
    group_id: MaybeGroup = None,
    child_id: MaybeChild = None,
    order: AskedOrder = OLDEST,
    cursor: Cursor = None,
) -> Response:
    """Return the gallery with its first photos as data, by default in the order in which they were taken.

    With a group, it shows the photos of that group; else of the event asked for, or of the one shown last. Guests
    whom nobody looks for, and who have no photo by a badge, see first what the event shows to all. Without scripts,
    links with a cursor lead on.
    """
    joined = memberships_of(guest)
    if not joined:
        return render(request, "guest/no_event.html")
    group = together.group_of(guest, group_id) if group_id is not None else None
    here = _pick(request, guest, joined, group.event.id if group is not None else asked)
    event = here.event
    # Read the counts before the list: if a photo arrives in between, the script sees the count change and reloads.
    standing = standing_of(guest, here, language)
    # By a badge there are photos of a guest whom nobody looks for.
    has_own = here.asks_words or (event.badges and standing["matched"])
    first: Which = "all" if here.withdrawn and not has_own else "mine"
    child = children.child_of(guest, child_id) if child_id is not None and group is None else None
    if child is not None:
        first = asked_list = "child"
    which = _list_to_show(asked_list or first, group, event, standing["for_everyone"])
    headings = Headings(event, language)
    found = _page(guest, event.id, which, group_id or child_id, ordering.read_page(ROWS, cursor, order), headings)
    told = told_in(guest, event, withdrawn=here.withdrawn)
    shown = {"event": event.id, "show": which, "group": group_id, "child": child_id, "order": order}
    about = {**shown, "sees_all": event.guests_see_all_photos, "zone": event.timezone, "days": headings.has_days}
    response = render(
        request,
        "guest/photos.html",
        joined=joined,
        event=event,
        cover_classes=focus_classes(event.id) if event.cover else "",
        show=which,
        data={**found, **about, "standing": standing},
        parts=parts_of(found["photos"], found["parts"], has_days=headings.has_days),
        standing=standing,
        told=told if told.possible and is_offered(standing["kind"]) else None,
        notify_data=data_for(told),
        own_manifest=is_safari(request),
        more_helps=_is_helped(guest, standing["kind"], event),
        keep_offered=keep.is_offered(request, guest),
        ends=ends_of(event, language),
        child_name=child.display_name if child is not None else "",
        others=names_of_others(group, guest, language) if group is not None else "",
    )
    response.headers["Link"] = _preloads(found["photos"][:PRELOADED])
    set_cookie(request, response, EVENT_COOKIE, str(event.id), A_YEAR)
    return response


@router.get("/photos/rows")
def rows(
    guest: CurrentGuest,
    language: Language,
    event_id: AskedEvent,
    which: AskedWhich = "mine",
    cursor: Cursor = None,
    group_id: MaybeGroup = None,
    child_id: MaybeChild = None,
    order: AskedOrder = OLDEST,
    arrived: Annotated[bool, Query()] = False,
) -> Response:
    """Return the next photos of a list, which the script asks for while the guest scrolls.

    With `arrived`, the photos come as they arrived, the newest first, with their places in a list of that `order`.
    """
    headings = Headings(membership_in(memberships_of(guest), event_id).event, language)
    page = ordering.read_page(ROWS, cursor, NEWEST if arrived else order)
    return _data(_page(guest, event_id, which, group_id or child_id, page, headings, order))


@router.get("/photos/standing")
async def standing(
    request: Request,
    guest: CurrentGuest,
    language: Language,
    event_id: AskedEvent,
    wait: AskedWait = 0,
    known: KnownMark = "",
) -> Response:
    """Return the state of the search for the guest, as a sentence and numbers.

    With `wait`, the answer comes when its mark is another one than `known`, or after that many seconds.
    """
    if wait:
        return standing_changed(request, guest.id, event_id, language, wait, known)
    return await run_in_threadpool(_standing, guest, event_id, language)


def _standing(guest: User, event_id: int, language: str) -> Response:
    return _data(standing_of(guest, membership_in(memberships_of(guest), event_id), language))


@router.get("/photos/weight")
def weight(
    guest: CurrentGuest, event_id: AskedEvent, which: Annotated[ZipWhich, Query(alias="show")] = "mine"
) -> Response:
    """Return the size in bytes of the ZIP of a list."""
    return _data({"bytes": download.archive(guest, event_id, which).length})


def _data(content: Any) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


def _pick(request: Request, guest: User, joined: Sequence[Membership], asked: int | None) -> Membership:
    if asked is not None:
        return membership_in(joined, asked)
    known = {str(each.event.id): each for each in joined}
    last = known.get(cookie_of(request, EVENT_COOKIE) or "")
    return last or known.get(str(guest.event_id)) or joined[0]


def _list_to_show(asked: Which, group: Group | None, event: Event, for_everyone: int) -> Which:
    """Return the list to show: the one asked for if the guest has it, else the photos of the guest."""
    if group is not None:
        return "together"
    if asked == "all":
        return "all" if event.guests_see_all_photos or for_everyone else "mine"
    return "mine" if asked == "together" else asked


def names_of_others(group: Group, guest: User, language: str) -> str:
    """Return the names of the group's members besides the guest, as an enumeration."""
    others = group.others(guest)
    named = [each.name for each in others if each.name]
    if len(named) < len(others):
        named.append(text(language, "guest.together.nameless", count=len(others) - len(named)))
    return formatting.names(language, named)


def _preloads(shown: Sequence[dict[str, Any]]) -> str:
    """Return the `Link` header with which the browser loads these thumbnails before the page's script runs."""
    return ", ".join(
        f"</api/photo/{photo['id']}?size=thumb>; rel=preload; as=image; fetchpriority=high" for photo in shown
    )


def _is_helped(guest: User, kind: str, event: Event) -> bool:
    """Return whether a further portrait may find more photos: there is one, and room for another."""
    if kind != "found" or not takes_portraits(event, utcnow()):
        return False
    return 0 < len(portraits_of(guest.id)) < MAX_PORTRAITS


def _page(
    guest: User,
    event_id: int,
    which: Which,
    whose: int | None,
    asked: Page,
    headings: Headings,
    order: Order | None = None,
) -> dict[str, Any]:
    """Return a page of a list; `whose` is the group, or the child, that it is of.

    `order` is the one that the places of its photos are for: by default its own.
    """
    if which == "together":
        found = together.photos_of(guest, whose or 0, asked)
    elif which == "child":
        found = children.photos_of(guest, whose or 0, event_id, asked)
    else:
        found = LISTS[which](guest, event_id, asked)
    kept = [row for row in found.rows if row.photo.status not in (FAILED, REJECTED)]
    order = order or asked.order
    shown = [row_of(row, order) for row in kept]
    over = [headings.of(row.photo) for row in kept] if order in BY_TAKEN else []
    for row, heading in zip(shown, over, strict=False):
        row["in"] = heading.key
    return {
        "photos": shown,
        "parts": words_of(over),
        "next": found.next_cursor,
        "total": found.total,
    }


def row_of(row: Any, order: Order = NEWEST) -> dict[str, Any]:
    """Return a photo in few bytes: this data arrives before the first picture. `at` falls along the list."""
    photo = row.photo
    return {
        "id": photo.id,
        "w": photo.width,
        "h": photo.height,
        "colour": photo.mean_colour,
        "at": _place(photo, order),
        "taken": round(photo.taken_at.timestamp()) if photo.taken_at is not None else None,
        "name": photo.original_filename,
        "me": row.confidence_score is not None or bool(row.is_given),
        "kept": bool(row.is_favourite),
        **({"sharp": True} if photo.has_medium else {}),
        # A photo that waits for Azure has a colour, and renditions, before it is done.
        **({} if photo.status == DONE or photo.mean_colour else {"waiting": True}),
    }


def _place(photo: Photo, order: Order) -> int:
    """Return microseconds that fall along a list, as far as its photos have a time."""
    at = photo.taken_at if order in BY_TAKEN else photo.uploaded_at
    if at is None:
        return UNDATED
    micros = (at - START) // MICROSECOND
    return micros if order.startswith("-") else -micros
