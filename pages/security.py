"""The page of every account with its sessions and the change of its password."""

from contextlib import suppress
from typing import Annotated

from fastapi import Form, Request, Response

import errors
from accounts import login, password_change, sessions
from api.callers import CurrentUser
from api.cookies import cookie_of
from api.dependencies import HASHES
from api.language import Language
from api.sessions import SESSION_COOKIE, Device, end_session, start_session
from api.throttling import CallerDep
from keys import MAX_PASSWORD, MIN_PASSWORD, MIN_STAFF_PASSWORD, storable
from models import GUEST
from notifications import service as notifications
from pages import formatting
from pages.passwords import why_refused
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import page_router, render

router = page_router()
PAGE = "/account/security"
Field = Annotated[str, Form()]
FLASH_DONE = ("ended", "ended_others", "password_changed")
# Of the current password, then of the new one.
FLASH_PROBLEMS = ("wrong", "short", "long", "common", "guessable", "same")


@router.get(PAGE)
def security(request: Request, user: CurrentUser, language: Language) -> Response:
    """Return the page: where the account is logged in, and the form for another password."""
    found = sessions.sessions_of(user.id)
    flash = flash_of(request)
    done, problem = flash.get("done"), flash.get("problem")
    return render(
        request,
        "account/security.html",
        sessions=found,
        days={each.id: formatting.day(language, each.last_used_at) for each in found},
        least=MIN_PASSWORD if user.user_type == GUEST else MIN_STAFF_PASSWORD,
        done=done if done in FLASH_DONE else "",
        problem=problem if problem in FLASH_PROBLEMS else "",
    )


@router.post(f"{PAGE}/end")
def end(request: Request, user: CurrentUser, session: Field = "") -> Response:
    """End one session of the account; its own leads to the first page. Sent twice it changes nothing."""
    with suppress(errors.NoSuchSession):
        sessions.end(user.id, session if storable(session) else "")
        notifications.end_session(user.id, session)
    if session == user.session_id:
        answer = redirect("/")
        end_session(request, answer)
        return answer
    return redirect_with_flash(request, PAGE, done="ended")


@router.post(f"{PAGE}/end-others")
def end_others(request: Request, user: CurrentUser) -> Response:
    """End every session of the account but this one."""
    sessions.end_others(user)
    notifications.end_other_sessions(user)
    return redirect_with_flash(request, PAGE, done="ended_others")


@router.post(f"{PAGE}/password", dependencies=[HASHES])
def change_password(
    request: Request, user: CurrentUser, device: Device, caller: CallerDep, current: Field = "", new: Field = ""
) -> Response:
    """Change the password; every other session of the account ends."""
    problem = ""
    try:
        if len(new) > MAX_PASSWORD:
            problem = "long"
        else:
            with caller.password_of(user):
                password_change.change_own(user, current[:MAX_PASSWORD], new)
    except errors.BadCredentials:
        problem = "wrong"
    except errors.RefusedPassword as refused:
        problem = why_refused(refused)
    if problem:
        return redirect_with_flash(request, PAGE, problem=problem)
    answer = redirect_with_flash(request, PAGE, done="password_changed")
    if user.session_id is None and cookie_of(request, SESSION_COOKIE):
        # A cookie of a release without sessions has just been revoked with the rest.
        grant = login.log_in_again(user, device)
        start_session(request, answer, grant.access_token, grant.expires_in)
    return answer
