"""The session of the web pages: its cookies, and the CSRF token that proves that a request comes from our pages."""

import secrets
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

import errors
from accounts import sessions, tokens
from api.cookies import cookie_of, set_cookie
from api.forms import read_form
from keys import MAX_DEVICE
from models import User

SESSION_COOKIE = "reperio_session"
# Identifies a browser without a session: the CSRF token of the login form is bound to it.
VISITOR_COOKIE = "reperio_visitor"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"
# Forms that start a session; elsewhere a browser with a session needs the CSRF token of that session.
SESSION_STARTS = ("/login", "/join", "/join/start", "/enter")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# What a User-Agent header contains, and the name that people know; the first that fits counts.
BROWSERS = (
    *(("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox")),
    *(("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari")),
)
SYSTEMS = (
    *(("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows")),
    *(("Mac OS", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
)


def bearer_token(request: Request) -> str | None:
    """Return the token of an `Authorization: Bearer` header."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def session_token(request: Request) -> str | None:
    """Return the access token of a request: the Bearer token, else the session cookie.

    Raises:
        CsrfMismatch: the cookie came with a method other than GET, HEAD and OPTIONS, and without the CSRF token of
        its session.
    """
    token = bearer_token(request)
    if token is not None:
        return token
    cookie = cookie_of(request, SESSION_COOKIE)
    if cookie is None or request.method in SAFE_METHODS or getattr(request.state, "form_checked", False):
        return cookie
    if not tokens.csrf_fits(cookie, request.headers.get(CSRF_HEADER, "")):
        raise errors.CsrfMismatch
    return cookie


async def check_form(request: Request) -> None:
    """Check the CSRF token of a submitted form. A dependency of every router of pages.

    Raises:
        CsrfMismatch: the token is missing or was made for another session, as when the form came from another site or
        from a page of an earlier session. CookiesRefused: the browser has no cookie that the page has set.
    """
    if request.method in SAFE_METHODS:
        return
    given = (await read_form(request)).get(CSRF_FIELD)
    seeds = [_seed(request)]
    if request.scope["path"] in SESSION_STARTS:
        # Sent twice, the form arrives the second time with a session, and with the token of before.
        seeds.append(cookie_of(request, VISITOR_COOKIE))
    if not any(seeds):
        raise errors.CookiesRefused
    if not isinstance(given, str) or not any(seed and tokens.csrf_fits(seed, given) for seed in seeds):
        raise errors.CsrfMismatch
    request.state.form_checked = True


def csrf_seed(request: Request) -> tuple[str, bool]:
    """Return the value that this browser's CSRF token is bound to, and whether it is new and must become a cookie."""
    seed = _seed(request)
    return (seed, False) if seed else (secrets.token_urlsafe(18), True)


def _seed(request: Request) -> str | None:
    """Return the session's cookie, else that of the browser: a token of before the login ends with it."""
    return cookie_of(request, SESSION_COOKIE) or cookie_of(request, VISITOR_COOKIE)


def start_session(request: Request, response: Response, token: str, seconds: int) -> None:
    """Log the browser in: set the access token as a cookie that scripts cannot read, for `seconds`."""
    set_cookie(request, response, SESSION_COOKIE, token, seconds)


def device_of(request: Request) -> str | None:
    """Return the browser and the system of a request for the list of sessions, such as "Firefox · Android"."""
    agent = request.headers.get("user-agent", "")
    browser = next((name for mark, name in BROWSERS if mark in agent), None) or agent.partition("/")[0].strip()
    system = next((name for mark, name in SYSTEMS if mark in agent), None)
    shown = "".join(each for each in " · ".join(filter(None, (browser, system))) if each.isprintable())
    return shown[:MAX_DEVICE] or None


Device = Annotated[str | None, Depends(device_of)]


def renew_session(request: Request, response: Response, user: User) -> None:
    """Let the browser keep the cookie of a guest's session as long as the session lasts by now."""
    cookie, seconds = cookie_of(request, SESSION_COOKIE), sessions.renewed_for(user)
    if cookie is not None and seconds is not None:
        set_cookie(request, response, SESSION_COOKIE, cookie, seconds)


def browser_secret(request: Request) -> str:
    """Return the secret of a browser that has submitted a form of ours: the cookie that its pages gave it."""
    return cookie_of(request, VISITOR_COOKIE) or cookie_of(request, SESSION_COOKIE) or ""


def end_session(request: Request, response: Response) -> None:
    """Log the browser out: delete the session's cookie, and the one by which the browser was known before."""
    set_cookie(request, response, SESSION_COOKIE, "", 0)
    set_cookie(request, response, VISITOR_COOKIE, "", 0)
