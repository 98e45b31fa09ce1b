"""A secret that a form hands to the page it redirects to, such as a link that logs in: shown again on a reload.

    answer = carry(request, redirect("/keep?made=true"), "/keep", token)   # the form
    token = carried(request)                                               # the page, for ten minutes

It travels in a cookie, encrypted under a key of the server, so that it is in no address and no log. Only the page it
is for reads it, and only in the session (or, without one, the browser) that sent the form.
"""

import base64
import json
from contextlib import suppress

from cryptography.fernet import Fernet, InvalidToken
from fastapi import Request, Response

from api.cookies import cookie_of, set_cookie
from api.sessions import csrf_seed
from signing import hash_for, keyed_hash

COOKIE = "reperio_carried"
SECONDS = 600


def carry(request: Request, answer: Response, path: str, secret: str) -> Response:
    """Return `answer`, with a secret for the page at `path`. A browser carries one at a time."""
    packed = json.dumps([path, _reader(request), secret]).encode()
    set_cookie(request, answer, COOKIE, _cipher().encrypt(packed).decode(), SECONDS)
    return answer


def carried(request: Request) -> str | None:
    """Return the secret that a form has left for this page; None if there is none, or no longer."""
    with suppress(InvalidToken, ValueError):
        # The age is in the encrypted value too: a browser may keep a cookie for longer.
        packed = _cipher().decrypt(cookie_of(request, COOKIE) or "", ttl=SECONDS)
        path, reader, secret = json.loads(packed)
        if (path, reader) == (request.url.path, _reader(request)):
            return str(secret)
    return None


def _reader(request: Request) -> str:
    """Return what stands for the session or the browser: another one cannot read what was left for this one."""
    return hash_for(b"reader of a carried secret", csrf_seed(request)[0]).hex()


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(keyed_hash(b"carried secret")))
