"""Photos with several guests: their groups, invitations to them, and the page that an invitation link leads to."""

import re
from functools import lru_cache
from typing import Annotated, Any

from fastapi import Form, Request, Response

import errors
from api.accounts.second_factor import qr_of
from api.callers import CurrentGuest
from api.cookies import cookie_of, set_cookie
from api.fields import RowId
from api.language import Language
from guests import together
from guests.together import Group
from keys import MAX_ID
from models import GUEST, User
from pages.guest.gallery import MaybeEvent, names_of_others
from pages.guest.membership import memberships_of
from pages.login import Visitor
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import page_router, render
from throttling import rules

router = page_router()
INVITED_COOKIE = "reperio_invited"
AN_HOUR = 3600
TOKEN = re.compile(r"\d{1,19}\.[\w-]{1,100}", re.ASCII)
FLASH_DONE = ("left",)
FLASH_PROBLEMS = ("too_many", "full")
EventId = Annotated[int, Form(ge=1, le=MAX_ID)]


def invitation_of(request: Request) -> str:
    """Return the page of the invitation that this browser opened before it logged in or joined, or an empty text."""
    token = cookie_of(request, INVITED_COOKIE) or ""
    return f"/together/{token}" if TOKEN.fullmatch(token) else ""


@router.get("/together")
def groups(request: Request, guest: CurrentGuest, language: Language, asked: MaybeEvent = None) -> Response:
    """Return the guest's groups, each with its link, and the form for a new one. `event` is chosen there."""
    joined = memberships_of(guest)
    flash = flash_of(request)
    done, problem = flash.get("done"), flash.get("problem")
    found = together.groups_of(guest)
    counts = together.count_photos(guest, found)
    shown = [_shown(each, guest, language, count) for each, count in zip(found, counts, strict=True)]
    return render(
        request,
        "guest/together.html",
        joined=joined,
        groups=sorted(shown, key=lambda each: each["event"].id != asked),
        asked=asked,
        done=done if done in FLASH_DONE else "",
        problem=problem if problem in FLASH_PROBLEMS else "",
    )


def _shown(group: Group, guest: User, language: str, count: int) -> dict[str, Any]:
    return {
        "id": group.id,
        "event": group.event,
        "others": names_of_others(group, guest, language),
        "photos": count,
        "link": group.link,
        "qr": _invitation_qr(group.link),
    }


# Drawing a code takes longer than the rest of the page, and guests open the page again and again.
@lru_cache(maxsize=1000)
def _invitation_qr(link: str) -> str:
    return qr_of(link)


@router.post("/together")
def start(request: Request, guest: CurrentGuest, event_id: EventId) -> Response:
    """Make a group with an invitation link."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    try:
        group = together.start(guest, event_id)
    except errors.TooManyGroups:
        return redirect_with_flash(request, f"/together?event={event_id}", problem="too_many")
    return redirect(f"/together?event={event_id}#group-{group.id}")


@router.post("/together/{group_id}/leave")
def leave(request: Request, guest: CurrentGuest, group_id: RowId) -> Response:
    """Leave a group."""
    together.leave(guest, group_id)
    return redirect_with_flash(request, "/together", done="left")


@router.get("/together/{token}")
def invitation(request: Request, user: Visitor, language: Language, token: str) -> Response:
    """Return the page of an invitation. Only guests of the event see the names of the members.

    Other visitors log in or join first; a cookie then leads them back here.
    """
    if user is None:
        return _before_login(request, "guest/together_login.html", token)
    if user.user_type != GUEST:
        raise errors.GuestsOnly
    rules.count(rules.FAVOURITES, f"account {user.id}")
    try:
        group = together.invitation(user, token)
    except errors.NoSuchInvitation:
        return _before_login(request, "guest/together_unknown.html", token, 404)
    others = group.others(user)
    if len(others) < len(group.members):
        response = redirect(f"/together?event={group.event.id}#group-{group.id}")
    else:
        problem = flash_of(request).get("problem")
        response = render(
            request,
            "guest/together_invitation.html",
            event=group.event,
            count=len(others),
            names=names_of_others(group, user, language),
            problem=problem if problem in FLASH_PROBLEMS else "",
        )
    set_cookie(request, response, INVITED_COOKIE, "", 0)
    return response


def _before_login(request: Request, template: str, token: str, status: int = 200) -> Response:
    response = render(request, template, status)
    if TOKEN.fullmatch(token):
        set_cookie(request, response, INVITED_COOKIE, token, AN_HOUR)
    return response


@router.post("/together/{token}")
def accept(request: Request, guest: CurrentGuest, token: str) -> Response:
    """Make the guest a member of the group and lead to its photos."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    try:
        group = together.accept(guest, token)
    except errors.GroupFull:
        problem = "full"
    except errors.TooManyGroups:
        problem = "too_many"
    except errors.NoSuchInvitation:
        problem = ""
    else:
        return redirect(f"/photos?group={group.id}")
    path = f"/together/{token}" if TOKEN.fullmatch(token) else "/together"
    return redirect_with_flash(request, path, problem=problem)
