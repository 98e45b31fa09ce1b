"""An event's cover for visitors who have the code of an open event."""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request, Response

import errors
from api.photos.routes import tags_of
from api.throttling import CallerDep
from database import reading
from events import codes, cover
from models import Event, utcnow
from pages.cover_focus import classes_of
from pages.login import MAX_SHOWN_AGAIN
from pages.rendering import page_router
from photos import service as photos
from photos.keys import MEDIUM
from photos.raws.forms import THUMB

router = page_router()
# A photographer may choose another cover at any moment, which then has another address.
CACHED = "private, max-age=3600"


@dataclass(frozen=True, slots=True)
class ShownCover:
    """The address of an event's cover for visitors, which contains the code, and its classes."""

    address: str
    classes: str


def shown_cover(event: Event) -> ShownCover | None:
    """Return the event's cover as a page shows it to visitors, None without a cover."""
    photo = cover.cover_of(event.id)
    if photo is None:
        return None
    address = f"/join/cover?event_code={quote(event.event_code, safe='')}&photo={photo.id}"
    return ShownCover(address, classes_of(photo))


@router.get("/join/cover")
def cover_picture(request: Request, caller: CallerDep, event_code: str = "") -> Response:
    """Return the cover of the open event with this code.

    Raises:
        NotFound: no open event has the code, which counts as a wrong guess; or the event has no cover.
        PhotoNotReady: the cover is still being processed.
    """
    with reading() as session:
        event = codes.read(session, event_code[:MAX_SHOWN_AGAIN]).event
    if event is None or event.expires_at <= utcnow():
        caller.wrong_code()
        raise errors.NotFound
    photo = cover.cover_of(event.id)
    if photo is None:
        raise errors.NotFound
    # Photos of earlier releases have no rendition that is sharp on a phone.
    size = MEDIUM if photo.has_medium else THUMB
    etag = f'"{photo.sha256[:24]}-{size}-{photo.rendition_set}"'
    headers = {"Cache-Control": CACHED, "ETag": etag}
    if etag in tags_of(request):
        return Response(status_code=304, headers=headers)
    _, chunks = photos.open_bytes(photo, size)
    return Response(b"".join(chunks), media_type="image/jpeg", headers=headers)
