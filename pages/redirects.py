"""Redirects, and the flash: values that a form leaves in a cookie for the page it redirects to."""

import base64
import binascii
import json
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from api.cookies import cookie_of, set_cookie

FLASH_COOKIE = "reperio_said"
SECONDS = 60
# Browsers keep no longer cookie.
MAX_PACKED = 4096
Flash = dict[str, str | list[str]]


def redirect(path: str) -> Response:
    """Return a redirect to another page of this site.

    Not cached: going back after login or logout would follow the old redirect.
    """
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


def redirect_with_flash(request: Request, path: str, **flash: str | list[str]) -> Response:
    """Return a redirect to `path` (a query and a fragment may follow), whose page can read `flash` once.

    A refused form answers with a redirect, not with a page: the back button never asks to send the form again.
    Never put a password into `flash`. It travels in a cookie: about 2,000 characters in all.
    """
    answer = redirect(path)
    set_cookie(request, answer, FLASH_COOKIE, _packed(path, flash), SECONDS)
    return answer


def fits(path: str, flash: Flash) -> bool:
    """Return whether a browser keeps a cookie with all of this."""
    return len(FLASH_COOKIE) + 1 + len(_packed(path, flash)) <= MAX_PACKED


def _packed(path: str, flash: Flash) -> str:
    packed = json.dumps([urlsplit(path).path, flash], ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(packed).decode()


def flash_of(request: Request) -> Flash:
    """Return what a form left for this page; nothing if there is nothing or the cookie is not one of ours."""
    packed = cookie_of(request, FLASH_COOKIE) or ""
    if len(packed) > MAX_PACKED:
        return {}
    try:
        path, flash = json.loads(base64.urlsafe_b64decode(packed))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        return {}
    if path != request.url.path or not isinstance(flash, dict):
        return {}
    return {name: value for name, value in flash.items() if _plain(value)}


def _plain(value: object) -> bool:
    return _is_text(value) or (isinstance(value, list) and all(_is_text(part) for part in value))


def _is_text(value: object) -> bool:
    # JSON can hold half of a surrogate pair, which no page can be written with.
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def clear_flash(request: Request, response: Response) -> None:
    """Delete the flash cookie after the page has read it."""
    set_cookie(request, response, FLASH_COOKIE, "", 0)
