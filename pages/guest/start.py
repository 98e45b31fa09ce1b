"""Joining an event with one button: no name, no address, no password."""

from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import JSONResponse

import errors
from accounts import sessions, tokens
from accounts.sessions import Grant
from api.cookies import cookie_of
from api.dependencies import WakeJobs
from api.language import Language
from api.sessions import SESSION_COOKIE, Device, browser_secret, start_session
from api.throttling import CallerDep
from guests import consent as consents
from guests import joining, registration
from guests.portraits import has_portrait
from guests.wordings import CURRENT, Wording
from models import GUEST, Event, User
from pages.guest.badge import badge_address
from pages.guest.join import address_of, event_of, is_member, is_open
from pages.guest.wording import Shown, agreed
from pages.login import MAX_SHOWN_AGAIN, Visitor, end_session_before
from pages.redirects import redirect, redirect_with_flash
from pages.rendering import page_router

router = page_router()
Field = Annotated[str, Form()]


@router.post("/join/start")
def start(
    request: Request,
    user: Visitor,
    language: Language,
    caller: CallerDep,
    device: Device,
    wake_jobs: WakeJobs,
    event_code: Field = "",
    consent: Field = "",
    digest: Shown = "",
) -> Response:
    """Let a browser into an event, and lead to the camera; without consent, to the badge or the gallery.

    A browser that is logged in as a guest goes on as that guest. A script that asks for JSON gets the next page, and
    the CSRF token of the session that has just begun.

    Raises:
        EventNotFound, EventExpired: to a script; a form leads back to the page that says so.
        CsrfMismatch: the consent is to a text that has changed since the page was loaded.
    """
    event = event_of(event_code)
    if event is None or not is_open(event):
        caller.wrong_code()
        return _refused(request, event, event_code)
    if consent not in ("", CURRENT):
        if _wants_json(request):
            raise errors.CsrfMismatch
        return redirect_with_flash(request, address_of(event.event_code), problem="consent")
    wording = agreed(digest, language) if consent else None
    if user is not None and user.user_type != GUEST:
        return redirect(address_of(event.event_code))
    if user is not None:
        _let_in(user, event, wording)
        wake_jobs()
        return _onward(request, user, event, wording, None)
    with caller.registration():
        made = registration.start(event.event_code, language, wording, browser_secret(request))
    return _onward(request, made, event, wording, sessions.start(made, device, browser=True))


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def _refused(request: Request, event: Event | None, typed: str) -> Response:
    if _wants_json(request):
        raise errors.EventNotFound if event is None else errors.EventExpired
    return redirect(address_of(typed[:MAX_SHOWN_AGAIN]))


def _let_in(guest: User, event: Event, wording: Wording | None) -> None:
    """Make sure that a guest who is logged in belongs to the event, and consents there if the form says so."""
    if not is_member(guest, event):
        try:
            joining.join(guest.id, event.event_code, wording, withdrawn=wording is None)
        except errors.AlreadyJoined:
            # In another tab, at the same moment.
            pass
        else:
            return
    if wording is not None:
        consents.give(guest.id, event.id, wording)


def _onward(request: Request, guest: User, event: Event, wording: Wording | None, grant: Grant | None) -> Response:
    """Return the way to the next page; `grant` is a session that has just begun."""
    taking = wording is not None and not has_portrait(guest.id)
    following = f"/selfie?event={event.id}" if taking else f"/photos?event={event.id}"
    if wording is None and event.badges:
        # Beside the search by face, and as good: the guest who says no to it sees the badge at once.
        following = badge_address(event)
    token = grant.access_token if grant is not None else cookie_of(request, SESSION_COOKIE) or ""
    answer: Response = redirect(following)
    if _wants_json(request):
        body = {"event": event.id, "next": following, "csrf_token": tokens.csrf_of(token)}
        answer = JSONResponse(body, headers={"Cache-Control": "no-store"})
    if grant is not None:
        end_session_before(request)
        start_session(request, answer, grant.access_token, grant.expires_in)
    return answer
