"""Cookies of the pages: their names, their attributes, and whether a request came over https."""

from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from settings import get_settings

# A browser accepts a cookie with this prefix only over https, from this host, for all of its paths (RFC 6265bis,
# 4.1.3.2): no other host of the domain can set or replace it.
HOST_PREFIX = "__Host-"
# Browsers keep a cookie for 400 days at most (RFC 6265bis, 5.5), and some drop one whose age is beyond 31 bits.
MAX_AGE_SECONDS = 400 * 86_400


def is_secure(request: Request) -> bool:
    """Return whether the browser uses https: as the request says, or as `PUBLIC_URL` does for its host."""
    if request.scope["scheme"] == "https" or request.headers.get("x-forwarded-proto", "").startswith("https"):
        return True
    host = _https_host(get_settings().public_url)
    return host is not None and request.headers.get("host", "").lower() == host


@lru_cache(maxsize=4)
def _https_host(public_url: str) -> str | None:
    """Return host and port of an https address, in lower case; None for another address."""
    public = urlsplit(public_url)
    return public.netloc.lower() if public.scheme == "https" else None


def _full_name(request: Request, name: str) -> str:
    # Some browsers drop secure cookies on http://localhost, so there the name is plain.
    return HOST_PREFIX + name if is_secure(request) else name


def cookie_of(request: Request, name: str) -> str | None:
    """Return the value of a cookie that `set_cookie` has set; None without it.

    Over https only the cookie with the prefix counts: a plain one may come from another host of the domain.
    """
    return request.cookies.get(_full_name(request, name))


def set_cookie(
    request: Request, response: Response, name: str, value: str, seconds: int | None, *, hidden: bool = True
) -> None:
    """Set a cookie that only this site receives, for `seconds`; None: until the browser is closed.

    `hidden` ones cannot be read by scripts.
    """
    age = None if seconds is None else min(seconds, MAX_AGE_SECONDS)
    response.set_cookie(
        _full_name(request, name), value, age, httponly=hidden, samesite="lax", secure=is_secure(request)
    )
