"""Answers that lead a browser to the object store for a picture."""

from fastapi import Request, Response

from api.cookies import cookie_of
from api.sessions import SESSION_COOKIE
from presigning import Link

# `Sec-Fetch-Mode` of what follows a redirect to another origin as it stands: an `<img>`, an address that is opened.
# `fetch` of a script would need the store's consent (CORS), and gets the picture from us.
FOLLOWING = ("no-cors", "navigate")


def may_be_redirected(request: Request) -> bool:
    """Tell whether the caller follows a redirect to the store and takes no secret along.

    Not with a token in a header: some clients pass it on to where they are sent. Not for HEAD: links are for GET
    alone. Browsers that do not say what asks (`Sec-Fetch-Mode`) may be running a script.
    """
    if "authorization" in request.headers or request.scope.get("head_only"):
        return False
    mode = request.headers.get("sec-fetch-mode")
    return mode in FOLLOWING if mode else not cookie_of(request, SESSION_COOKIE)


def redirect(link: Link, cached: str) -> Response:
    """Return the redirect to a link. It is kept no longer than the link works, and as `cached` says else.

    A browser with a session asks each time whether it still may see the picture, which it then finds in its cache.
    """
    rule = cached if "no-cache" in cached else f"private, max-age={max(link.seconds - 1, 0)}"
    headers = {
        "Location": link.url,
        "Cache-Control": rule,
        "Vary": "Sec-Fetch-Mode",
        "Referrer-Policy": "no-referrer",
    }
    return Response(status_code=302, headers=headers)
