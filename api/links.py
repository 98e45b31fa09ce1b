"""Signed links that an `<img>` can load without a header, for one session of an account, one photo and one size.

A single face has such a link too; its id stands for the photo's, and `face` for the size.

The signature proves only which session the link was made for. Whether the session still lives and its account may see
the photo is checked at each load.
"""

import math
import time
from urllib.parse import urlencode

import errors
from accounts import tokens
from keys import MAX_ID
from models import Event, User
from settings import get_settings

LIFETIME_SECONDS = 2 * 3600
HOUR = 3600


FACE = "face"


def _message(photo_id: int, size: str, user_id: int, expires: int, session_id: str | None) -> str:
    message = f"photo:{photo_id}:{size}:{user_id}:{expires}"
    return message if session_id is None else f"{message}:{session_id}"


def _query(photo_id: int, size: str, user: User) -> dict[str, str | int]:
    expires = math.ceil((time.time() + LIFETIME_SECONDS) / HOUR) * HOUR
    return {
        "user": user.id,
        "expires": expires,
        **({"session": user.session_id} if user.session_id is not None else {}),
        "signature": tokens.sign(_message(photo_id, size, user.id, expires, user.session_id)),
    }


def face_link(face_id: int, user: User) -> str:
    """Return the signed address of the picture of a single face for this session; see `link`."""
    return f"{get_settings().public_url}/api/maybe-photos/{face_id}/crop?{urlencode(_query(face_id, FACE, user))}"


def link(photo_id: int, size: str, user: User, *, download: bool = False, rendition_set: int = 0) -> str:
    """Return the signed address of a photo for this session; the same all through an hour, so that browsers cache it.

    It expires 2 to 3 hours later. With `download`, a browser saves the picture instead of showing it. Renditions that
    were made again have another address, so that an app does not show those that it keeps.
    """
    query = {"size": size, **_query(photo_id, size, user), **({"download": "true"} if download else {})}
    if rendition_set:
        query["v"] = rendition_set
    return f"{get_settings().public_url}/api/photo/{photo_id}?{urlencode(query)}"


def cover_link(event: Event, user: User) -> str | None:
    """Return the signed address of the event's cover photo for this account; None without a cover."""
    return link(event.cover.photo_id, "web", user) if event.cover is not None else None


def signer(photo_id: int, size: str, user: str, expires: str, signature: str, session: str | None) -> int:
    """Return the id of the account that a link was signed for; whether its session still lives is not checked.

    Raises:
        InvalidToken: the link has expired, or its signature does not fit.
    """
    if not (user.isascii() and user.isdigit() and expires.isascii() and expires.isdigit()):
        raise errors.InvalidToken
    if len(user) > 19 or len(expires) > 12 or int(user) > MAX_ID or int(expires) < time.time():
        raise errors.InvalidToken
    if not tokens.signature_fits(_message(photo_id, size, int(user), int(expires), session), signature):
        raise errors.InvalidToken
    return int(user)
