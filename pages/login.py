"""The first page, login and logout."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Form, Query, Request, Response
from pydantic import ValidationError

import errors
from accounts import login_links, sessions, tokens
from accounts import service as accounts
from accounts.sessions import Grant
from api.accounts.schemas import LoginIn
from api.callers import current_user
from api.cookies import cookie_of
from api.dependencies import HASHES
from api.sessions import SESSION_COOKIE, Device, end_session, session_token, start_session
from api.throttling import Caller, CallerDep
from events import codes
from keys import MAX_EMAIL_KEY
from models import GUEST, User
from notifications import service as notifications
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import HOMES, page_router, render

router = page_router()
Field = Annotated[str, Form()]
FLASH_PROBLEMS = (
    "incomplete",
    "wrong",
    "choice_over",
    "code_needed",
    "wrong_code",
    "session_over",
    "unknown_code",
    "wrong_here",
)
# Characters of a name or a code that a form shows again; a longer text is neither.
MAX_SHOWN_AGAIN = MAX_EMAIL_KEY


def visitor(request: Request) -> User | None:
    """Return the user who is logged in, or None without a session or after its end."""
    try:
        return current_user(request, None) if session_token(request) else None
    except errors.InvalidToken as error:
        request.state.account_is_gone = error.account_is_gone
        return None
    except errors.NotAuthenticated:
        return None


Visitor = Annotated[User | None, Depends(visitor)]


def same_site(address: str) -> bool:
    """Tell whether every browser reads an address as a path of this site."""
    return address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()


def _onward(asked: str) -> str:
    """Return `asked` if it is a page to show after login, else an empty text."""
    return asked if same_site(asked) and urlsplit(asked).path not in ("/", "/login", "/logout") else ""


def enter(request: Request, grant: Grant, asked: str = "") -> Response:
    """Log the browser in and redirect to the page `asked` for, else to the user's first page.

    The session that the browser had before ends.
    """
    user = accounts.user_of(tokens.read(grant.access_token))
    end_session_before(request)
    answer = redirect(_onward(asked) or HOMES[user.user_type])
    start_session(request, answer, grant.access_token, grant.expires_in)
    return answer


def end_session_before(request: Request) -> None:
    """End the session of the browser's cookie, if it still lives."""
    with suppress(errors.NotAuthenticated):
        user = accounts.user_of(tokens.read(cookie_of(request, SESSION_COOKIE) or ""))
        sessions.end_current(user)
        notifications.end_session(user.id, user.session_id)


@router.get("/")
def home(request: Request, user: Visitor) -> Response:
    """Return the first page; with a session, a redirect to the user's own first page."""
    return redirect(HOMES[user.user_type]) if user else render(request, "account/home.html")


@router.get("/login")
def login_page(request: Request, user: Visitor, asked: Annotated[str, Query(alias="next")] = "") -> Response:
    """Return the login form, the choice between several accounts, or the form for a code.

    With a session, a redirect, unless a login as somebody else has just failed or needs more: the form of an old tab
    must not end in the other account without a word.
    """
    if getattr(request.state, "account_is_gone", False):
        # A script was refused, and leads here.
        answer = redirect("/gone")
        end_session(request, answer)
        return answer
    flash = flash_of(request)
    tickets = flash.get("tickets") or []
    factor = flash.get("factor")
    if user and not (tickets or factor or flash.get("problem") in FLASH_PROBLEMS):
        return redirect(_onward(asked) or HOMES[user.user_type])
    page = "account/choice.html" if tickets else "account/otp.html" if factor else "account/login.html"
    problem = flash.get("problem") if flash.get("problem") in FLASH_PROBLEMS else ""
    return render(request, page, choices=_choices(tickets), factor=factor, problem=problem, next=_onward(asked))


def _choices(tickets: Iterable[str]) -> list[tuple[User, str]]:
    choices = []
    for ticket in tickets:
        with suppress(errors.InvalidToken):
            choices.append((accounts.user_of(tokens.read_choice(ticket)), ticket))
    return choices


@router.post("/login", dependencies=[HASHES])
def log_in(
    request: Request,
    caller: CallerDep,
    username: Field = "",
    password: Field = "",
    event_code: Field = "",
    ticket: Field = "",
    otp: Field = "",
    asked: Annotated[str, Form(alias="next")] = "",
    *,
    device: Device,
) -> Response:
    """Log in by name and password, or by the ticket of one of several accounts.

    If the login fails the form comes back with what was typed. Of several accounts the user chooses the event.
    """
    typed = {"username": username[:MAX_SHOWN_AGAIN], "event_code": event_code[:MAX_SHOWN_AGAIN]}
    back = f"/login?next={quote(_onward(asked), safe='')}" if _onward(asked) else "/login"
    try:
        grant = _grant_of(caller, ticket, username, password, event_code, device, otp[:MAX_SHOWN_AGAIN])
    except errors.SecondFactorRequired as error:
        return redirect_with_flash(request, back, factor=error.ticket)
    except errors.WrongSecondFactor:
        return redirect_with_flash(request, back, factor=ticket, problem="wrong_code")
    except ValidationError:
        return redirect_with_flash(request, back, problem="incomplete", **typed)
    except errors.BadCredentials:
        return redirect_with_flash(request, back, problem=_problem_with(typed["event_code"].strip()), **typed)
    except errors.InvalidToken:
        return redirect_with_flash(request, back, problem="choice_over", **typed)
    except errors.SeveralAccounts as error:
        if error.tickets:
            return redirect_with_flash(request, back, tickets=[*error.tickets])
        return redirect_with_flash(request, back, problem="code_needed", **typed)
    return enter(request, grant, asked)


def _problem_with(event_code: str) -> str:
    """Return which problem a refused login has: a code that no event has is named, which anybody can ask for."""
    if not event_code:
        return "wrong"
    return "wrong_here" if codes.is_known(event_code) else "unknown_code"


def _grant_of(
    caller: Caller,
    ticket: str,
    username: str,
    password: str,
    event_code: str,
    device: str | None,
    otp: str,
) -> Grant:
    if ticket:
        return caller.log_in_to(ticket, device, otp)
    asked = LoginIn(username=username, password=password, event_code=event_code.strip() or None)
    return caller.log_in(asked.username, asked.password, asked.event_code, device, browser=True)


@router.post("/logout")
def log_out(request: Request, user: Visitor, sure: Field = "") -> Response:
    """End the session, if there is one. A guest whom nothing leads back is asked first."""
    if user is not None and user.user_type == GUEST and not sure and not login_links.is_kept(user):
        return redirect("/leave")
    end_session_before(request)
    answer = redirect("/")
    end_session(request, answer)
    return answer
