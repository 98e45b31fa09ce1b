"""The session of the web pages: its cookies, and the CSRF token that proves that a request comes from our pages."""

import secrets

from starlette.requests import Request
from starlette.responses import Response

import errors
from accounts import tokens
from api.forms import read_form
from settings import get_settings

SESSION_COOKIE = "reperio_session"
# Identifies a browser without a session: the CSRF token of the login form is bound to it.
VISITOR_COOKIE = "reperio_visitor"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


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
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie is None or request.method in SAFE_METHODS or getattr(request.state, "form_checked", False):
        return cookie
    if not tokens.csrf_fits(cookie, request.headers.get(CSRF_HEADER, "")):
        raise errors.CsrfMismatch
    return cookie


async def check_form(request: Request) -> None:
    """Check the CSRF token of a submitted form. A dependency of every router of pages.

    Raises:
        CsrfMismatch: the token is missing or was made for another session, as when the form came from another site or
        from a page of an earlier session.
    """
    if request.method in SAFE_METHODS:
        return
    given = (await read_form(request)).get(CSRF_FIELD)
    seeds = [request.cookies[name] for name in (SESSION_COOKIE, VISITOR_COOKIE) if name in request.cookies]
    # Either cookie is accepted: a login form that is sent twice arrives the second time with a session.
    if not isinstance(given, str) or not any(tokens.csrf_fits(seed, given) for seed in seeds):
        raise errors.CsrfMismatch
    request.state.form_checked = True


def csrf_seed(request: Request) -> tuple[str, bool]:
    """Return the value that this browser's CSRF token is bound to, and whether it is new and must become a cookie."""
    seed = request.cookies.get(SESSION_COOKIE) or request.cookies.get(VISITOR_COOKIE)
    return (seed, False) if seed else (secrets.token_urlsafe(18), True)


def start_session(request: Request, response: Response, token: str, seconds: int) -> None:
    """Log the browser in: set the access token as a cookie that scripts cannot read, for `seconds`."""
    set_cookie(request, response, SESSION_COOKIE, token, seconds)


def end_session(request: Request, response: Response) -> None:
    """Log the browser out: delete the session's cookie."""
    set_cookie(request, response, SESSION_COOKIE, "", 0)


def set_cookie(
    request: Request, response: Response, name: str, value: str, seconds: int, *, hidden: bool = True
) -> None:
    """Set a cookie that only this site receives, for `seconds`; `hidden` ones cannot be read by scripts."""
    response.set_cookie(name, value, seconds, httponly=hidden, samesite="lax", secure=_is_secure(request))


def _is_secure(request: Request) -> bool:
    schemes = (request.url.scheme, request.headers.get("x-forwarded-proto", "").split(",")[0].strip())
    return "https" in schemes or get_settings().public_url.startswith("https://")
