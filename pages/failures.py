"""Pages for errors; programs get the same errors as JSON."""

from urllib.parse import quote, urlsplit

from fastapi import Request, Response

import errors
from api.language import language_of
from api.sessions import end_session
from pages.redirects import redirect, redirect_with_flash
from pages.rendering import here, render

NOT_PAGES = ("/api/", "/livez", "/readyz", "/metrics", "/openapi.json", "/static/", "/sw.js")
# Which text `common.failure.…` explains an error: by its name, else by its status.
BY_NAME = {
    "AmbiguousEventCode": "unknown_code",
    "CookiesRefused": "cookies",
    "CoverTooSmall": "small_cover",
    "CsrfMismatch": "stale",
    "EventExpired": "expired",
    "EventNotFound": "unknown_code",
    "NoCover": "no_cover",
    "NoSuchEvent": "missing_event",
    "NoSuchPhotoLink": "link_gone",
    "PhotoLinkExpired": "link_over",
    "StorageFull": "busy",
}
BY_STATUS = {
    403: "forbidden",
    404: "missing",
    405: "missing",
    413: "too_large",
    429: "too_often",
    422: "invalid",
    503: "busy",
}


def wants_page(request: Request) -> bool:
    """Tell whether a browser asks for a page."""
    path = request.url.path
    return "text/html" in request.headers.get("accept", "") and not f"{path}/".startswith(NOT_PAGES)


def failure_page(request: Request, error: errors.AppError) -> Response:
    """Return the page for an error; without a session, a redirect to the login page, which leads back."""
    if isinstance(error, errors.NotAuthenticated):
        login = f"/login?next={quote(_wanted(request), safe='')}"
        if isinstance(error, errors.InvalidToken) and error.account_is_gone:
            # An event was deleted with its guests, or the account was erased in another browser.
            answer = redirect("/gone")
            end_session(request, answer)
            return answer
        if isinstance(error, errors.InvalidToken):
            # The session was ended elsewhere, or the account is gone.
            return redirect_with_flash(request, login, problem="session_over")
        return redirect(login)
    if isinstance(error, errors.SecondFactorMissing):
        return redirect("/account/second-factor")
    general = "broken" if error.status_code >= 500 else "invalid"
    kind = BY_NAME.get(type(error).__name__) or BY_STATUS.get(error.status_code, general)
    wait = error.wait(language_of(request)) if isinstance(error, errors.TooManyRequests) else ""
    response = render(request, "errors/failure.html", error.status_code, kind=kind, wait=wait, again=_wanted(request))
    response.headers.update(error.headers)
    return response


def _wanted(request: Request) -> str:
    if request.method == "GET":
        return here(request)
    # A link cannot send a form again: return to the page of the form.
    try:
        return urlsplit(request.headers.get("referer", "")).path or "/"
    except ValueError:
        return "/"
