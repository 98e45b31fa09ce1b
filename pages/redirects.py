"""Ways to another page, and what a form leaves for the page it leads back to."""

import base64
import binascii
import json

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from api.sessions import set_cookie

FLASH_COOKIE = "reperio_said"
SECONDS = 60
Flash = dict[str, str | list[str]]


def redirect(path: str) -> Response:
    """Return the way to another page of this site, judged anew at each visit.

    A browser that kept it would follow it when somebody goes back after logging in or out.
    """
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


def redirect_with_flash(request: Request, path: str, **flash: str | list[str]) -> Response:
    """Return the way to `path` (a query may follow), where `flash` is known to the page, once.

    Forms that were refused answer so and not with a page: the back button never asks to send them again.
    Never passwords. Together at most some 2,000 characters: it travels in a cookie.
    """
    answer = redirect(path)
    packed = json.dumps([path.partition("?")[0], flash], ensure_ascii=False).encode()
    set_cookie(request, answer, FLASH_COOKIE, base64.urlsafe_b64encode(packed).decode(), SECONDS)
    return answer


def flash_of(request: Request) -> Flash:
    """Return what the form left for this page; nothing, where there is nothing or somebody made it up."""
    try:
        path, flash = json.loads(base64.urlsafe_b64decode(request.cookies.get(FLASH_COOKIE, "")))
    except (binascii.Error, ValueError, TypeError):
        return {}
    if path != request.url.path or not isinstance(flash, dict):
        return {}
    return {name: value for name, value in flash.items() if _plain(value)}


def _plain(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(part, str) for part in value))


def clear_flash(request: Request, response: Response) -> None:
    """It was read."""
    set_cookie(request, response, FLASH_COOKIE, "", 0)
