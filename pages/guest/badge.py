"""The page with a guest's badge: a large code that photographers take a picture of. It needs no script."""

from urllib.parse import quote

from fastapi import Request, Response
from markupsafe import Markup

from api.callers import CurrentGuest
from keys import MAX_CODE_KEY
from models import Event
from pages.guest.join import event_of
from pages.guest.membership import memberships_of
from pages.redirects import redirect
from pages.rendering import page_router, render
from photos.badges import codes, service
from photos.service import event_of_guest

router = page_router()


def badge_address(event: Event) -> str:
    """Return the page of a guest's badge in an event."""
    return f"/badge?event_code={quote(event.event_code, safe='')}"


@router.get("/badge")
def badge(request: Request, guest: CurrentGuest, event_code: str = "") -> Response:
    """Return the guest's badge in the event with this code, by default in the first one.

    Guests who are not in the event are led to where guests join; where no badges are used, to the gallery.
    """
    typed = event_code[:MAX_CODE_KEY].strip()
    joined = [each.event for each in memberships_of(guest)]
    found = event_of(typed) if typed else None
    if typed and (found is None or found.id not in {each.id for each in joined}):
        return redirect(f"/join?event_code={quote(typed, safe='')}")
    event = found or (event_of_guest(guest, None) if joined else None)
    if event is None or not event.badges or event.photos_ended_at is not None:
        return redirect(f"/photos?event={event.id}" if event is not None else "/photos")
    own = service.own_badge(guest.id, event)
    return render(
        request,
        "guest/badge.html",
        event=event,
        number=codes.shown_number(own.number),
        code=Markup(codes.svg_of(own.code)),  # noqa: S704 - drawn here, of capitals, digits and dots
        seconds=event.badge_seconds,
    )
